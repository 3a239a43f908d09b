//! Looking after the desk: dead letters, the doctor, replays.

use std::sync::Arc;
use std::time::Duration;

use api::{Api, Storage};
use axum::body::Body;
use axum::http::Request as HttpRequest;
use desk::command::{Command, Request};
use desk::event::{Actor, Raw, Said};
use serde_json::{Value, json};
use store::allowances::UsedUp;
use store::envelope::Envelope;
use store::heartbeat::{Heartbeat, beat};
use store::queue::{MAX_RECEIVES, Outgoing};

use crate::bot::Bot;
use crate::stage::{Stage, text};

/// Lets a message of the inbound queue die.
async fn dead_letter(stage: &Stage, body: &str) {
    let group = Some(format!("telegram#cnx#{body}"));
    let message = Outgoing { body: body.to_owned(), group: group.clone(), deduplication: group };
    stage.api.inbound.send(vec![message]).await.unwrap();
    for _ in 0..=MAX_RECEIVES {
        for message in stage.api.inbound.receive(10, Duration::from_secs(60)).await.unwrap() {
            stage.api.inbound.release(&message.receipt, Duration::ZERO).await.unwrap();
        }
    }
}

#[tokio::test]
async fn dead_letters_are_shown_and_sent_again() {
    let stage = Stage::new().await;
    dead_letter(&stage, "one").await;
    dead_letter(&stage, "two").await;
    let letters = stage.all("/dead-letters", 1).await;
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0]["queue"], "inbound");
    assert_eq!(stage.all("/dead-letters?queue=relay", 10).await.len(), 0);
    let id = letters[0]["id"].as_str().unwrap();
    let shown = stage.get(&format!("/dead-letters/inbound/{id}")).await.is(200);
    assert_eq!(shown["body"], "one");
    stage.get("/dead-letters/inbound/absent").await.is_problem(404, "not_found");
    stage.get("/dead-letters?queue=absent").await.is_problem(404, "not_found");
    stage.post("/dead-letters/relay/redrive", json!({})).await.is_problem(409, "not_redrivable");
    let redriven = stage.post("/dead-letters/inbound/redrive", json!({"id": id})).await.is(200);
    assert_eq!(redriven, json!({"redriven": 1}));
    let rest =
        stage.ask_as(&stage.token, axum::http::Method::POST, "/dead-letters/inbound/redrive", None).await;
    assert_eq!(rest.is(200), json!({"redriven": 1}));
    assert_eq!(stage.all("/dead-letters", 10).await.len(), 0);
}

#[tokio::test]
async fn a_letter_is_shown_with_what_it_only_names() {
    let stage = Stage::new().await;
    stage.api.blobs.put("inbound/1", "a very long mail".into()).await.unwrap();
    dead_letter(&stage, r#"{"v":1,"object":"inbound/1"}"#).await;
    dead_letter(&stage, r#"{"v":1,"object":"inbound/2"}"#).await;
    let mut contents = Vec::new();
    for letter in stage.all("/dead-letters", 10).await {
        let path = format!("/dead-letters/inbound/{}", letter["id"].as_str().unwrap());
        contents.push(stage.get(&path).await.is(200)["content"].clone());
    }
    assert_eq!(contents, [json!("a very long mail"), Value::Null]);
}

fn finding<'a>(report: &'a Value, area: &str) -> &'a Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["area"] == area).unwrap()
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong() {
    let (stage, bot) = (Stage::with(Some("https://desk.example.org")).await, Bot::start().await);
    let heartbeat = Heartbeat { at: stage.desk.now(), unfinished: false };
    beat(&*stage.api.index, &heartbeat).await.unwrap();
    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    let created = stage.post("/connections", new).await.is(201);
    let healthy = stage.get("/doctor").await.is(200);
    let wrong: Vec<_> =
        healthy["findings"].as_array().unwrap().iter().filter(|it| it["ok"] == false).collect();
    // The Bot API of these tests does not tell which updates it sends.
    assert!(wrong.iter().all(|it| it["what"].as_str().unwrap().contains("kind of update")), "{wrong:?}");

    let late = stage.desk.now().checked_sub(jiff::SignedDuration::from_mins(4)).unwrap();
    beat(&*stage.api.index, &Heartbeat { at: late, unfinished: false }).await.unwrap();
    dead_letter(&stage, "one").await;
    bot.is_down(true);
    let report = stage.get("/doctor").await.is(200);
    assert_eq!(report["ok"], false);
    assert_eq!(finding(&report, "clock")["ok"], false);
    let letters = finding(&report, "dead letters inbound");
    assert_eq!(letters["ok"], false);
    assert!(letters["advice"].as_str().unwrap().contains("lambdesk dead-letters list"));
    let area = format!("connection {}", created["id"].as_str().unwrap());
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["area"] == area && finding["ok"] == false));
}

