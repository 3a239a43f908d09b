//! Mails: where they end up, and what the desk answers by itself.

use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::correspondence::{Authenticity, Letter, Letterhead, Mailbox};
use desk::event::Fact;
use desk::ids::{AgentId, ConnectionId, Ulid};
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::MessageContent;
use jiff::Timestamp;
use serde_json::json;
use store::connections::{Health, StoredConnection};
use store::envelope::digest;
use store::queue::MAX_RECEIVES;
use store::settings::Versioned;

use crate::stage::Stage;

/// A desk with an address that acknowledges what comes.
pub(crate) async fn office() -> Stage {
    let stage = Stage::new().await;
    open(&stage, connection(), "support@shop.example").await;
    stage
}

async fn open(stage: &Stage, id: ConnectionId, address: &str) {
    let settings = json!({"address": address, "acknowledgement": "We got it."});
    let stored = StoredConnection {
        id,
        channel: channel(),
        version: 1,
        name: "Support".to_owned(),
        settings: settings.as_object().unwrap().clone(),
        secrets: std::collections::BTreeMap::new(),
        health: Health::Ok,
        resuming: false,
        created_at: Timestamp::UNIX_EPOCH,
    };
    stage.desk.save_connection(&stored, Vec::new()).await.unwrap();
}

fn channel() -> Channel {
    Channel::try_from("email").unwrap()
}

fn connection() -> ConnectionId {
    ConnectionId::new(Ulid::from_parts(1, 7))
}

/// A mail whose sender is proved.
pub(crate) fn mail(id: &str, from: &str, text: &str) -> Inbound {
    let hash = digest(id);
    let author = Mailbox { name: None, address: from.to_owned() };
    let letter = Letter {
        head: Letterhead {
            from: Some(author.clone()),
            authenticity: Authenticity::Proved,
            ..Letterhead::default()
        },
        subject: "Hello".to_owned(),
        message_id: Some(format!("{id}@mail.example")),
        references: Vec::new(),
        answers: Vec::new(),
        tokens: Vec::new(),
        number: None,
        answer_to: vec![author],
        copies: Vec::new(),
        automatic: None,
    };
    Inbound {
        thread: ThreadKey {
            channel: channel(),
            connection: connection(),
            conversation: hash[..20].to_owned(),
        },
        class: ChannelClass::Email,
        key: format!("mail:{hash}"),
        at: Timestamp::UNIX_EPOCH,
        sender: Some(Sender {
            kind: "email".to_owned(),
            address: from.to_owned(),
            name: None,
            username: None,
            language: None,
            phone: None,
        }),
        happened: Happened::Message {
            id: format!("mail:{hash}"),
            content: MessageContent::text(text),
            album: None,
        },
        raw: None,
        letter: Some(Box::new(letter)),
        numbered_in: None,
    }
}

pub(crate) fn with(mut inbound: Inbound, change: impl FnOnce(&mut Letter)) -> Inbound {
    change(inbound.letter.as_mut().unwrap());
    inbound
}

/// Takes a mail in, and tells how many answers the desk has given by itself so far.
async fn acknowledged(stage: &Stage, inbound: Inbound) -> usize {
    assert_eq!(stage.deliver(inbound, 1).await, []);
    let mut count = 0;
    for number in 1..200 {
        let Some(ticket) = stage.ticket(number).await else { break };
        let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
        count += events.iter().filter(|event| matches!(event.fact, Fact::Replied(_))).count();
    }
    count
}

#[tokio::test]
async fn a_first_mail_is_acknowledged_once() {
    let stage = office().await;
    let first = mail("1", "ann@example.org", "It is broken.");
    for _ in 0..3 {
        assert_eq!(acknowledged(&stage, first.clone()).await, 1);
    }
    let ticket = stage.ticket(1).await.unwrap();
    assert!(ticket.waiting_since.is_some(), "an acknowledgement is no answer");
    assert_eq!(acknowledged(&stage, mail("2", "ann@example.org", "And another thing.")).await, 1, "an hour");
    assert_eq!(
        acknowledged(&stage, mail("3", "bob@example.org", "IT is  broken.")).await,
        1,
        "the same text"
    );
    assert_eq!(acknowledged(&stage, mail("4", "bob@example.org", "My lamp, too.")).await, 2);
}

