//! The owner.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Stage, pause};
use crate::chance::Chance;

/// The bot's token is revoked, and replaced only after a while, or at once while something is being sent with the old
/// one.
pub async fn lose_the_token(stage: Stage, chance: Chance) {
    pause(&chance, &[60, 1800, 20_000]).await;
    let at_once = chance.happens(500);
    if at_once {
        // For so long at most: it may be that nothing is sent any more.
        let _sends = tokio::time::timeout(Duration::from_hours(3), stage.cloud.bots.asked()).await;
    }
    stage.cloud.trace.note("the bot's token is revoked");
    stage.cloud.bots.set_token("1:second");
    if !at_once {
        pause(&chance, &[30, 3600, 40_000]).await;
    }
    replace_token(&stage).await;
}

/// The owner gives the desk the bot's new token.
pub(crate) async fn replace_token(stage: &Stage) {
    stage.cloud.trace.note("the owner replaces the token");
    let (path, body) =
        (format!("/connections/{}", stage.office.bot), json!({"settings": {"token": "1:second"}}));
    // A platform that is out of reach at this moment makes the owner try again.
    for _ in 0..50 {
        let heard = stage.office.insist(&stage.cloud, Method::PATCH, &path, None, Some(&body)).await;
        if heard.is_some_and(|(status, _)| status.is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

/// Dead letters are sent again, now and then, whatever goes wrong at that time: an hour longer than anything must.
pub async fn send_letters_again(stage: Stage, until: Instant, chance: Chance) {
    while Instant::now() < until + Duration::from_hours(1) {
        pause(&chance, &[60, 300, 1500]).await;
        for (name, queue) in stage.cloud.with_dead_letters() {
            if !queue.dead_letters().is_empty() {
                stage.cloud.trace.note(&format!("the owner sends the dead letters of {name} again"));
                let path = format!("/dead-letters/{name}/redrive");
                stage.office.insist(&stage.cloud, Method::POST, &path, None, None).await;
            }
        }
    }
}

/// What nobody understood is read again, now and then, whatever goes wrong at that time.
pub async fn read_again_now_and_then(stage: Stage, until: Instant, chance: Chance) {
    while Instant::now() < until {
        pause(&chance, &[60, 900, 6000]).await;
        read_again(&stage).await;
    }
}

/// The owner has everything read again that nobody understood when it came.
pub(crate) async fn read_again(stage: &Stage) {
    let Some(tickets) = get(stage, "/tickets?limit=100").await else { return };
    for ticket in tickets.iter().filter_map(|ticket| ticket.get("id")?.as_str()) {
        let path = format!("/tickets/{ticket}/events");
        let Some(events) = get(stage, &format!("{path}?limit=100")).await else { return };
        for event in events {
            let message = event.pointer("/data/message").and_then(Value::as_str);
            let kept = message.is_some_and(|message| message.starts_with("raw:"));
            if let Some(seq) = event.get("seq").and_then(Value::as_u64).filter(|_| kept) {
                let path = format!("{path}/{seq}/replay");
                let replayed = stage.office.insist(&stage.cloud, Method::POST, &path, None, None).await;
                if let Some((status, answer)) = replayed.filter(|(status, _)| !status.is_success()) {
                    stage.cloud.complain(format!("event {seq} of {ticket}, read again: {status} {answer}"));
                }
            }
        }
    }
}

/// The items of a list.
async fn get(stage: &Stage, path: &str) -> Option<Vec<Value>> {
    let (_, page) = stage.office.insist(&stage.cloud, Method::GET, path, None, None).await?;
    page.get("items")?.as_array().cloned()
}
