//! Agents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::openings::open_another;
use super::{Stage, pause};
use crate::chance::Chance;
use crate::platform::contents;

/// The longest text of one message of Telegram, in characters.
const ONE_MESSAGE: usize = 4096;

/// An agent, and what they are used to.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Tells agents apart.
    pub number: u64,
    /// Seconds between two looks at the list.
    pub pauses: Vec<u64>,
    /// Until when they work.
    pub until: Instant,
}

/// An agent works: answers, solves, notes, settles what is uncertain, and opens tickets.
pub async fn work(stage: Stage, agent: Agent, chance: Arc<Chance>) {
    let mut written = 0;
    while Instant::now() < agent.until {
        pause(&chance, &agent.pauses).await;
        let listed = "/tickets?status=new,open,waiting_customer,solved&limit=8";
        let Some((_, list)) = stage.office.insist(&stage.cloud, Method::GET, listed, None, None).await else {
            continue;
        };
        let tickets: Vec<Value> = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let waiting: Vec<&Value> = tickets.iter().filter(|ticket| is_waiting(ticket)).collect();
        let ticket = if waiting.is_empty() { chance.pick(&tickets) } else { chance.pick(&waiting).copied() };
        let Some(id) = ticket.and_then(|ticket| ticket.get("id")).and_then(Value::as_str) else { continue };
        match chance.below(20) {
            0..=11 if ticket.is_some_and(is_waiting) || chance.happens(200) => {
                written += 1;
                reply(&stage, &chance, id, &format!("Answer {written} of agent {}", agent.number)).await;
                if chance.happens(300) {
                    // Something was forgotten, which must not come before what was said.
                    pause(&chance, &[0, 3, 20]).await;
                    written += 1;
                    reply(&stage, &chance, id, &format!("Answer {written} of agent {}", agent.number)).await;
                }
            }
            12 | 13 => solve(&stage, id).await,
            14 => note(&stage, &chance, id).await,
            15 => prioritise(&stage, &chance, id).await,
            16..=18 => settle(&stage, &chance, id).await,
            19 => {
                written += 1;
                let name = format!("{written} of agent {}", agent.number);
                let (subject, answer) = (format!("Matter {name}"), format!("Answer {name}"));
                let Some(other) = chance.pick(&tickets) else { continue };
                if let Some(id) = open_another(&stage, &chance, other, &subject).await {
                    reply(&stage, &chance, &id, &answer).await;
                }
            }
            _ => {}
        }
    }
}

fn is_waiting(ticket: &Value) -> bool {
    matches!(ticket.get("status").and_then(Value::as_str), Some("new" | "open"))
}