#[tokio::test]
async fn a_thread_through_several_tickets_goes_on_in_the_nearest_that_takes_it() {
    let stage = office().await;
    let id = |id: &str| format!("{id}@mail.example");
    let first = mail("1", "ann@example.org", "It is broken.");
    let token = first.thread.conversation.clone();
    assert_eq!(stage.deliver(first, 1).await, []);
    let refer = |inbound: Inbound, subject: &str, ids: &[&str]| {
        with(inbound, |letter| {
            letter.subject = subject.to_owned();
            letter.answers = ids.iter().map(|name| id(name)).collect();
            letter.tokens = vec![token.clone()];
        })
    };
    let (ann, bob) = ("ann@example.org", "bob@example.org");
    let thread = [
        refer(mail("2", ann, "Where is it?"), "Invoice for May", &["1"]),
        refer(mail("3", ann, "I have found it."), "Re: Invoice for May", &["2", "1"]),
        refer(mail("4", bob, "Mine, too."), "Re: Hello", &["1"]),
        refer(mail("5", bob, "And it smokes."), "Re: Hello", &["4", "1"]),
        refer(mail("6", ann, "Thank you."), "Re: Hello", &["5", "4", "1"]),
    ];
    for mail in thread {
        assert_eq!(stage.deliver(mail, 1).await, []);
    }
    let mut received = Vec::new();
    let mut related = Vec::new();
    for number in 1..=3 {
        let ticket = stage.ticket(number).await.unwrap();
        let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
        received.push(events.iter().filter(|event| matches!(event.fact, Fact::MessageReceived(_))).count());
        related.push(ticket.related_to);
    }
    assert_eq!(received, [2, 2, 2]);
    let first = stage.ticket(1).await.unwrap().id;
    assert_eq!(related, [None, Some(first), Some(first)]);
    assert!(stage.ticket(4).await.is_none());
}

#[tokio::test]
async fn an_answer_to_what_the_desk_said_by_itself_is_no_new_matter() {
    let stage = office().await;
    let lamp = with(mail("1", "ann@example.org", "It is broken."), |letter| {
        letter.subject = "Broken lamp".to_owned();
    });
    let token = lamp.thread.conversation.clone();
    assert_eq!(acknowledged(&stage, lamp).await, 1);
    let mut second = mail("2", "eve@example.net", "Mine, too.");
    second.thread.conversation = "other".to_owned();
    assert_eq!(acknowledged(&stage, second).await, 2);
    let answer = |id: &str, subject: &str, number: Option<u64>| {
        with(mail(id, "ann@example.org", "The red one."), |letter| {
            letter.subject = subject.to_owned();
            letter.number = number;
            letter.tokens = vec![token.clone()];
        })
    };
    for (id, subject, number) in
        [("3", "Re: [#1] The Shop", Some(1)), ("4", "Re: Support", None), ("5", "AW: SUPPORT", None)]
    {
        assert_eq!(acknowledged(&stage, answer(id, subject, number)).await, 2, "{subject}");
        assert!(stage.ticket(3).await.is_none(), "{subject}");
    }
    assert_eq!(stage.kinds(1).await.iter().filter(|kind| *kind == "message_received").count(), 4);
    // The number of another ticket, or of none, makes nothing the old matter.
    for (position, number) in [2, 1000].into_iter().enumerate() {
        let other = answer(&format!("n{number}"), &format!("[#{number}] Invoice for May"), Some(number));
        assert_eq!(acknowledged(&stage, other).await, 2);
        let opened = stage.ticket(3 + position as u64).await.unwrap();
        assert_eq!(opened.related_to, Some(stage.ticket(1).await.unwrap().id));
    }
}

