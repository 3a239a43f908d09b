//! A short story that touches every kind of effect: two customers, an agent, a deadline that is missed.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use super::{Outcome, close, open, unopened};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::fault::{Fate, Plan};
use crate::journey::{Promise, Stage, mail_of, webhook};

const PROMISE: Promise =
    Promise { first_response: 1800, next_response: 1800, resolution: 36_000, warn_percent: 50 };

pub(super) async fn run(struck: BTreeMap<u64, Fate>, keep_trace: bool) -> Outcome {
    let cloud = Cloud::new(&Chance::new(1), false, keep_trace);
    let stage = match open(cloud, PROMISE).await {
        Ok(stage) => stage,
        Err(error) => return unopened(error),
    };
    stage.cloud.faults.follow(Plan::Exactly(struck));
    tell(&stage).await;
    close(&stage).await
}

async fn tell(stage: &Stage) {
    write(stage, 70, "Where is my order?").await;
    write(stage, 70, "It is number 5.").await;
    later(60).await;
    answer(stage, "telegram", "It left this morning.").await;
    mail(stage, "My parcel is broken.").await;
    later(2400).await;
    answer(stage, "email", "We send another one.").await;
    later(60).await;
    solve(stage, "telegram").await;
    write(stage, 70, "It came, thanks.").await;
    later(3 * 3600).await;
}

async fn later(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn write(stage: &Stage, chat: i64, text: &str) {
    let second = stage.cloud.hours.now().as_second();
    let (_, update) = stage.cloud.bots.written(chat, text, second);
    let place = stage.history.say(text, "telegram", None);
    if webhook(stage, &update.to_string()).await {
        stage.history.acknowledged(place);
    }
}

async fn mail(stage: &Stage, text: &str) {
    let place = stage.history.say(text, "email", None);
    if mail_of(stage, "customer@people.example", "A parcel", text).await {
        stage.history.acknowledged(place);
    }
}

/// The ticket of a channel, once the list shows it.
async fn ticket(stage: &Stage, channel: &str) -> Option<String> {
    for _ in 0..200 {
        let path = format!("/tickets?channel={channel}");
        let (_, list) = stage.office.insist(&stage.cloud, Method::GET, &path, None, None).await?;
        if let Some(id) = list.pointer("/items/0/id").and_then(serde_json::Value::as_str) {
            return Some(id.to_owned());
        }
        later(5).await;
    }
    None
}

async fn answer(stage: &Stage, channel: &str, text: &str) {
    let Some(ticket) = ticket(stage, channel).await else { return };
    let (path, body) = (format!("/tickets/{ticket}/replies"), json!({ "text": text }));
    let place = stage.history.ask(text, stage.cloud.hours.now());
    let asked = stage.office.insist(&stage.cloud, Method::POST, &path, Some(channel), Some(&body)).await;
    let id = asked.and_then(|(_, answer)| answer.get("id")?.as_str().map(str::to_owned));
    if let Some(id) = id {
        stage.history.replied(place, &id, stage.cloud.hours.now());
    }
    later(20).await;
}

async fn solve(stage: &Stage, channel: &str) {
    let Some(ticket) = ticket(stage, channel).await else { return };
    let (path, body) = (format!("/tickets/{ticket}"), json!({"status": "solved"}));
    stage.office.insist(&stage.cloud, Method::PATCH, &path, None, Some(&body)).await;
}
