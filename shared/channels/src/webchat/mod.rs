//! The chat of the firm's own site. The platform is the desk itself: what is sent is in the table already, and the
//! visitor's widget fetches it from `functions/webchat`.
//!
//! A conversation is a visitor. There is no webhook: the same function takes messages in, after it has proved who
//! asks by a token of [`pass`] or by a statement of the shop's server ([`statement`]).

mod connect;
pub mod cursor;
pub mod item;
mod key;
pub mod origin;
pub mod pass;
pub mod statement;
pub mod submission;

use ::http::HeaderMap;
use async_trait::async_trait;
use desk::channel::ChannelClass;
use desk::inbound::Inbound;
use desk::message::AttachmentKind;
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::item::Frame;
use crate::Connection;
use crate::http::Http;
use crate::platform::{
    Accepted, ConnectError, Destination, FetchError, Fetched, File, Finding, Instruments, Message, News,
    Outlets, Part, Platform, Polled, SendError, Setting, SettingKind, Unauthentic, Unsendable,
};

/// The most files of one message or reply.
pub const MAX_FILES: usize = 10;

const SETTINGS: &[Setting] = &[
    Setting {
        name: "allowed_origins",
        about: "Origins of the pages that show the chat, such as https://shop.example; `*` for any. Without one \
                only the desk's own pages.",
        kind: SettingKind::List,
        required: false,
    },
    Setting {
        name: "jwt_keys",
        about: "Keys by which the shop's server tells who is signed in: `{kid, alg, key}` each, `alg` being HS256, \
                EdDSA, RS256 or ES256, `key` a secret of at least 32 bytes or a public key in PEM.",
        kind: SettingKind::SecretList,
        required: false,
    },
    Setting {
        name: "title",
        about: "What stands above the chat; the connection's name when absent.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "greeting",
        about: "What the chat says before anybody has written.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "email_connection",
        about: "The id of the e-mail connection by which answers go on to visitors who left an address; the oldest one \
                when absent.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "email_after",
        about: "For how many seconds a visitor may see an answer here before it is mailed; 120 when absent.",
        kind: SettingKind::Seconds,
        required: false,
    },
    Setting {
        name: "secret",
        about: "What visitors' tokens are signed with. A new one makes every visitor a new one.",
        kind: SettingKind::OwnSecret,
        required: false,
    },
];

/// The channel `webchat`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Webchat;

#[async_trait]
impl Platform for Webchat {
    fn name(&self) -> &'static str {
        "webchat"
    }

    fn class(&self) -> ChannelClass {
        ChannelClass::Chat
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn account<'a>(&self, _: &'a Connection) -> Option<&'a str> {
        None
    }

    fn can_poll(&self) -> bool {
        false
    }

    /// Nobody posts to a webhook of this channel.
    fn verify(&self, _: &Connection, _: &HeaderMap, _: &[u8]) -> Result<(), Unauthentic> {
        Err(Unauthentic)
    }

    fn parse(&self, connection: &Connection, body: &[u8], received_at: Timestamp) -> Vec<Inbound> {
        vec![submission::parse(connection, body, received_at)]
    }

    /// A reply is one part, whatever it holds: the widget shows text and files together.
    fn split(&self, message: &Message) -> Result<Vec<Part>, Unsendable> {
        let has_text = message.text.as_deref().is_some_and(|text| !text.trim().is_empty());
        if !has_text && message.files.is_empty() {
            return Err(Unsendable { reason: "empty", detail: "There is nothing to send.".to_owned() });
        }
        Ok(vec![Part {
            text: message.text.clone(),
            files: (0..message.files.len()).collect(),
            links: Vec::new(),
            reply_to: message.reply_to.clone(),
        }])
    }

    /// Accepts at once: from the moment at which the reply counts as sent, the visitor's history shows it. No widget can
    /// give a message such an id.
    async fn send(
        &self,
        _: &Outlets,
        _: &Connection,
        to: &Destination<'_>,
        _: &Part,
        _: Vec<File>,
    ) -> Result<Accepted, SendError> {
        Ok(Accepted::by_all(format!("sent:{}", to.reply)))
    }

    /// There are no buttons.
    async fn acknowledge(&self, _: &Http, _: &Connection, _: &str) -> Result<(), FetchError> {
        Ok(())
    }

    fn attachment_kind(&self, content_type: &str) -> AttachmentKind {
        submission::kind(content_type)
    }

    /// Visitors upload into the desk's own store, so there is nowhere to fetch from.
    async fn fetch(&self, _: &Http, _: &Connection, _: &str, _: u64) -> Result<Fetched, FetchError> {
        let detail = "The visitor's upload is not known any more.".to_owned();
        Err(FetchError { transient: false, reason: "gone", detail })
    }

    async fn connect(
        &self,
        _: &Http,
        connection: &Connection,
        _: Option<&str>,
    ) -> Result<Map<String, Value>, ConnectError> {
        connect::check(connection)
    }

    async fn disconnect(&self, _: &Http, _: &Connection) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn examine(&self, _: &Instruments, connection: &Connection, _: Option<&str>) -> Vec<Finding> {
        connect::examine(connection)
    }

    fn frame(&self, news: News<'_>) -> Option<String> {
        Some(Frame::of(news).render())
    }

    fn goes_on_by_mail(&self) -> bool {
        true
    }

    /// There is nothing to wait for: visitors reach the desk wherever their browser does.
    async fn poll(&self, _: &Http, _: &Connection, _: Option<&str>) -> Result<Polled, ConnectError> {
        std::future::pending().await
    }
}
