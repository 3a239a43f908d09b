//! Reports about mails of the desk.

use desk::event::{Actor, Fact};
use desk::ids::ReplyId;
use desk::inbound::{Happened, Inbound, Marked};
use desk::message::MessageContent;
use desk::reply::{Delivery, Reply};
use store::answering::Answer;
use store::queue::{MAX_RECEIVES, Queue as _};

use crate::mail::{mail, office, with};
use crate::stage::Stage;

/// What a server tells of a mail that no address took.
fn report(says: &str, reply: Option<Marked>) -> Inbound {
    let mut report = with(mail("report", "mailer-daemon@mx.example", ""), |letter| {
        letter.automatic = Some("bounce".to_owned());
    });
    report.happened = Happened::Undelivered {
        ids: vec!["known-to-nobody@shop.example".to_owned()],
        addresses: vec!["ann@example.org".to_owned()],
        permanent: true,
        reason: "bounced".to_owned(),
        detail: "ann@example.org: 550 5.1.1 no such user".to_owned(),
        delayed: false,
        reply,
        content: Some(Box::new(MessageContent::text(says))),
    };
    report
}

/// A mail that an agent answered, of which nobody has noted that it was sent.
async fn answered(stage: &Stage) -> Option<ReplyId> {
    assert_eq!(stage.deliver(mail("1", "ann@example.org", "It is broken."), 1).await, []);
    let ticket = stage.ticket(1).await.unwrap();
    let answer = Answer { text: Some("Send it in.".to_owned()), ..Answer::default() };
    let none = |_: &Reply| Ok(Vec::new());
    let done = stage.desk.answer(ticket.id, None, answer, Actor::System, None, none).await.unwrap();
    if let Fact::Replied(replied) = done.event.unwrap().fact { Some(replied.reply) } else { None }
}

#[tokio::test]
async fn a_report_is_about_the_reply_that_it_names_though_nobody_noted_that_it_was_sent() {
    let stage = office().await;
    let reply = answered(&stage).await.unwrap();
    let thread = stage.ticket(1).await.unwrap().thread.unwrap();
    let marked = Marked { conversation: thread.conversation.clone(), reply };
    for _ in 0..2 {
        assert_eq!(stage.deliver(report("Sorry.", Some(marked.clone())), 1).await, []);
    }
    assert_eq!(stage.desk.reply(&thread, reply).await.unwrap().unwrap().state, Delivery::Failed);
    let failures = stage.kinds(1).await.into_iter().filter(|kind| kind == "reply_failed").count();
    assert_eq!(failures, 1);
    let gone = stage.desk.suppressed(&thread.channel, &["ann@example.org".to_owned()]).await.unwrap();
    assert_eq!(gone.len(), 1);
    assert!(stage.ticket(2).await.is_none());
}

#[tokio::test]
async fn a_report_that_cannot_be_taken_in_opens_no_ticket() {
    let stage = office().await;
    let too_large = "x".repeat(500 * 1024);
    assert_eq!(stage.deliver(report(&too_large, None), MAX_RECEIVES).await, []);
    assert_eq!(stage.dead.depth().await.unwrap().waiting, 1);
    for number in 1..5 {
        assert!(stage.ticket(number).await.is_none(), "{number}");
    }
}