#[tokio::test]
async fn the_doctor_tells_that_acknowledgements_have_ended() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    let created = stage.post("/connections", new).await.is(201);
    let told = async || {
        let report = stage.get("/doctor").await.is(200);
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|it| it["what"].as_str().unwrap().contains("acknowledged"))
    };
    assert_eq!(told().await, None);
    let thread = desk::channel::ThreadKey {
        channel: "telegram".try_into().unwrap(),
        connection: created["id"].as_str().unwrap().parse().unwrap(),
        conversation: "7".to_owned(),
    };
    let used_up = UsedUp { what: "strangers".to_owned(), times: 60, at: stage.desk.now() };
    stage.desk.note_used_up(&thread, &used_up).await.unwrap();
    let finding = told().await.unwrap();
    assert_eq!(finding["ok"], false);
    assert!(finding["what"].as_str().unwrap().contains("of strangers: at most 60"), "{finding}");
    let yesterday = stage.desk.now().checked_sub(jiff::SignedDuration::from_hours(25)).unwrap();
    stage.desk.note_used_up(&thread, &UsedUp { at: yesterday, ..used_up }).await.unwrap();
    assert_eq!(told().await, None);
}

/// A disk that takes nothing more.
struct Full;

impl Storage for Full {
    fn trouble(&self) -> Option<String> {
        Some("database or disk is full".to_owned())
    }
}

#[tokio::test]
async fn a_full_disk_is_told_wherever_somebody_may_look() {
    let mut stage = Stage::new().await;
    let health = || HttpRequest::get("/health").body(Body::empty()).unwrap();
    assert_eq!(stage.send(health()).await.status, 200);
    let api = Api { storage: Some(Arc::new(Full)), ..stage.api.clone() };
    stage.router = api::handler(api);
    let refused = stage.send(health()).await;
    refused.is_problem(503, "storage_unavailable");
    assert!(String::from_utf8_lossy(&refused.bytes).contains("database or disk is full"));
    let report = stage.get("/doctor").await.is(200);
    let finding = finding(&report, "storage");
    assert_eq!(finding["ok"], false);
    assert!(finding["what"].as_str().unwrap().contains("database or disk is full"));
}

/// A ticket with a message that was not understood when it came.
async fn unparsed(stage: &Stage, bot: &Bot, raw: Raw) -> (desk::ticket::Ticket, String) {
    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    let created = stage.post("/connections", new).await.is(201);
    let connection = created["id"].as_str().unwrap().parse().unwrap();
    let said = Said { raw: Some(raw), reason: Some("new kind".to_owned()), ..Said::default() };
    let ticket = stage.ticket(connection, "7", "raw:1", said, None).await;
    let path = format!("/tickets/{}/events/2", ticket.id);
    (ticket, path)
}

fn update(chat: i64) -> String {
    let chat = json!({"id": chat, "type": "private", "first_name": "Ann"});
    json!({"update_id": 1, "message": {"message_id": 55, "date": 1_780_000_000, "chat": chat,
        "from": {"id": 7, "is_bot": false, "first_name": "Ann"}, "text": "understood now"}})
    .to_string()
}

#[tokio::test]
async fn a_kept_original_is_read_again_once() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (ticket, path) = unparsed(&stage, &bot, Raw::Text(update(7))).await;
    let events = stage.get(&format!("/tickets/{}/events", ticket.id)).await.is(200);
    let raw = &events["items"][1]["content"]["raw"];
    assert_eq!(raw["text"], update(7));
    assert_eq!(raw["url"], format!("/api/v1{path}/raw"));
    let kept = stage.get(&format!("{path}/raw")).await;
    assert_eq!((kept.status.as_u16(), kept.bytes), (200, update(7).into_bytes()));
    for _ in 0..2 {
        let replayed = stage.post(&format!("{path}/replay"), json!(null)).await.is(200);
        assert_eq!(replayed, json!({"of": 2, "moved_to": null}));
    }
    let events = stage.all(&format!("/tickets/{}/events", ticket.id), 50).await;
    assert_eq!(events.len(), 3);
    assert_eq!(events[2]["kind"], "reinterpreted");
    assert_eq!(events[2]["content"]["text"], "understood now");
    let stands = stage.desk.platform_message(ticket.thread.as_ref().unwrap(), "55").await.unwrap().unwrap();
    assert_eq!((stands.ticket, stands.seq), (ticket.id, 3));
    let first = format!("/tickets/{}/events/1", ticket.id);
    stage.post(&format!("{first}/replay"), json!(null)).await.is_problem(409, "nothing_kept");
    stage.get(&format!("{first}/raw")).await.is_problem(404, "not_found");
    stage.get(&format!("/tickets/{}/events/x/raw", ticket.id)).await.is_problem(404, "not_found");
}

