//! A connection as its channel's module sees it: settings in the clear.

use std::collections::BTreeMap;

use desk::channel::{Channel, ThreadKey};
use desk::ids::ConnectionId;
use serde_json::{Map, Value};
use store::seal::Secret;

/// One account of the firm on one channel, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The id.
    pub id: ConnectionId,
    /// The channel.
    pub channel: Channel,
    /// The name inside the firm.
    pub name: String,
    /// Settings that are no secrets, as the owner gave them or as the platform told them.
    pub settings: Map<String, Value>,
    /// Settings that are secrets.
    pub secrets: BTreeMap<String, Secret>,
}

impl Connection {
    /// A setting that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Value::as_str)
    }

    /// A setting that is yes or no; no when absent.
    pub fn flag(&self, name: &str) -> bool {
        self.settings.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A secret, unless it is absent or empty.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(Secret::expose).filter(|secret| !secret.is_empty())
    }

    /// The address of a conversation of this connection.
    pub fn thread(&self, conversation: impl Into<String>) -> ThreadKey {
        ThreadKey { channel: self.channel.clone(), connection: self.id, conversation: conversation.into() }
    }
}