#[tokio::test]
async fn a_report_about_nothing_of_ours_keeps_what_it_says() {
    let stage = office().await;
    let mut report = with(mail("1", "mailer-daemon@mx.example", ""), |letter| {
        letter.automatic = Some("bounce".to_owned());
    });
    report.happened = Happened::Undelivered {
        ids: vec!["somebody-elses@mx.example".to_owned()],
        addresses: vec!["ann@example.org".to_owned()],
        permanent: true,
        reason: "bounced".to_owned(),
        detail: "ann@example.org: 550 5.1.1 no such user".to_owned(),
        delayed: false,
        reply: None,
        content: Some(Box::new(MessageContent::text("I'm sorry to have to inform you."))),
    };
    assert_eq!(stage.deliver(report, 1).await, []);
    let ticket = stage.ticket(1).await.unwrap();
    let events = stage.desk.events(ticket.id, 0, 100).await.unwrap().items;
    let texts: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.content {
            desk::event::Content::Said(said) => said.message.text.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["I'm sorry to have to inform you."]);
}

#[tokio::test]
async fn nothing_is_acknowledged_that_could_come_back() {
    let stage = office().await;
    let unproved = [Authenticity::Unknown, Authenticity::Disowned];
    let mut doubtful: Vec<Inbound> = Vec::new();
    for (position, authenticity) in unproved.into_iter().enumerate() {
        let mail = mail(&format!("u{position}"), "ann@example.org", &format!("Text {position}"));
        doubtful.push(with(mail, |letter| letter.head.authenticity = authenticity));
    }
    let machine = mail("m", "ann@example.org", "I am away.");
    doubtful.push(with(machine, |letter| letter.automatic = Some("auto_reply".to_owned())));
    let answer = mail("a", "ann@example.org", "What was that?");
    doubtful.push(with(answer, |letter| letter.answers = vec!["ours@shop.example".to_owned()]));
    let marked = mail("t", "ann@example.org", "What was that again?");
    doubtful.push(with(marked, |letter| letter.tokens = vec!["c0ffee".to_owned()]));
    for mail in doubtful {
        assert_eq!(acknowledged(&stage, mail).await, 0);
    }
}

