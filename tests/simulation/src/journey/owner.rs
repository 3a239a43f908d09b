//! The owner.

use axum::http::Method;
use serde_json::json;

use super::{Stage, pause};
use crate::chance::Chance;

/// The bot's token is revoked, and replaced only after a while.
pub async fn lose_the_token(stage: Stage, chance: Chance) {
    pause(&chance, &[60, 1800, 20_000]).await;
    stage.cloud.trace.note("the bot's token is revoked");
    stage.cloud.bots.set_token("1:second");
    pause(&chance, &[30, 3600, 40_000]).await;
    stage.cloud.trace.note("the owner replaces the token");
    let (path, body) =
        (format!("/connections/{}", stage.office.bot), json!({"settings": {"token": "1:second"}}));
    // A platform that is out of reach at this moment makes the owner try again.
    for _ in 0..50 {
        let heard = stage.office.insist(&stage.cloud, Method::PATCH, &path, None, Some(&body)).await;
        if heard.is_some_and(|(status, _)| status.is_success()) {
            return;
        }
        pause(&chance, &[30]).await;
    }
}
