//! The owner.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
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