#[tokio::test]
async fn another_department_is_heard_and_never_acknowledged() {
    let stage = office().await;
    open(&stage, ConnectionId::new(Ulid::from_parts(1, 8)), "Sales@shop.example").await;
    let sales = "sales+tag@shop.example";
    // A colleague asks: the domain stands for it.
    assert_eq!(acknowledged(&stage, mail("1", sales, "Can you help?")).await, 0);
    let asked = stage.ticket(1).await.unwrap();
    assert!(asked.waiting_since.is_some(), "somebody is to answer");
    let more = with(mail("2", sales, "Please!"), |letter| letter.answers = vec!["1@mail.example".to_owned()]);
    assert_eq!(acknowledged(&stage, more).await, 0);
    let automatic = async |number: u64| {
        let id = stage.ticket(number).await.unwrap().id;
        let events = stage.desk.events(id, 0, 100).await.unwrap().items;
        let of = |event: &desk::event::Event| match &event.fact {
            Fact::MessageReceived(received) => Some(received.automatic.clone()),
            _ => None,
        };
        events.iter().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(automatic(1).await, [None, None]);
    // Somebody who says so, or an answer to something else, is kept and asks nothing.
    let claimed = with(mail("3", "sales@shop.example", "Me"), |letter| {
        letter.head.authenticity = Authenticity::Unknown;
    });
    let copied = with(mail("4", "sales@shop.example", "As I told them"), |letter| {
        letter.answers = vec!["elsewhere@mail.example".to_owned()];
    });
    for (number, mail) in [(2, claimed), (3, copied)] {
        assert_eq!(acknowledged(&stage, mail).await, 0);
        assert_eq!(automatic(number).await, [Some("own_loop".to_owned())]);
        assert_eq!(stage.ticket(number).await.unwrap().waiting_since, None);
    }
    // In a customer's conversation it is one department's answer to them.
    let question = with(mail("5", "ann@example.org", "Both of you"), |letter| {
        letter.copies = vec![Mailbox { name: None, address: "sales@shop.example".to_owned() }];
    });
    assert_eq!(acknowledged(&stage, question).await, 1);
    let answer = with(mail("6", "sales@shop.example", "Here it is."), |letter| {
        letter.answers = vec!["5@mail.example".to_owned()];
    });
    assert_eq!(acknowledged(&stage, answer).await, 1);
    assert_eq!(automatic(4).await, [None, Some("own_loop".to_owned())]);
}

#[tokio::test]
async fn a_machine_with_ever_new_names_is_silenced() {
    let stage = office().await;
    let mut count = 0;
    for number in 0..40 {
        let from = format!("robot@x{number}.machine.example");
        count = acknowledged(&stage, mail(&from, &from, &format!("Notice {number}"))).await;
    }
    assert_eq!(count, 20);
    let used_up = stage.desk.used_up(connection()).await.unwrap().unwrap();
    assert_eq!((used_up.what.as_str(), used_up.times), ("the domain machine.example", 20));
    assert_eq!(acknowledged(&stage, mail("x", "ann@example.org", "It is broken.")).await, 21, "others go on");
    // Variants of one address are one author.
    for (position, from) in ["robot+1@gmail.com", "robot+2@gmail.com", "r.obot@gmail.com"].iter().enumerate()
    {
        count = acknowledged(&stage, mail(from, from, &format!("Answer {position}"))).await;
    }
    assert_eq!(count, 22);
}

#[tokio::test]
async fn customers_of_a_provider_have_nothing_to_do_with_one_another() {
    let stage = office().await;
    let mut count = 0;
    for number in 0..70 {
        let from = format!("customer{number}@mail.ru");
        count = acknowledged(&stage, mail(&from, &from, &format!("Question {number}"))).await;
    }
    assert_eq!(count, 60, "as many strangers as there may be in an hour, and more than of one organisation");
    let used_up = stage.desk.used_up(connection()).await.unwrap().unwrap();
    assert_eq!(used_up.what, "strangers");
}

#[tokio::test]
async fn the_same_message_id_twice_is_two_mails_that_differ() {
    let stage = office().await;
    stage.deliver(mail("1", "ann@example.org", "One"), 1).await;
    let other = with(mail("2", "eve@example.net", "Two"), |letter| {
        letter.message_id = Some("1@mail.example".to_owned());
    });
    stage.deliver(other, 1).await;
    assert!(stage.ticket(2).await.is_some());
    // The id still leads to the first one, whoever claims it.
    let answer = with(mail("3", "ann@example.org", "Three"), |letter| {
        letter.answers = vec!["1@mail.example".to_owned()];
        letter.subject = "Re: Hello".to_owned();
    });
    stage.deliver(answer, 1).await;
    assert_eq!(stage.kinds(1).await.iter().filter(|kind| *kind == "message_received").count(), 2);
}

#[tokio::test]
async fn a_stranger_who_answers_a_mail_gets_a_ticket_of_their_own() {
    let stage = office().await;
    stage.deliver(mail("1", "ann@example.org", "One"), 1).await;
    let answer = |id: &str, from: &str| {
        with(mail(id, from, "Me, too"), |letter| {
            letter.answers = vec!["1@mail.example".to_owned()];
            letter.subject = "Re: Hello".to_owned();
        })
    };
    stage.deliver(answer("2", "eve@example.net"), 1).await;
    assert_eq!(stage.kinds(1).await, ["opened", "message_received", "replied"]);
    let own = stage.ticket(2).await.unwrap();
    assert_ne!(own.thread, stage.ticket(1).await.unwrap().thread);
    stage.deliver(answer("3", "ann@example.org"), 1).await;
    assert_eq!(stage.kinds(1).await.last().unwrap(), "message_received");
    assert_eq!(stage.ticket(3).await, None);
}

#[tokio::test]
async fn a_disowned_mail_of_a_participant_stands_on_the_ticket_and_changes_nobody() {
    let stage = office().await;
    stage.deliver(mail("1", "ann@example.org", "One"), 1).await;
    let forged = with(mail("2", "ann@example.org", "Send it to me"), |letter| {
        letter.answers = vec!["1@mail.example".to_owned()];
        letter.subject = "Re: Hello".to_owned();
        letter.head.authenticity = Authenticity::Disowned;
        letter.answer_to = vec![Mailbox { name: None, address: "eve@example.net".to_owned() }];
        letter.copies = vec![Mailbox { name: None, address: "eve@example.net".to_owned() }];
    });
    stage.deliver(forged, 1).await;
    let thread = stage.ticket(1).await.unwrap().thread.unwrap();
    let talk = stage.desk.thread(&thread).await.unwrap().unwrap().correspondence.unwrap();
    assert!(!talk.admits("eve@example.net"));
    assert_eq!(talk.answer_to[0].address, "ann@example.org");
    assert_eq!(stage.kinds(1).await.last().unwrap(), "message_received");
}

#[tokio::test]
async fn whoever_knows_a_reference_cannot_turn_answers_to_themselves() {
    let stage = office().await;
    stage.deliver(mail("1", "ann@example.org", "One"), 1).await;
    let eve = || vec![Mailbox { name: None, address: "eve@example.net".to_owned() }];
    let turned = |id: &str, authenticity| {
        with(mail(id, "ann@example.org", "Send it to me"), |letter| {
            letter.answers = vec!["1@mail.example".to_owned()];
            letter.subject = "Re: Hello".to_owned();
            letter.head.authenticity = authenticity;
            letter.answer_to = eve();
            letter.copies = eve();
        })
    };
    let talk = async || {
        let thread = stage.ticket(1).await.unwrap().thread.unwrap();
        stage.desk.thread(&thread).await.unwrap().unwrap().correspondence.unwrap()
    };
    stage.deliver(turned("2", Authenticity::Unknown), 1).await;
    let known = talk().await;
    assert!(!known.admits("eve@example.net"));
    assert_eq!(known.answer_to[0].address, "ann@example.org");
    let notes = stage.notes(1).await;
    assert!(notes[0].contains("eve@example.net"), "{notes:?}");

    stage.deliver(turned("3", Authenticity::Proved), 1).await;
    assert_eq!(talk().await.answer_to, eve());
    assert_eq!(stage.notes(1).await.len(), 1, "there is nothing to tell about a proved one");
}

#[tokio::test]
async fn a_mail_that_claims_to_be_from_an_agent_says_so() {
    let stage = office().await;
    let agent = desk::settings::Agent {
        id: AgentId::new(Ulid::from_parts(1, 9)),
        name: "Eva".to_owned(),
        email: Some("Eva@shop.example".to_owned()),
    };
    let agent = Versioned { value: agent, version: 1 };
    stage.desk.save_setting(&agent, false, Vec::new()).await.unwrap();
    stage.desk.reload_settings().await.unwrap();
    let unproved = [Authenticity::Unknown, Authenticity::Disowned];
    for (position, authenticity) in unproved.into_iter().chain([Authenticity::Proved]).enumerate() {
        let claim = with(mail(&format!("{position}"), "eva@shop.example", "It is me"), |letter| {
            letter.head.authenticity = authenticity;
        });
        stage.deliver(claim, 1).await;
        let noted = stage.notes(position as u64 + 1).await;
        let doubted = noted.iter().any(|note| note.contains("claims to be from Eva"));
        assert_eq!(doubted, authenticity != Authenticity::Proved, "{noted:?}");
    }
    stage
        .deliver(
            with(mail("x", "ann@shop.example", "Me"), |letter| {
                letter.head.authenticity = Authenticity::Unknown;
            }),
            1,
        )
        .await;
    assert_eq!(stage.notes(4).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_mail_that_left_a_gap_is_taken_in_by_the_ticket_of_the_gap() {
    let stage = office().await;
    let too_large = "x".repeat(500 * 1024);
    assert_eq!(stage.deliver(mail("1", "ann@example.org", &too_large), MAX_RECEIVES).await, []);
    // The try and the gap each took a number.
    assert_eq!(stage.kinds(2).await, ["opened", "gap"]);
    for _ in 0..2 {
        assert_eq!(stage.deliver(mail("1", "ann@example.org", "It is broken."), 1).await, []);
        assert_eq!(stage.kinds(2).await, ["opened", "gap", "message_received", "replied"]);
    }
    assert!(stage.ticket(3).await.is_none());
}
