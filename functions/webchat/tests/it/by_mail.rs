//! Answers that go on by mail to visitors who left an address.

use desk::command::{Command, Request, Update};
use desk::event::{Actor, Fact};
use desk::ids::ConnectionId;
use desk::reply::Delivery;
use desk::ticket::Status;
use jiff::SignedDuration;
use serde_json::json;
use store::answering::Answer as Reply;
use store::suppressions::Suppression;

use crate::stage::{Guest, Stage, texts};

const OFFICE: &str = "help@shop.example";
const ANN: &str = "ann@home.example";
/// Longer than a visitor may take to see an answer.
const LATER: SignedDuration = SignedDuration::from_mins(3);

/// A desk on a Sunday, with a visitor who left an address.
async fn left_alone() -> (Stage, ConnectionId, Guest) {
    let stage = Stage::new().await;
    let office = stage.office(OFFICE).await;
    stage.wait(SignedDuration::from_hours(4 * 24));
    let guest = stage.guest(json!({})).await;
    let asked = json!({"client_id": "1", "text": "Where is my parcel?", "email": ANN});
    stage.post(&guest, "messages", asked).await.is(202);
    stage.route().await;
    (stage, office, guest)
}

impl Stage {
    async fn answers(&self, guest: &Guest, text: &str) {
        let ticket = self.ticket(guest).await.id;
        self.reply(guest, ticket, text).await;
    }
}

/// An answer to a mail of ours, as a mail program writes it.
fn answering(sent: &str, from: &str, text: &str) -> String {
    format!(
        "Message-ID: <{}@home.example>\r\nDate: Sun, 8 Mar 2026 13:00:00 +0000\r\nFrom: {from}\r\nTo: {OFFICE}\r\n\
         Subject: Re: Where is my parcel?\r\nIn-Reply-To: {sent}\r\nReferences: {sent}\r\n\r\n{text}\r\n",
        text.replace(' ', "-")
    )
}

#[tokio::test]
async fn nobody_leaves_the_address_of_the_desk() {
    let stage = Stage::new().await;
    stage.office(OFFICE).await;
    let guest = stage.guest(json!({})).await;
    for own in [OFFICE, "Help@shop.example", " help+x@SHOP.example "] {
        let asked = json!({"client_id": "1", "text": "Hello", "email": own});
        let refused = stage.post(&guest, "messages", asked).await;
        refused.is(422);
        stage.route().await;
        assert_eq!(stage.texts(&guest).await, Vec::<String>::new(), "{own}");
    }
    let asked = json!({"client_id": "1", "text": "Hello", "email": ANN});
    stage.post(&guest, "messages", asked).await.is(202);
}

