//! The trait that a channel implements.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;
use desk::channel::{ChannelClass, ThreadKey};
use desk::correspondence::Correspondence;
use desk::ids::ReplyId;
use desk::inbound::Inbound;
use desk::message::AttachmentKind;
use desk::reply::Reply;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Connection;
use crate::email::dns::Lookup;
use crate::http::Http;

/// The largest body that a webhook has on most platforms, in bytes.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// The conversation of what could not be read far enough to tell where it belongs.
pub const UNPARSED: &str = "unparsed";

/// A setting of a connection, in the platform's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name in `settings`.
    pub name: &'static str,
    /// What it is, for the API's documentation and its error messages.
    pub about: &'static str,
    /// What kind of value it takes.
    pub kind: SettingKind,
    /// Whether a connection cannot do without it.
    pub required: bool,
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// Text that anybody with access to settings may read.
    Text,
    /// Yes or no.
    Flag,
    /// A base URL, `https` or `http`.
    Url,
    /// A secret that the platform gave; sealed, never returned.
    Secret,
    /// A secret that is ours to choose; made up when absent, sealed, returned once.
    OwnSecret,
    /// A number of seconds, up to a day.
    Seconds,
    /// A list of texts that anybody with access to settings may read.
    List,
    /// A list of objects with secrets in them; sealed as JSON, never returned.
    SecretList,
}

/// A request that did not come from the platform, as far as can be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's proof of origin is missing or wrong")]
pub struct Unauthentic;

/// One platform message of a reply: a reply may take several.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The text, or the caption of the file.
    pub text: Option<String>,
    /// Its files, as indices into the reply's. Most platforms take one at a time.
    pub files: Vec<usize>,
    /// The files that are too large to go along, as indices into the reply's: the customer gets links to them.
    pub links: Vec<usize>,
    /// The platform's id of the message that this one answers.
    pub reply_to: Option<String>,
}

/// A file of a reply, with its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The name that the customer sees.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// A file of a reply that the customer fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file's name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is, for whoever knows the address.
    pub url: String,
    /// How long it is there at most.
    pub until: Timestamp,
}

/// What a file of a reply is, before its bytes are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
}

/// What to send in one reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// The text.
    pub text: Option<String>,
    /// The files.
    pub files: Vec<FileInfo>,
    /// The platform's id of the message that this one answers.
    pub reply_to: Option<String>,
    /// The name to show as the sender, where it is not the brand's own.
    pub sender_name: Option<String>,
}

/// A message that can never be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Unsendable {
    /// A stable word, such as `file_too_large`.
    pub reason: &'static str,
    /// What to tell the agent.
    pub detail: String,
}

/// What became of one attempt to send a part, when it was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct SendError {
    /// What follows from it.
    pub class: SendFailure,
    /// A stable word, such as `blocked` or `throttled`.
    pub reason: &'static str,
    /// What the platform said, without secrets.
    pub detail: String,
}

/// The reason of a [`SendError`] when whom the part goes to has an address that does not exist, and never will.
pub const NO_SUCH_ADDRESS: &str = "no_such_address";

/// What follows from a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure {
    /// The customer cannot be reached on this channel any more.
    Unreachable,
    /// This message can never be sent.
    Rejected,
    /// The connection's credentials are no longer good: everything of the connection waits.
    Unauthorized,
    /// Too fast: certainly not accepted, again after this time.
    Throttled(Duration),
    /// Certainly not accepted, and worth another try.
    Transient,
    /// It may have been accepted.
    Uncertain,
    /// The conversation has another id now: certainly not accepted, again there.
    Moved {
        /// The new id.
        conversation: String,
    },
}

/// The ways out of the desk.
#[derive(Debug, Clone)]
pub struct Outlets {
    /// Requests to platforms.
    pub http: Http,
    /// The provider that takes mail of connections without a server of their own; there is none on one machine.
    pub mailer: Option<Arc<dyn Mailer>>,
}

/// What the doctor looks with.
#[derive(Clone)]
pub struct Instruments {
    /// The ways out of the desk.
    pub outlets: Outlets,
    /// Where records of domains are looked up.
    pub dns: Option<Arc<dyn Lookup>>,
}

