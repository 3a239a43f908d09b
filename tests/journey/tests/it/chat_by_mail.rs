//! A visitor of the site leaves an address while nobody is there, and the conversation goes on by mail.

use journey::desk::SOON;
use journey::eventually;
use journey::mail::{Letter, MailServer, Office};
use journey::stage::Stage;
use journey::target::Receiving;
use journey::webchat::{Chat, Visitor};
use serde_json::{Value, json};

const ANN: &str = "Ann Lee <ann@example.org>";
/// How long a visitor may take to see an answer, in seconds.
const SOON_MAILED: u64 = 3;

/// A desk that is closed, with an office and a chat.
async fn closed() -> (Stage, MailServer, Office, Chat) {
    let stage = Stage::local(Receiving::Webhook).await;
    let server = MailServer::start().await;
    let office = Office::open(&stage, &server, "support@shop.example", json!({})).await;
    let calendars = stage.desk.list("/calendars").await;
    let id = calendars[0]["id"].as_str().expect("a calendar has an id");
    let never = json!({"name": "Hours", "time_zone": "UTC", "week": {}});
    stage.desk.put(&format!("/calendars/{id}"), &never).await;
    let settings = json!({"email_connection": office.id, "email_after": SOON_MAILED});
    let chat = Chat::connect(&stage.desk, settings).await;
    (stage, server, office, chat)
}

/// A visitor who asks something and leaves an address, with the ticket.
async fn asks(stage: &Stage, chat: &Chat) -> (Visitor, String) {
    let visitor = eventually("the desk is known to be closed", SOON, async || {
        let visitor = chat.visitor(json!({})).await;
        if visitor.session["online"] == false { Ok(visitor) } else { Err(visitor.session) }
    })
    .await;
    assert_eq!(visitor.session["form"], "email", "{:#}", visitor.session);
    let question = json!({"client_id": "1", "text": "Where is my parcel?", "email": "ann@example.org"});
    visitor.post("messages", question).await;
    let ticket = crate::chat::ticket_of(stage, &visitor).await;
    (visitor, ticket)
}

/// Waits until the copy of a reply has come to a state, and returns the reply's event.
async fn await_copy(stage: &Stage, ticket: &str, reply: &Value, state: &str) -> Value {
    let what = format!("the mail is {state}");
    let seq = &reply["seq"];
    stage
        .desk
        .await_event(ticket, &what, |event| event["seq"] == *seq && event["copy"]["delivery"] == state)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_finds_a_visitor_who_is_gone() {
    if !crate::runs("local") {
        return;
    }
    let (stage, server, office, chat) = closed().await;
    let desk = &stage.desk;
    let (visitor, ticket) = asks(&stage, &chat).await;
    let reply = desk.reply(&ticket, "It left this morning.").await;
    let event = await_copy(&stage, &ticket, &reply, "sent").await;
    assert_eq!((&event["delivery"], &event["copy"]["channel"]), (&json!("sent"), &json!("email")));
    let mail = server.await_sent(1).await.remove(0);
    assert_eq!((mail.from.as_str(), mail.to), (office.address.as_str(), vec!["ann@example.org".to_owned()]));
    let mail = server.sent().remove(0);
    assert_eq!(mail.subject(), "Where is my parcel?");
    assert!(mail.text().contains("It left this morning."), "{}", mail.text());

    let answer =
        Letter::new(ANN, &office.address, "Re: Where is my parcel?", "Nothing came.").answering(&mail);
    office.receives(&answer).await;
    assert_eq!(stage.received(&ticket, 2).await, ["Where is my parcel?", "Nothing came."]);
    desk.await_ticket(&ticket, "it is open again", |ticket| ticket["status"] == "open").await;
    assert_eq!(office.tickets(&stage).await.len(), 0, "it is no ticket of its own");

    let again = desk.reply(&ticket, "We send another one.").await;
    let event = desk.await_delivery(&ticket, &again, "sent").await;
    assert_eq!(event["data"]["thread"]["channel"], "email", "{event:#}");
    let second = server.await_sent(2).await.remove(1);
    assert_eq!(second.in_reply_to(), [answer.id().trim_matches(['<', '>'])]);
    assert!(second.references().contains(&mail.message_id()), "{:?}", second.references());
    assert_eq!(visitor.texts().await, ["Where is my parcel?", "It left this morning."]);

    // Back in the chat, the conversation goes on there.
    visitor.says("2", "It has come!").await;
    stage.received(&ticket, 3).await;
    let reply = desk.reply(&ticket, "Glad to hear it.").await;
    desk.await_delivery(&ticket, &reply, "sent").await;
    let page = visitor.page(None).await;
    assert_eq!(page["items"][3]["text"], "Glad to hear it.", "{page:#}");
    visitor.post("read", json!({"cursor": page["cursor"]})).await;
    await_copy(&stage, &ticket, &reply, "read").await;
    assert_eq!(server.sent().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sees_the_answer_in_time_gets_no_mail() {
    if !crate::runs("local") {
        return;
    }
    let (stage, server, _, chat) = closed().await;
    let (visitor, ticket) = asks(&stage, &chat).await;
    let seen = stage.desk.reply(&ticket, "It left this morning.").await;
    stage.desk.await_delivery(&ticket, &seen, "sent").await;
    visitor.post("read", json!({"cursor": visitor.page(None).await["cursor"]})).await;
    let event = await_copy(&stage, &ticket, &seen, "read").await;
    assert_eq!(event["copy"]["delivery_detail"]["attempts"], 0, "{event:#}");
    // A later answer that nobody sees is mailed, so there was time enough for the first.
    let unseen = stage.desk.reply(&ticket, "It will come tomorrow.").await;
    await_copy(&stage, &ticket, &unseen, "sent").await;
    let sent = server.await_sent(1).await;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].text().contains("It will come tomorrow."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_exist_is_told_on_the_ticket() {
    if !crate::runs("local") {
        return;
    }
    let (stage, server, _, chat) = closed().await;
    server.refuse("ann@example.org", "550 5.1.1 No such user");
    let (visitor, ticket) = asks(&stage, &chat).await;
    let reply = stage.desk.reply(&ticket, "It left this morning.").await;
    let event = await_copy(&stage, &ticket, &reply, "failed").await;
    assert_eq!(event["delivery"], "sent", "{event:#}");
    stage.desk.await_event(&ticket, "the failure", |event| event["kind"] == "reply_failed").await;
    stage.desk.await_ticket(&ticket, "it is open again", |ticket| ticket["status"] == "open").await;
    assert_eq!(visitor.texts().await, ["Where is my parcel?", "It left this morning."]);
    // A desk without mail asks for no address.
    for connection in stage.desk.list("/connections").await {
        if connection["channel"] == "email" {
            let id = connection["id"].as_str().expect("a connection has an id");
            stage.desk.delete(&format!("/connections/{id}")).await;
        }
    }
    let visitor = chat.visitor(json!({})).await;
    assert_eq!((&visitor.session["online"], visitor.session.get("form")), (&json!(false), None));
}
