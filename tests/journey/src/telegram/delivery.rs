//! Bringing updates to the bot, as the platform does it: to the webhook until it answers 2xx, else on demand.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Bot;
use super::customer::Update;
use crate::DELIVERY;

/// The header that proves the origin.
pub const SECRET_HEADER: &str = "X-Telegram-Bot-Api-Secret-Token";

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The webhook took it; the status of each attempt, 0 where there was none.
    ToWebhook(Vec<u16>),
    /// It waits for `getUpdates`.
    Pending,
    /// The bot did not ask for updates of this kind.
    NotWanted,
}

impl Bot {
    /// Delivers an update.
    ///
    /// # Panics
    /// When the webhook does not take it within two minutes.
    pub async fn deliver(&self, update: &Update) -> Delivered {
        let kind = update.body.as_object().and_then(|fields| fields.keys().find(|name| *name != "update_id"));
        let kind = kind.expect("an update has a kind").clone();
        if !self.platform.with(self.id, |account| account.wants(&kind)) {
            return Delivered::NotWanted;
        }
        let Some(webhook) = self.webhook() else {
            self.platform.with(self.id, |account| account.pending.push_back(update.body.clone()));
            self.platform.news.notify_waiters();
            return Delivered::Pending;
        };
        let url = self.resolve(&webhook.url);
        let deadline = Instant::now() + DELIVERY;
        let mut attempts = Vec::new();
        let mut pause = Duration::from_millis(50);
        loop {
            let status = self.post(&url, webhook.secret_token.as_deref(), update.body.to_string()).await;
            attempts.push(status);
            if (200..300).contains(&status) {
                return Delivered::ToWebhook(attempts);
            }
            assert!(Instant::now() < deadline, "the webhook {url} took no update: {attempts:?}");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Posts any bytes to an address, as a webhook request with that secret, once. The status; 0 without an answer.
    pub async fn post(&self, url: &str, secret: Option<&str>, body: impl Into<reqwest::Body>) -> u16 {
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        let request = match secret {
            Some(secret) => request.header(SECRET_HEADER, secret),
            None => request,
        };
        match request.send().await {
            Ok(response) => response.status().as_u16(),
            Err(_) => 0,
        }
    }

    /// Where a webhook's address really leads: the part from `/webhooks/` on, at the desk's own address when the
    /// test has told it. Names do not resolve here as they would on the internet.
    fn resolve(&self, url: &str) -> String {
        match (&*self.desk_at.lock().expect("no panic while it is held"), url.find("/webhooks/")) {
            (Some(base), Some(start)) => format!("{base}{}", url.get(start..).unwrap_or_default()),
            _ => url.to_owned(),
        }
    }

    /// Updates that nobody has taken yet.
    pub fn pending(&self) -> Vec<Value> {
        self.platform.with(self.id, |account| account.pending.iter().cloned().collect())
    }
}
