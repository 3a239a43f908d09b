//! Connections as the API shows them: never with what was given as a secret.

use desk::channel::Channel;
use desk::ids::ConnectionId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::connections::{Health, StoredConnection};
use utoipa::ToSchema;

use crate::address::Address;

/// The setting that tells how messages come: a word of [`Receives`].
pub(crate) const RECEIVES: &str = "receives";
/// The setting that tells the base URL that the platform was given.
pub(crate) const PUBLIC_URL: &str = "public_url";

/// How messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Receives {
    /// The platform calls the webhook.
    Webhook,
    /// The desk asks the platform, because the platform cannot reach the desk. Only the local desk does.
    Polling,
}

impl Receives {
    /// The word in the settings.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Polling => "polling",
        }
    }

    /// How messages of a connection come.
    pub(crate) fn of(stored: &StoredConnection) -> Self {
        match stored.settings.get(RECEIVES).and_then(Value::as_str) {
            Some("polling") => Self::Polling,
            _ => Self::Webhook,
        }
    }
}

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(super) struct ConnectionView {
    /// The id.
    id: ConnectionId,
    /// The channel.
    channel: Channel,
    /// The name inside the firm.
    name: String,
    /// Settings that are no secrets, as they were given or as the platform told them. Secrets that were ours to
    /// choose and that the caller left out stand here in the one answer that follows their making.
    settings: Map<String, Value>,
    /// Where the platform reports to.
    webhook_url: String,
    /// How messages come.
    receives: Receives,
    /// Whether it works.
    health: Health,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl ConnectionView {
    pub(super) fn new(stored: &StoredConnection, address: &Address) -> Self {
        let mut settings = stored.settings.clone();
        settings.shift_remove(RECEIVES);
        let base = settings.shift_remove(PUBLIC_URL);
        let base = base.as_ref().and_then(Value::as_str).unwrap_or(&address.url);
        Self {
            id: stored.id,
            channel: stored.channel.clone(),
            name: stored.name.clone(),
            webhook_url: webhook_url(base, &stored.channel, stored.id),
            receives: Receives::of(stored),
            settings,
            health: stored.health.clone(),
            created_at: stored.created_at,
        }
    }

    /// Shows secrets that were made up just now.
    #[must_use]
    pub(super) fn showing(mut self, made_up: Map<String, Value>) -> Self {
        self.settings.extend(made_up);
        self
    }

    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }
}

/// Where a platform reports to.
pub(crate) fn webhook_url(base: &str, channel: &Channel, id: ConnectionId) -> String {
    format!("{base}/webhooks/{channel}/{id}")
}