#[tokio::test]
async fn an_answer_that_nobody_sees_is_mailed() {
    let (stage, _, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    stage.deliver_copies(&guest).await;
    assert_eq!(stage.mails().len(), 0, "there is time to see it");

    // A widget that nobody looks at fetches it all the same.
    assert_eq!(stage.texts(&guest).await, ["Where is my parcel?", "It left on Friday."]);
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    stage.deliver_copies(&guest).await;
    let mails = stage.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [ANN]);
    assert_eq!(mails[0].header("Subject").unwrap(), "Where is my parcel?");
    assert_eq!(mails[0].header("References"), None);
    assert!(mails[0].text.contains("It left on Friday."), "{}", mails[0].text);
    assert_eq!(stage.replies(&guest).await[0].state, Delivery::Delivered, "what became of it here stays");

    stage.answers(&guest, "It will come on Monday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    let mails = stage.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[1].header("In-Reply-To"), mails[0].header("Message-ID"), "one thread");
    assert_eq!(mails[1].header("Subject").unwrap(), "Re: Where is my parcel?");
}

#[tokio::test]
async fn an_answer_that_was_read_in_time_is_not_mailed() {
    let (stage, _, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    let cursor = stage.page(&guest, "").await["cursor"].clone();
    stage.post(&guest, "read", json!({"cursor": cursor})).await.is(204);
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    assert_eq!(stage.mails().len(), 0);
    let reply = stage.replies(&guest).await.remove(0);
    let copy = stage.desk.reply(reply.copied_to.as_ref().unwrap(), reply.id).await.unwrap().unwrap();
    assert_eq!((copy.state, copy.reason.as_deref(), copy.due_at), (Delivery::Read, Some("seen"), None));
}

#[tokio::test]
async fn an_answer_by_mail_belongs_to_the_ticket_and_is_answered_by_mail() {
    let (stage, office, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    let sent = stage.mails()[0].header("Message-ID").unwrap();
    let seen = stage.texts(&guest).await;

    stage.mail(office, &answering(&sent, "Ann <Ann@Home.example>", "Nothing came")).await;
    let ticket = stage.ticket(&guest).await;
    assert_eq!((ticket.status, ticket.asked_in.is_some()), (Status::Open, true));
    let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
    let last = events.last().unwrap();
    assert!(matches!(&last.fact, Fact::MessageReceived(message) if message.thread == ticket.asked_in));
    assert_eq!(last.content.said().unwrap().message.text.as_deref(), Some("Nothing came"));

    stage.write(ticket.id, Reply { text: Some("We send another one.".to_owned()), ..Reply::default() }).await;
    stage.deliver_in(&ticket.asked_in.clone().unwrap()).await;
    let mails = stage.mails();
    assert_eq!(mails.len(), 2, "at once");
    assert_eq!(mails[1].header("In-Reply-To").unwrap(), "<Nothing-came@home.example>");
    assert!(mails[1].text.contains("We send another one."));
    // The address was the visitor's claim: what its owner writes, and is answered, is not the visitor's to see.
    assert_eq!(stage.texts(&guest).await, seen);

    stage.says(&guest, "2", "Hello again").await;
    stage.answers(&guest, "Good morning.").await;
    assert_eq!(texts(&stage.page(&guest, "?limit=2").await), ["Hello again", "Good morning."]);
    assert_eq!(stage.ticket(&guest).await.id, ticket.id);
}

#[tokio::test]
async fn an_address_belongs_to_one_conversation_and_lets_no_stranger_in() {
    let (stage, office, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    let sent = stage.mails()[0].header("Message-ID").unwrap();
    stage.mail(office, &answering(&sent, "eve@elsewhere.example", "Send it to me")).await;
    let ticket = stage.ticket(&guest).await;
    assert_eq!(ticket.asked_in, None, "whoever does not take part has a ticket of their own");

    let other = stage.guest(json!({})).await;
    assert_eq!(other.session["form"], "email");
    stage.says(&other, "1", "Hello").await;
    stage.answers(&other, "Hello!").await;
    assert_eq!(stage.replies(&other).await[0].copied_to, None);
    // The same address in another conversation begins another thread of mails.
    let same = json!({"client_id": "2", "text": "And mine?", "email": ANN});
    stage.post(&other, "messages", same).await.is(202);
    stage.route().await;
    stage.answers(&other, "Here.").await;
    let copied_to = stage.replies(&other).await[1].copied_to.clone();
    assert!(copied_to.is_some() && copied_to != stage.replies(&guest).await[0].copied_to);
}

#[tokio::test]
async fn what_cannot_arrive_is_told_on_the_ticket() {
    let (stage, office, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    let sent = stage.mails()[0].header("Message-ID").unwrap();
    let report = format!(
        "From: MAILER-DAEMON@home.example\r\nTo: {OFFICE}\r\nSubject: Undelivered\r\nMessage-ID: <d1@home.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; home.example\r\n\r\n\
         Final-Recipient: rfc822; {ANN}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {sent}\r\nSubject: Where is my parcel?\r\n\r\n\r\n--b--\r\n"
    );
    stage.mail(office, &report).await;
    let ticket = stage.ticket(&guest).await;
    assert_eq!(ticket.status, Status::Open);
    let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
    let failed = events.iter().filter(|event| matches!(event.fact, Fact::ReplyFailed(_))).count();
    assert_eq!(failed, 1);
    let reply = stage.replies(&guest).await.remove(0);
    assert_eq!(reply.state, Delivery::Sent, "here it stands");
    let copy = stage.desk.reply(reply.copied_to.as_ref().unwrap(), reply.id).await.unwrap().unwrap();
    assert_eq!(copy.state, Delivery::Failed);

    // The address is written to no more.
    stage.answers(&guest, "Once more").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    assert_eq!(stage.mails().len(), 1);
    let reply = stage.replies(&guest).await.remove(1);
    let copy = stage.desk.reply(reply.copied_to.as_ref().unwrap(), reply.id).await.unwrap().unwrap();
    assert_eq!((copy.state, copy.reason.as_deref()), (Delivery::Failed, Some("suppressed")));
}

#[tokio::test]
async fn only_what_people_write_is_mailed_and_by_the_office_that_is_named() {
    let (stage, _, guest) = left_alone().await;
    let ticket = stage.ticket(&guest).await.id;
    let automatic = Reply { text: Some("We are away.".to_owned()), automatic: true, ..Reply::default() };
    stage.write(ticket, automatic).await;
    stage.deliver(&guest).await;
    assert_eq!(stage.replies(&guest).await[0].copied_to, None);

    let second = stage.office("sales@shop.example").await;
    let chat = stage.desk.connection_by_id(stage.connection).await.unwrap().unwrap();
    let set = async |settings: serde_json::Value| {
        let mut chat = stage.desk.connection(&chat.channel, chat.id).await.unwrap().unwrap();
        chat.version += 1;
        chat.settings.extend(settings.as_object().cloned().unwrap());
        stage.desk.save_connection(&chat, Vec::new()).await.unwrap();
        stage.wait(SignedDuration::from_mins(1));
    };
    set(json!({"email_connection": second.to_string(), "email_after": 3600})).await;
    stage.answers(&guest, "Here we are.").await;
    assert_eq!(stage.replies(&guest).await[1].copied_to.as_ref().unwrap().connection, second);
    stage.wait(SignedDuration::from_mins(30));
    stage.deliver_copies(&guest).await;
    assert_eq!(stage.mails().len(), 0, "an hour is asked for");
    stage.wait(SignedDuration::from_mins(31));
    stage.deliver_copies(&guest).await;
    assert!(stage.mails()[0].header("From").unwrap().contains("sales@shop.example"));

    // One that is named and gone is replaced by nobody.
    set(json!({"email_connection": ConnectionId::new(desk::ids::Ulid::from_parts(5, 5)).to_string()})).await;
    stage.answers(&guest, "Still here.").await;
    assert_eq!(stage.replies(&guest).await[2].copied_to, None);
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_is_not_written_to() {
    let (stage, office, guest) = left_alone().await;
    let channel = stage.desk.connection_by_id(office).await.unwrap().unwrap().channel;
    let gone = Suppression {
        address: ANN.to_owned(),
        reason: "complained".to_owned(),
        detail: String::new(),
        since: stage.now(),
    };
    stage.desk.suppress(&channel, &gone).await.unwrap();
    stage.answers(&guest, "It left on Friday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    assert_eq!(stage.mails().len(), 0);
    assert_eq!(stage.ticket(&guest).await.status, Status::Open, "somebody has to see to it");
}

#[tokio::test]
async fn a_chat_that_went_on_by_mail_is_shown_once() {
    let (stage, office, guest) = left_alone().await;
    stage.answers(&guest, "It left on Friday.").await;
    stage.wait(LATER);
    stage.deliver_copies(&guest).await;
    let sent = stage.mails()[0].header("Message-ID").unwrap();
    let ticket = stage.ticket(&guest).await.id;
    let update = Update { status: Some(Status::Closed), ..Update::default() };
    let request = Request { actor: Actor::System, cause: None, command: Command::Update(update) };
    stage.desk.execute(ticket, request).await.unwrap();
    stage.mail(office, &answering(&sent, ANN, "Nothing came.")).await;
    assert!(stage.desk.ticket(ticket).await.unwrap().unwrap().followed_up_by.is_some());

    let page = stage.page(&guest, "").await;
    assert_eq!(texts(&page), ["Where is my parcel?", "It left on Friday."]);
    let cursor = page["cursor"].as_str().unwrap();
    let later = stage.page(&guest, &format!("?after={cursor}")).await;
    assert_eq!(texts(&later), Vec::<String>::new());
    stage.says(&guest, "2", "Is anybody there?").await;
    stage.route().await;
    let later = stage.page(&guest, &format!("?after={cursor}")).await;
    assert_eq!(texts(&later), ["Is anybody there?"]);
}