/// Writes an answer, and perhaps sends the request once more.
async fn reply(stage: &Stage, chance: &Chance, ticket: &str, text: &str) {
    let messages = *chance.pick(&[1, 1, 1, 2, 3]).unwrap_or(&1);
    let name = chance.happens(150).then(|| format!("{text}.txt"));
    let file = match &name {
        Some(name) => upload(stage, name).await,
        None => None,
    };
    let name = name.filter(|_| file.is_some());
    let text = lines(text, messages);
    let mut body = json!({ "text": text });
    if let Some(body) = body.as_object_mut() {
        if let Some(id) = &file {
            body.insert("attachments".to_owned(), json!([id]));
        }
        if chance.happens(150) {
            body.insert("status".to_owned(), "solved".into());
        }
        if chance.happens(80) {
            let seconds = *chance.pick(&[10, 45, 600, 5400]).unwrap_or(&10);
            let later = stage.cloud.hours.now() + jiff::SignedDuration::from_secs(seconds);
            body.insert("not_before".to_owned(), later.to_string().into());
        }
    }
    let (path, key) = (format!("/tickets/{ticket}/replies"), format!("key-{}", chance.next()));
    let place = stage.history.ask(&text, name.as_deref(), stage.cloud.hours.now());
    let asked = stage.office.insist(&stage.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
    let id_in = |answer: &Value| answer.get("id").and_then(Value::as_str).map(str::to_owned);
    let Some((StatusCode::CREATED, answer)) = asked else { return };
    let Some(id) = id_in(&answer) else { return };
    stage.history.replied(place, &id, stage.cloud.hours.now());
    if chance.happens(100) {
        pause(chance, &[0, 400]).await;
        let again = stage.office.insist(&stage.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
        if let Some((status, answer)) = again
            && (status != StatusCode::CREATED || id_in(&answer).as_deref() != Some(&id))
        {
            stage.cloud.complain(format!("a repeated request for {id} was answered {status} {answer}"));
        }
    }
}

/// Uploads a file, and returns its id.
pub(crate) async fn upload(stage: &Stage, name: &str) -> Option<String> {
    let contents = contents(name);
    let body = json!({"name": name, "size": contents.len(), "content_type": "text/plain"});
    let key = name.replace(' ', "-");
    let made = stage.office.insist(&stage.cloud, Method::POST, "/attachments", Some(&key), Some(&body)).await;
    let (status, made) = made?;
    if status != StatusCode::CREATED {
        stage.cloud.complain(format!("the upload of {name} was answered {status} {made}"));
    }
    stage.cloud.upload(made.get("upload")?, contents).await.then_some(())?;
    made.get("id")?.as_str().map(str::to_owned)
}

/// A text that takes so many messages of Telegram, each line of which tells where it belongs.
pub(crate) fn lines(text: &str, messages: usize) -> String {
    let least = (messages - 1) * ONE_MESSAGE;
    let mut lines = text.to_owned();
    let mut number = 0;
    while lines.len() < least + 500 * (messages - 1) {
        number += 1;
        lines.push_str(&format!("\n{text}, line {number}, which goes on for a while"));
    }
    lines
}

async fn solve(stage: &Stage, ticket: &str) {
    let (path, body) = (format!("/tickets/{ticket}"), json!({"status": "solved"}));
    stage.office.insist(&stage.cloud, Method::PATCH, &path, None, Some(&body)).await;
}

async fn prioritise(stage: &Stage, chance: &Chance, ticket: &str) {
    let priority = chance.pick(&["low", "normal", "high", "urgent"]).copied().unwrap_or("normal");
    let (path, body) = (format!("/tickets/{ticket}"), json!({ "priority": priority }));
    stage.office.insist(&stage.cloud, Method::PATCH, &path, None, Some(&body)).await;
}

async fn note(stage: &Stage, chance: &Chance, ticket: &str) {
    let (path, key) = (format!("/tickets/{ticket}/notes"), format!("key-{}", chance.next()));
    let body = json!({"text": "Called them."});
    stage.office.insist(&stage.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
}

/// Settles what is uncertain or failed on a ticket: the customer was asked, and knows.
async fn settle(stage: &Stage, chance: &Chance, ticket: &str) {
    let path = format!("/tickets/{ticket}/events?limit=100");
    let Some((_, page)) = stage.office.insist(&stage.cloud, Method::GET, &path, None, None).await else {
        return;
    };
    for event in page.get("items").and_then(Value::as_array).into_iter().flatten() {
        let delivery = event.get("delivery").and_then(Value::as_str).unwrap_or_default();
        let reply = event.pointer("/data/reply").and_then(Value::as_str);
        let text = event.pointer("/content/text").and_then(Value::as_str);
        let Some(reply) = reply.filter(|_| event["kind"] == "replied") else { continue };
        let Some(text) = text else {
            stage.cloud.complain(format!("the answer {reply} says nothing: {event}"));
            continue;
        };
        let outcome = match delivery {
            "uncertain" if arrived(stage, text) && chance.happens(500) => "arrived",
            "uncertain" => "send_again",
            "failed" if chance.happens(300) => "send_again",
            _ => continue,
        };
        let path = format!("/tickets/{ticket}/replies/{reply}/resolve");
        let (key, body) = (format!("key-{}", chance.next()), json!({ "outcome": outcome }));
        if outcome == "send_again" {
            stage.history.again(text);
        }
        stage.office.insist(&stage.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Whether the customer has got all of an answer, by platforms that keep what they accepted.
fn arrived(stage: &Stage, text: &str) -> bool {
    let mut got = BTreeSet::new();
    let mut get = |text: &str, files: &[(String, Bytes)]| {
        got.extend(text.lines().map(|line| line.trim().to_owned()));
        got.extend(files.iter().map(|(name, _)| name.clone()));
    };
    for one in stage.cloud.bots.accepted() {
        get(&one.text, one.file.as_slice());
    }
    for mail in stage.cloud.post.taken().iter().filter(|mail| mail.outcome.arrives()) {
        get(&mail.text, &mail.files);
    }
    let history = stage.history.state();
    let asked = history.asked.iter().find(|asked| asked.text == text);
    asked.is_some_and(|asked| asked.pieces().all(|piece| got.contains(piece.trim())))
}
