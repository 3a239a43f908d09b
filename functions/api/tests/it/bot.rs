//! A Bot API on loopback: what a connection needs of Telegram.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The token that the Bot API takes.
pub(crate) const TOKEN: &str = "123456:AAcanaryTokenOfTheBotThatMustNeverBeShown";

/// The token of another bot, which it takes, too.
pub(crate) const OTHER_TOKEN: &str = "654321:AAtokenOfAnotherBot";

/// A Bot API, and what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Bot {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    down: Arc<Mutex<bool>>,
}

impl Bot {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bot = Self { url: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        let router = Router::new().route("/{bot}/{method}", any(answer)).with_state(bot.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        bot
    }

    /// The bodies of all calls of a method.
    pub(crate) fn calls(&self, method: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == method).map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn is_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    /// The settings of a connection to it.
    pub(crate) fn settings(&self) -> Value {
        json!({"token": TOKEN, "api_url": self.url})
    }
}

async fn answer(
    State(bot): State<Bot>,
    Path((token, method)): Path<(String, String)>,
    body: axum::body::Bytes,
) -> (StatusCode, Json<Value>) {
    let body = serde_json::from_slice(&body).unwrap_or_default();
    bot.calls.lock().unwrap().push((method.clone(), body));
    if *bot.down.lock().unwrap() {
        return (
            StatusCode::BAD_GATEWAY,
            Json(json!({"ok": false, "error_code": 502, "description": "Bad Gateway"})),
        );
    }
    let known = [TOKEN, OTHER_TOKEN].into_iter().find(|known| token.strip_prefix("bot") == Some(known));
    let Some(id) = known.and_then(|known| known.split(':').next()?.parse::<u64>().ok()) else {
        let refused = json!({"ok": false, "error_code": 401, "description": "Unauthorized"});
        return (StatusCode::UNAUTHORIZED, Json(refused));
    };
    let result = match method.as_str() {
        "getMe" => json!({"id": id, "is_bot": true, "first_name": "Shop", "username": "shop_bot"}),
        "getWebhookInfo" => {
            let url = bot.calls("setWebhook").last().map_or(json!(""), |set| set["url"].clone());
            json!({"url": url, "pending_update_count": 0})
        }
        _ => json!(true),
    };
    (StatusCode::OK, Json(json!({"ok": true, "result": result})))
}
