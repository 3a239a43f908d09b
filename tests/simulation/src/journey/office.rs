//! The desk as its owner sets it up, and the way to its API.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use desk::calendar::Zone;
use serde_json::{Value, json};

use super::Promise;
use crate::cloud::{Cloud, Door, Heard};

/// The address that customers write mails to.
pub const SUPPORT: &str = "support@desk.example";

/// A desk that was set up.
#[derive(Debug, Clone)]
pub struct Office {
    /// A token with all rights.
    pub token: String,
    /// The Telegram connection.
    pub bot: String,
    /// The secret that Telegram repeats.
    pub bot_secret: String,
    /// The connection of mail.
    pub mailbox: String,
    /// The secret that lets a mail server hand in mails.
    pub mail_secret: String,
    /// The chat of the site.
    pub chat: String,
}

impl Office {
    /// Sets a desk up: settings, a token, a bot, a mailbox.
    ///
    /// # Errors
    /// When the API refuses what it must not refuse.
    pub async fn set_up(cloud: &Arc<Cloud>, promise: Promise) -> Result<Self, String> {
        let desk = cloud.calm_desk();
        let zone = Zone::try_from("UTC").map_err(|error| error.to_string())?;
        desk.install_defaults(zone).await.map_err(|error| error.to_string())?;
        promise.install(cloud).await?;
        let token = api::first_token(&desk, None).await.map_err(|error| error.to_string())?;
        let token = token.ok_or("no token was made")?.expose().to_owned();
        let connect = async |channel: &str, settings: Value, secret: Option<&str>| {
            let body = json!({"channel": channel, "name": "Shop", "settings": settings});
            let heard = ask(cloud, &token, Method::POST, "/connections", None, Some(&body)).await;
            let made = heard.filter(|heard| heard.status == StatusCode::CREATED).ok_or("not connected")?;
            let made = json_of(&made);
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let id = text(made.get("id")).ok_or("a connection without an id")?;
            let Some(secret) = secret else { return Ok((id, String::new())) };
            let secret = text(made.get("settings").and_then(|settings| settings.get(secret)));
            Ok::<_, String>((id, secret.ok_or("a connection without its secret")?))
        };
        let telegram = json!({"token": "1:first", "api_url": "https://bots.example", "groups": true});
        let (bot, bot_secret) = connect("telegram", telegram, Some("secret_token")).await?;
        let (mailbox, mail_secret) = connect("email", json!({"address": SUPPORT}), Some("secret")).await?;
        let (chat, _) = connect("webchat", json!({"allowed_origins": ["*"]}), None).await?;
        Ok(Self { token, bot, bot_secret, mailbox, mail_secret, chat })
    }

    /// Asks the API, again and again until it answers: at most for some hours.
    pub async fn insist(
        &self,
        cloud: &Arc<Cloud>,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Option<(StatusCode, Value)> {
        const ATTEMPTS: u32 = 400;
        for attempt in 1..=ATTEMPTS {
            let heard = ask(cloud, &self.token, method.clone(), path, key, body).await;
            match heard {
                Some(heard) if !heard.status.is_server_error() => {
                    return Some((heard.status, json_of(&heard)));
                }
                _ => tokio::time::sleep(Duration::from_millis(500) * attempt.min(60)).await,
            }
        }
        None
    }
}

async fn ask(
    cloud: &Arc<Cloud>,
    token: &str,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Option<Heard> {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {token}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    cloud.request(Door::Api, request.ok()?).await
}

fn json_of(heard: &Heard) -> Value {
    serde_json::from_slice(&heard.body).unwrap_or_default()
}
