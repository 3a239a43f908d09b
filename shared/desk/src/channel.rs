//! Channels as the domain sees them: a name, a class, and the address of a conversation.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::ConnectionId;

/// The name of a channel, such as `telegram`: the word in webhook paths, keys and the API.
///
/// The domain knows no platform by name; the channel's module brings its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9_]{1,31}$", example = "telegram")]
pub struct Channel(String);

/// A text that cannot name a channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a channel's name has 2 to 32 lower-case letters, digits or underscores")]
pub struct InvalidChannel;

impl Channel {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Channel {
    type Error = InvalidChannel;

    fn try_from(name: String) -> Result<Self, InvalidChannel> {
        let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let starts = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if letters && starts && (2..=32).contains(&name.len()) { Ok(Self(name)) } else { Err(InvalidChannel) }
    }
}

impl TryFrom<&str> for Channel {
    type Error = InvalidChannel;

    fn try_from(name: &str) -> Result<Self, InvalidChannel> {
        Self::try_from(name.to_owned())
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}

/// How fast people expect an answer on a channel; SLA policies can select by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelClass {
    /// Chat on the firm's own site: the visitor is looking at the page.
    Chat,
    /// Messengers, such as Telegram.
    Messenger,
    /// Social networks.
    Social,
    /// E-mail.
    Email,
    /// Telephone and voice assistants.
    Voice,
}

/// The address of a conversation on a platform: all that is needed to answer where the question was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ThreadKey {
    /// The channel.
    pub channel: Channel,
    /// The account of the firm that the customer wrote to.
    pub connection: ConnectionId,
    /// The platform's id of the conversation, such as a chat id.
    pub conversation: String,
}

impl ThreadKey {
    /// The same connection, without a conversation: where messages stand whose ids are unique in the connection.
    #[must_use]
    pub fn whole_connection(&self) -> Self {
        Self { conversation: String::new(), ..self.clone() }
    }
}

impl fmt::Display for ThreadKey {
    /// The FIFO group of the conversation: channel, connection and conversation, joined by `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}#{}", self.channel, self.connection, self.conversation)
    }
}