/// A provider that takes whole mails, such as SES.
#[async_trait]
pub trait Mailer: std::fmt::Debug + Send + Sync {
    /// Hands over a mail in the form of RFC 5322 to all recipients at once. Returns the Message-ID, without brackets,
    /// that it has outside, where that is another one than it came with.
    async fn send(
        &self,
        from: &str,
        recipients: &[String],
        mail: Vec<u8>,
    ) -> Result<Option<String>, SendError>;

    /// Whether mails of a domain come and go, and what to do.
    async fn examine(&self, domain: &str) -> Vec<Finding>;
}

/// Where a part goes, and what a platform may have to know of it.
#[derive(Debug, Clone)]
pub struct Destination<'a> {
    /// The conversation's present id on the platform.
    pub conversation: &'a str,
    /// What is remembered of it where the platform keeps no conversations.
    pub correspondence: Option<&'a Correspondence>,
    /// The reply.
    pub reply: ReplyId,
    /// The ticket's number for people.
    pub number: u64,
    /// The name to show as the sender, where it is not the brand's own.
    pub sender_name: Option<&'a str>,
    /// Whether a machine wrote it.
    pub automatic: bool,
    /// When it was written.
    pub written_at: Timestamp,
    /// The files that the part names by links.
    pub links: &'a [Link],
}

/// The longest that sending one part takes. Whoever sends has so much time left, or does not begin.
pub const LONGEST_SEND: Duration = Duration::from_secs(90);

/// A part that the platform accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The platform's id of the message.
    pub message: String,
    /// Those with a copy whom the platform left out, and what it said to that.
    pub left_out: Vec<String>,
}

impl Accepted {
    /// A part that everybody gets.
    pub const fn by_all(message: String) -> Self {
        Self { message, left_out: Vec::new() }
    }
}

/// A file that a platform keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes.
    pub bytes: Bytes,
    /// The name, if the platform tells one.
    pub name: Option<String>,
    /// The media type, if the platform tells one.
    pub content_type: Option<String>,
}

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct FetchError {
    /// Whether another try may succeed.
    pub transient: bool,
    /// A stable word, such as `too_large` or `gone`.
    pub reason: &'static str,
    /// What went wrong, without secrets.
    pub detail: String,
}

/// Why a connection could not be set up, or is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ConnectError {
    /// Whether another try may succeed.
    pub transient: bool,
    /// A stable word, such as `bad_token`.
    pub reason: &'static str,
    /// What to tell the owner.
    pub detail: String,
}

/// One thing that `doctor` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether all is well.
    pub ok: bool,
    /// What was looked at.
    pub what: String,
    /// What to do, when it is not well.
    pub advice: Option<String>,
}