/// Where an edit of it would look for a message: a topic's under its chat, one of a group that became another under
/// that.
#[tokio::test]
async fn a_message_that_is_read_again_is_found_where_it_came() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let in_chat = |more: serde_json::Value| {
        let mut update: serde_json::Value = serde_json::from_str(&update(-100)).unwrap();
        update["message"]["chat"] = json!({"id": -100, "type": "supergroup", "title": "Club"});
        update["message"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Raw::Text(update.to_string())
    };
    let topic = in_chat(json!({"message_thread_id": 7, "is_topic_message": true}));
    for (conversation, raw) in [("-100:7", topic), ("-9", in_chat(json!({})))] {
        let mut settings = bot.settings();
        settings["groups"] = json!(true);
        let connection = stage.connection(settings).await;
        let said = Said { raw: Some(raw), reason: Some("new kind".to_owned()), ..Said::default() };
        let ticket = stage.ticket(connection, conversation, "raw:1", said, None).await;
        let thread = ticket.thread.unwrap();
        if conversation == "-9" {
            stage.desk.move_thread(&thread, "-100").await.unwrap();
        }
        let path = format!("/tickets/{}/events/2/replay", ticket.id);
        let replayed = stage.post(&path, json!(null)).await.is(200);
        assert_eq!(replayed["moved_to"], json!(null), "{conversation}");
        let under = desk::channel::ThreadKey { conversation: "-100".to_owned(), ..thread };
        let stands = stage.desk.platform_message(&under, "55").await.unwrap().unwrap();
        assert_eq!((stands.ticket, stands.seq), (ticket.id, 3));
        assert_eq!(stands.conversation.as_deref(), Some(conversation));
    }
}

#[tokio::test]
async fn what_is_read_again_is_no_longer_than_an_event_may_be() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    for (chat, kind) in [(7, "reinterpreted"), (8, "moved")] {
        let long = update(chat).replace("understood now", &"x".repeat(500_000));
        stage.api.blobs.put("originals/1", long.into()).await.unwrap();
        let raw = Raw::Object("originals/1".to_owned());
        let said = Said { raw: Some(raw.clone()), reason: Some("new kind".to_owned()), ..Said::default() };
        let connection = stage.connection(bot.settings()).await;
        let ticket = stage.ticket(connection, "7", "raw:1", said, None).await;
        let path = format!("/tickets/{}/events", ticket.id);
        stage.post(&format!("{path}/2/replay"), json!(null)).await.is(200);
        if kind == "moved" {
            let sent = stage.inbound().await;
            let (inbound, _) = Envelope::unpack(&sent[0], &stage.api.blobs).await.unwrap().unwrap();
            assert_eq!(inbound.raw, Some(raw));
            assert!(inbound.happened.content().unwrap().attachments[0].is_whole_text());
            continue;
        }
        let event = &stage.all(&path, 50).await[2];
        assert_eq!(event["kind"], kind);
        assert!(event["content"]["text"].as_str().unwrap().len() <= 40_000);
        assert_eq!(event["content"]["attachments"][0]["name"], "message.txt");
        assert_eq!(event["content"]["raw"]["object"], "originals/1", "where the whole text is found");
    }
}

#[tokio::test]
async fn an_original_of_another_conversation_goes_there() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (ticket, path) = unparsed(&stage, &bot, Raw::Text(update(8))).await;
    let replayed = stage.post(&format!("{path}/replay"), json!(null)).await.is(200);
    assert_eq!(replayed["moved_to"]["conversation"], "8");
    let sent = stage.inbound().await;
    let (inbound, _) = Envelope::unpack(&sent[0], &stage.api.blobs).await.unwrap().unwrap();
    assert_eq!(inbound.thread.conversation, "8");
    let events = stage.all(&format!("/tickets/{}/events", ticket.id), 50).await;
    assert_eq!(events[2]["data"]["moved_to"]["conversation"], "8");
}

#[tokio::test]
async fn an_original_may_stay_a_riddle() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (_, path) = unparsed(&stage, &bot, Raw::Text("{\"update_id\": 1, \"riddle\": {}}".to_owned())).await;
    stage.post(&format!("{path}/replay"), json!(null)).await.is_problem(409, "still_not_understood");

    let long = format!("\"{}", "ж".repeat(5000));
    stage.api.blobs.put("raw/1", long.clone().into()).await.unwrap();
    let connection = stage.connection(json!({})).await;
    let said = Said { raw: Some(Raw::Object("raw/1".to_owned())), ..text("") };
    let ticket = stage.ticket(connection, "9", "raw:2", said, None).await;
    let said = Said { raw: Some(Raw::Text(long.clone())), ..Said::default() };
    let request = Request { actor: Actor::System, cause: None, command: Command::Note(Box::new(said)) };
    stage.desk.execute(ticket.id, request).await.unwrap();
    let events = stage.get(&format!("/tickets/{}/events", ticket.id)).await.is(200);
    assert_eq!(events["items"][1]["content"]["raw"]["object"], "raw/1");
    assert_eq!(events["items"][2]["content"]["raw"]["truncated"], true);
    assert!(events["items"][2]["content"]["raw"]["text"].as_str().unwrap().len() <= 4096);
    let kept = stage.get(&format!("/tickets/{}/events/2/raw", ticket.id)).await;
    assert_eq!(kept.bytes, long.into_bytes());
}
