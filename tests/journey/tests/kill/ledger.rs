//! What must hold at the end.

mod answers;
mod messages;

use std::time::Duration;

use journey::desk::Desk;
use journey::eventually;
use journey::stage::Stage;
use serde_json::Value;

pub(crate) use self::answers::answers;
pub(crate) use self::messages::{messages, views};
use crate::load::{Said, downloaded};

/// How long the desk may take to get through what is still queued.
const PATIENCE: Duration = Duration::from_secs(240);

/// A ticket to which nothing happens any more.
pub(crate) struct Ticket {
    id: String,
    /// The author's address for mail.
    conversation: String,
    events: Vec<Value>,
}

impl Ticket {
    fn events_of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["kind"] == kind)
    }
}

/// Waits until every queue is empty, and every answer and every file has come to its end; then all must be well.
pub(crate) async fn drained(stage: &Stage) -> Vec<Ticket> {
    eventually("the queues are empty", PATIENCE, async || {
        let report = stage.desk.get("/doctor").await;
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let queues: Vec<_> = findings
            .into_iter()
            .filter(|finding| finding["area"].as_str().is_some_and(|area| area.starts_with("queue ")))
            .collect();
        let empty = |finding: &Value| finding["what"] == "0 messages wait, 0 are in hand.";
        if queues.len() == 3 && queues.iter().all(empty) { Ok(()) } else { Err(queues) }
    })
    .await;
    let mut tickets = Vec::new();
    for ticket in stage.desk.list("/tickets").await {
        tickets.push(settled(&stage.desk, &ticket).await);
    }
    assert_eq!(stage.desk.list("/dead-letters").await, Vec::<Value>::new(), "no dead letters");
    let report = stage.desk.get("/doctor").await;
    let findings = report["findings"].as_array().expect("a report has findings");
    // The address's domain has no records, because there is no such domain.
    let elsewhere =
        |finding: &Value| finding["what"].as_str().is_some_and(|it| it.ends_with(" of shop.example"));
    let bad: Vec<_> = findings.iter().filter(|it| it["ok"] != true && !elsewhere(it)).collect();
    assert!(bad.is_empty(), "the doctor is content: {bad:#?}");
    tickets
}

async fn settled(desk: &Desk, ticket: &Value) -> Ticket {
    let id = ticket["id"].as_str().expect("a ticket has an id").to_owned();
    let events = eventually("every answer and every file has come to its end", PATIENCE, async || {
        let events = desk.events(&id).await;
        let unfinished: Vec<_> = events.iter().filter(|event| is_unfinished(event)).cloned().collect();
        if unfinished.is_empty() { Ok(events) } else { Err(unfinished) }
    })
    .await;
    let first = events.iter().find(|event| event["kind"] == "message_received");
    let first = first.expect("somebody wrote first");
    let author = first["content"]["letter"]["from"]["address"].as_str();
    let conversation = author.or(ticket["conversation"].as_str()).expect("a ticket has a conversation");
    Ticket { conversation: conversation.to_owned(), id, events }
}

fn is_unfinished(event: &Value) -> bool {
    let is_on_its_way = ["queued", "sending"].iter().any(|state| event["delivery"] == *state);
    is_on_its_way || attachments(event).iter().any(|file| file["state"] == "pending")
}

fn attachments(event: &Value) -> &[Value] {
    event["content"]["attachments"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What somebody said, by an event and with the bytes that are stored.
async fn said(desk: &Desk, event: &Value) -> Said {
    let files = attachments(event);
    assert!(files.len() <= 1, "{event:#}");
    let file = match files.first() {
        Some(file) => {
            assert_eq!(file["state"], "stored", "{event:#}");
            let link = format!("{}{}", desk.base(), file["url"].as_str().expect("a file has a link"));
            Some(downloaded(&link, Some(desk.token())).await)
        }
        None => None,
    };
    Said { text: event["content"]["text"].as_str().unwrap_or_default().to_owned(), file }
}