/// A channel: everything that is particular to one platform.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// The word in webhook paths, keys and the API.
    fn name(&self) -> &'static str;

    /// How fast people expect an answer.
    fn class(&self) -> ChannelClass;

    /// The settings of a connection, besides `api_url`, which every channel has.
    fn settings(&self) -> &'static [Setting];

    /// The account on the platform, as [`connect`](Platform::connect) told it: two connections may share one, and then
    /// also share what the platform keeps once for the account, such as its webhook.
    fn account<'a>(&self, connection: &'a Connection) -> Option<&'a str>;

    /// Whether a desk that the platform cannot reach may ask it for news.
    fn can_poll(&self) -> bool {
        true
    }

    /// The largest body of a webhook, in bytes.
    fn max_body(&self) -> usize {
        MAX_BODY
    }

    /// A webhook's body as it is parsed. A stranger's body must not be able to say what only our own receivers know.
    fn handed_in<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(body)
    }

    /// Whether there is somebody to answer in a conversation: there is not where we could not tell who wrote.
    fn can_answer(&self, conversation: &str) -> bool {
        conversation != UNPARSED
    }

    /// Proves that a webhook request comes from the platform. Looks at raw bytes, in constant time, and refuses when
    /// there is nothing to compare with.
    fn verify(&self, connection: &Connection, headers: &HeaderMap, body: &[u8]) -> Result<(), Unauthentic>;

    /// Everything that an authentic body tells. Total: what is not understood comes as
    /// [`Happened::Unparsed`](desk::inbound::Happened::Unparsed) or as unsupported content, with the original.
    fn parse(&self, connection: &Connection, body: &[u8], received_at: Timestamp) -> Vec<Inbound>;

    /// Cuts a reply into parts that the platform takes.
    ///
    /// # Errors
    /// When it can never be sent.
    fn split(&self, message: &Message) -> Result<Vec<Part>, Unsendable>;

    /// Where the messages of a conversation are found by their ids: in itself, in the one that it shares numbers with, or,
    /// where ids are unique in the connection, under the whole connection.
    fn messages_of(&self, thread: &ThreadKey) -> ThreadKey {
        thread.clone()
    }

    /// Whether the whole original of every message is kept, because its files are parts of it.
    fn keeps_originals(&self) -> bool {
        false
    }

    /// A file that is part of a kept original: the one that an attachment's `source` names.
    fn extract(&self, _original: &[u8], _source: &str) -> Option<Bytes> {
        None
    }

    /// The formatted form of a kept original as HTML that can do no harm; remote images only on demand.
    fn formatted(&self, _original: &[u8], _remote_images: bool) -> Option<String> {
        None
    }

    /// Sends one part with its files.
    async fn send(
        &self,
        outlets: &Outlets,
        connection: &Connection,
        to: &Destination<'_>,
        part: &Part,
        files: Vec<File>,
    ) -> Result<Accepted, SendError>;

    /// Tells the platform that a pressed button was noticed.
    async fn acknowledge(
        &self,
        http: &Http,
        connection: &Connection,
        callback: &str,
    ) -> Result<(), FetchError>;

    /// What kind of file the platform would show a media type as, when sent.
    fn attachment_kind(&self, content_type: &str) -> AttachmentKind;

    /// Fetches the file that an attachment's `source` names, of at most `limit` bytes.
    async fn fetch(
        &self,
        http: &Http,
        connection: &Connection,
        source: &str,
        limit: u64,
    ) -> Result<Fetched, FetchError>;

    /// Checks a connection's credentials, sets its webhook when a public URL is known, and returns settings that the
    /// platform tells (such as the bot's name).
    async fn connect(
        &self,
        http: &Http,
        connection: &Connection,
        webhook_url: Option<&str>,
    ) -> Result<Map<String, Value>, ConnectError>;

    /// Takes the webhook back, when a connection is deleted.
    async fn disconnect(&self, http: &Http, connection: &Connection) -> Result<(), ConnectError>;

    /// Whether all is well with a connection, and what to do.
    async fn examine(
        &self,
        instruments: &Instruments,
        connection: &Connection,
        webhook_url: Option<&str>,
    ) -> Vec<Finding>;

    /// What the customer's open connections to the desk are told of `news`, where the channel has such connections.
    fn frame(&self, _news: News<'_>) -> Option<String> {
        None
    }

    /// Whether the desk may know an address to which answers go on by mail that the customer does not see in time.
    fn goes_on_by_mail(&self) -> bool {
        false
    }

    /// Waits for new bodies without a webhook, up to some 25 seconds, each as a webhook would have brought it.
    /// `position` is where the last poll ended; handing in the returned one acknowledges what came before it.
    async fn poll(
        &self,
        http: &Http,
        connection: &Connection,
        position: Option<&str>,
    ) -> Result<Polled, ConnectError>;
}

/// What a customer's open connections are told of at once, see [`Platform::frame`].
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// A message of the customer became part of the conversation.
    Received,
    /// A reply was sent.
    Sent(&'a Reply),
    /// Somebody of the firm is writing, under this name where customers see one.
    Typing(Option<&'a str>),
}

/// What a poll brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polled {
    /// The bodies, in order.
    pub bodies: Vec<Vec<u8>>,
    /// Where this poll ended, unless it brought nothing.
    pub position: Option<String>,
}
