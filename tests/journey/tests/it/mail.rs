//! E-mail: a question, its answer, and what follows in the same conversation or in another one.

mod emulator;
mod files;
mod strangers;
mod undelivered;

use journey::mail::{Letter, MailServer, Office, send};
use journey::stage::{Stage, Target};
use journey::target::Receiving;
use serde_json::{Value, json};

const ANN: &str = "Ann Lee <ann@example.org>";

async fn office(more: Value) -> (Stage, MailServer, Office) {
    let stage = Stage::local(Receiving::Webhook).await;
    let server = MailServer::start().await;
    let office = Office::open(&stage, &server, "support@shop.example", more).await;
    (stage, server, office)
}

/// The only ticket of the office.
async fn only(stage: &Stage, office: &Office) -> String {
    let tickets = office.await_tickets(stage, 1).await;
    tickets[0]["id"].as_str().expect("a ticket has an id").to_owned()
}

/// The ticket that another one has to do with.
async fn related_to(stage: &Stage, ticket: &Value) -> Value {
    stage.desk.ticket(ticket["id"].as_str().expect("a ticket has an id")).await["related_to"].clone()
}

async fn answer(stage: &Stage, ticket: &str, text: &str) -> Value {
    stage.desk.post(&format!("/tickets/{ticket}/replies"), &json!({"text": text})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_in_its_thread() {
    let (stage, server, office) = office(json!({})).await;
    let question = Letter::new(ANN, &office.address, "Broken lamp", "The lamp is broken.\n\n-- \nAnn Lee\n");
    office.receives(&question).await;
    let ticket = only(&stage, &office).await;
    let shown = stage.desk.ticket(&ticket).await;
    assert_eq!(shown["subject"], "Broken lamp");
    let event = &stage.desk.events_of(&ticket, "message_received").await[0];
    assert_eq!(event["content"]["text"], "The lamp is broken.");
    assert_eq!(event["content"]["author"], "Ann Lee");
    assert_eq!(event["content"]["letter"]["from"]["address"], "ann@example.org");

    let reply = answer(&stage, &ticket, "We send a new one.\nToday.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = &server.await_sent(1).await[0];
    assert_eq!(sent.to, ["ann@example.org"]);
    assert_eq!(sent.from, office.address);
    assert_eq!(sent.subject(), "Re: Broken lamp");
    assert_eq!(sent.header("In-Reply-To").as_deref(), Some(question.id()));
    assert!(sent.header("From").expect("a sender").starts_with("\"The Shop\""), "{:?}", sent.header("From"));
    assert!(sent.text().contains("We send a new one."), "{}", sent.text());
    assert!(sent.html().contains("We send a new one."), "{}", sent.html());

    let thanks = Letter::new(ANN, &office.address, "Re: Broken lamp", "Thank you!").answering(sent);
    office.receives(&thanks).await;
    assert_eq!(stage.received(&ticket, 2).await, ["The lamp is broken.", "Thank you!"]);
    stage.desk.await_ticket(&ticket, "it is open again", |ticket| ticket["status"] == "open").await;
    assert_eq!(office.tickets(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_mail_twice_is_one_message() {
    let (stage, server, office) = office(json!({})).await;
    let sales = Office::open(&stage, &server, "sales@shop.example", json!({})).await;
    let mail = Letter::new(ANN, "support@shop.example, sales@shop.example", "Both of you", "Hello");
    for _ in 0..3 {
        office.receives(&mail).await;
    }
    let ticket = only(&stage, &office).await;
    // Another department has a ticket of its own, which knows of the first.
    sales.receives(&mail).await;
    sales.receives(&mail).await;
    let other = only(&stage, &sales).await;
    assert_ne!(ticket, other);
    assert_eq!(stage.desk.ticket(&other).await["related_to"], ticket);
    // A later mail is proof that the repeated ones were worked on before it.
    office.receives(&Letter::new(ANN, &office.address, "Something else", "Later")).await;
    office.await_tickets(&stage, 2).await;
    assert_eq!(stage.texts_received(&ticket).await, ["Hello"]);
    assert_eq!(sales.tickets(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_with_a_copy_joins_and_is_answered() {
    let (stage, server, office) = office(json!({})).await;
    let bob = "Bob <bob@example.org>";
    let question = Letter::new(ANN, &office.address, "Broken lamp", "It is broken.").with("Cc", bob);
    office.receives(&question).await;
    let ticket = only(&stage, &office).await;
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    assert_eq!(sent.to, ["ann@example.org", "bob@example.org"]);
    assert!(sent.header("Cc").expect("a copy").contains("bob@example.org"));

    let to_all = format!("{}, {ANN}", office.address);
    office.receives(&Letter::new(bob, &to_all, "Re: Broken lamp", "The red one.").answering(&sent)).await;
    assert_eq!(stage.received(&ticket, 2).await, ["It is broken.", "The red one."]);
    let next = stage.desk.ticket(&ticket).await["next_answer"].clone();
    assert_eq!(next["to"][0]["address"], "bob@example.org", "{next:#}");
    assert_eq!(next["cc"][0]["address"], "ann@example.org", "{next:#}");
    let reply = answer(&stage, &ticket, "Thank you, Bob.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(2).await.remove(1);
    assert_eq!(sent.to, ["bob@example.org", "ann@example.org"]);

    server.refuse("ann@example.org", "550 5.1.1 No such user");
    let reply = answer(&stage, &ticket, "It is on its way.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let event = &stage.desk.events_of(&ticket, "replied").await[2];
    assert_eq!(event["delivery_detail"]["reason"], "copies_refused", "{event:#}");
    assert_eq!(event["delivery_detail"]["detail"], "ann@example.org: 5.1.1 No such user", "{event:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_matter_in_an_old_thread_is_a_new_ticket() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    answer(&stage, &ticket, "Which one?").await;
    let sent = server.await_sent(1).await.remove(0);
    office
        .receives(&Letter::new(ANN, &office.address, "Invoice for May", "It is wrong.").answering(&sent))
        .await;
    let tickets = office.await_tickets(&stage, 2).await;
    assert_eq!(tickets[1]["subject"], "Invoice for May");
    assert_eq!(related_to(&stage, &tickets[1]).await, ticket);
    assert_eq!(tickets[1]["contact"], tickets[0]["contact"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_under_the_subject_of_an_acknowledgement_is_no_new_matter() {
    let (stage, server, office) = office(json!({})).await;
    office.receives(&Letter::new(ANN, &office.address, "Broken lamp", "It is broken.")).await;
    let ticket = only(&stage, &office).await;
    let number = stage.desk.ticket(&ticket).await["number"].clone();
    let reply = answer(&stage, &ticket, "Which one?").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    let sent = server.await_sent(1).await.remove(0);
    // As acknowledgements are called, which repeat nothing of what the customer wrote.
    let numbered = format!("Re: [#{number}] The Shop");
    for (subject, text) in [(numbered.as_str(), "The red one."), ("AW: The Shop", "And the blue one.")] {
        office.receives(&Letter::new(ANN, &office.address, subject, text).answering(&sent)).await;
    }
    let texts = ["It is broken.", "The red one.", "And the blue one."];
    assert_eq!(stage.received(&ticket, 3).await, texts);
    assert_eq!(office.tickets(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_come_by_smtp_too() {
    let stage = Stage::local(Receiving::Webhook).await;
    let Target::Local(local) = &stage.target else { panic!("this is about the desk in one process") };
    let server = MailServer::start().await;
    let office =
        Office::open(&stage, &server, "support@shop.example", json!({"plus_addressing": true})).await;
    let letter = Letter::new(ANN, &office.address, "By SMTP", "Dots:\n.\n..and more.");
    for _ in 0..2 {
        let answers =
            send(local.smtp(), "ann@example.org", "Support+anything@shop.example", &letter.bytes()).await;
        assert!(answers.last().expect("an answer").starts_with("250"), "{answers:?}");
    }
    let ticket = only(&stage, &office).await;
    assert_eq!(stage.received(&ticket, 1).await, ["Dots:\n.\n..and more."]);
    let answers = send(local.smtp(), "ann@example.org", "nobody@shop.example", &letter.bytes()).await;
    assert!(answers.iter().any(|answer| answer.starts_with("550 5.1.1")), "{answers:?}");
    let reply = answer(&stage, &ticket, "Thank you.").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(server.await_sent(1).await[0].to, ["ann@example.org"]);
}
