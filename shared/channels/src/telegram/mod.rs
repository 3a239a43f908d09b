//! Telegram: bots by the [Bot API](https://core.telegram.org/bots/api), version 10.
//!
//! A conversation is a private chat, a group or a topic in one (when the owner wants groups), or a chat of a
//! business account that the bot works for. Telegram has no idempotency key, so a request whose fate is unknown is
//! never repeated here.

mod api;
mod author;
mod connect;
mod content;
mod conversation;
mod errors;
mod fields;
mod media;
mod parse;
mod poll;
mod send;
mod split;
mod update;
mod verify;

use ::http::HeaderMap;
use async_trait::async_trait;
use desk::channel::{ChannelClass, ThreadKey};
use desk::inbound::Inbound;
use desk::message::AttachmentKind;
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::conversation::Conversation;
use crate::Connection;
use crate::http::Http;
use crate::platform::{
    Accepted, ConnectError, Destination, FetchError, Fetched, File, Finding, Instruments, Message, Outlets,
    Part, Platform, Polled, SendError, Setting, SettingKind, Unauthentic, Unsendable,
};

/// The updates that a desk asks for; Telegram leaves out reactions unless they are named.
const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
];

const SETTINGS: &[Setting] = &[
    Setting {
        name: "token",
        about: "The bot's token, as @BotFather gave it.",
        kind: SettingKind::Secret,
        required: true,
    },
    Setting {
        name: "secret_token",
        about: "What Telegram proves itself with to our webhook: 1 to 256 letters, digits, `_` or `-`.",
        kind: SettingKind::OwnSecret,
        required: false,
    },
    Setting {
        name: "groups",
        about: "Whether messages in groups are taken, too, and not only private chats.",
        kind: SettingKind::Flag,
        required: false,
    },
    Setting {
        name: "greeting",
        about: "The automatic answer to whoever starts the bot.",
        kind: SettingKind::Text,
        required: false,
    },
];

/// The channel `telegram`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Telegram;

#[async_trait]
impl Platform for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn class(&self) -> ChannelClass {
        ChannelClass::Messenger
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn account<'a>(&self, connection: &'a Connection) -> Option<&'a str> {
        connection.text("bot_id")
    }

    fn verify(&self, connection: &Connection, headers: &HeaderMap, _body: &[u8]) -> Result<(), Unauthentic> {
        verify::verify(connection, headers)
    }

    fn parse(&self, connection: &Connection, body: &[u8], received_at: Timestamp) -> Vec<Inbound> {
        parse::parse(connection, body, received_at)
    }

    fn messages_of(&self, thread: &ThreadKey) -> ThreadKey {
        let known = thread.conversation.parse::<Conversation>().ok();
        match known.and_then(|known| known.numbered_in()) {
            Some(conversation) => ThreadKey { conversation, ..thread.clone() },
            None => thread.clone(),
        }
    }

    fn split(&self, message: &Message) -> Result<Vec<Part>, Unsendable> {
        split::split(message)
    }

    async fn send(
        &self,
        outlets: &Outlets,
        connection: &Connection,
        to: &Destination<'_>,
        part: &Part,
        files: Vec<File>,
    ) -> Result<Accepted, SendError> {
        send::send(&outlets.http, connection, to.conversation, part, files.into_iter().next()).await
    }

    async fn acknowledge(
        &self,
        http: &Http,
        connection: &Connection,
        callback: &str,
    ) -> Result<(), FetchError> {
        media::acknowledge(http, connection, callback).await
    }

    fn attachment_kind(&self, content_type: &str) -> AttachmentKind {
        send::attachment_kind(content_type)
    }

    async fn fetch(
        &self,
        http: &Http,
        connection: &Connection,
        source: &str,
        limit: u64,
    ) -> Result<Fetched, FetchError> {
        media::fetch(http, connection, source, limit).await
    }

    async fn connect(
        &self,
        http: &Http,
        connection: &Connection,
        webhook_url: Option<&str>,
    ) -> Result<Map<String, Value>, ConnectError> {
        connect::connect(http, connection, webhook_url).await
    }

    async fn disconnect(&self, http: &Http, connection: &Connection) -> Result<(), ConnectError> {
        connect::disconnect(http, connection).await
    }

    async fn examine(
        &self,
        instruments: &Instruments,
        connection: &Connection,
        webhook_url: Option<&str>,
    ) -> Vec<Finding> {
        connect::examine(&instruments.outlets.http, connection, webhook_url).await
    }

    async fn poll(
        &self,
        http: &Http,
        connection: &Connection,
        position: Option<&str>,
    ) -> Result<Polled, ConnectError> {
        poll::poll(http, connection, position).await
    }
}
