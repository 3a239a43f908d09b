//! What travels through the queues.

use bytes::Bytes;
use desk::channel::ThreadKey;
use desk::ids::{ContactId, ReplyId, TicketId};
use desk::inbound::Inbound;
use serde::{Deserialize, Serialize};

use crate::blobs::{BlobError, Blobs};
use crate::queue::Outgoing;

/// Bodies beyond this many bytes go to the object store, and the queue carries their key.
const INLINE_LIMIT: usize = 200 * 1024;

/// A message of the inbound queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of this form.
    pub v: u16,
    /// What happened in a conversation.
    #[serde(flatten)]
    pub carried: Carried,
    /// Whether it comes out of the dead-letter queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// What happened in a conversation, or where that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// Itself.
    Inbound(Box<Inbound>),
    /// The key of an object that holds it.
    Object(String),
}

/// A message of the outbound queue: this conversation has something to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outbound {
    /// The conversation.
    pub thread: ThreadKey,
    /// A reply that may be older than the latest ones.
    pub reply: ReplyId,
}

/// A message of the work queue: something that may take a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Work {
    /// Fetch the files of a message from its platform.
    FetchFiles {
        /// The ticket.
        ticket: TicketId,
        /// The event.
        seq: u64,
    },
    /// Tell the platform that a pressed button was noticed.
    Acknowledge {
        /// The ticket.
        ticket: TicketId,
        /// The event.
        seq: u64,
    },
    /// Make a contact findable.
    IndexContact {
        /// The contact.
        contact: ContactId,
    },
}

impl Envelope {
    /// The queue's message for what happened, after large content went to the object store.
    ///
    /// # Errors
    /// When the object store is unavailable.
    pub async fn pack(inbound: Inbound, blobs: &Blobs) -> Result<Outgoing, BlobError> {
        let group = inbound.group();
        let digest = digest(&format!("{}#{}", inbound.thread, inbound.key));
        let envelope = Self { v: 1, carried: Carried::Inbound(Box::new(inbound)), late: false };
        let mut body = json(&envelope);
        if body.len() > INLINE_LIMIT {
            let key = format!("inbound/{digest}");
            blobs.put(&key, body.into()).await?;
            body = json(&Self { v: 1, carried: Carried::Object(key), late: false });
        }
        Ok(Outgoing { body, group: Some(group_id(&group)), deduplication: Some(digest) })
    }

    /// What a body only names, because it is in the object store. `None` when the body holds everything itself.
    ///
    /// # Errors
    /// When the object store is unavailable, or has it no more.
    pub async fn kept(body: &str, blobs: &Blobs) -> Result<Option<Bytes>, BlobError> {
        match serde_json::from_str::<Self>(body) {
            Ok(Self { carried: Carried::Object(key), .. }) => blobs.get(&key).await.map(Some),
            _ => Ok(None),
        }
    }

    /// What happened, fetched from the object store if need be. `None` when it cannot be read.
    ///
    /// # Errors
    /// When the object store is unavailable.
    pub async fn unpack(body: &str, blobs: &Blobs) -> Result<Option<(Inbound, bool)>, BlobError> {
        let Ok(envelope) = serde_json::from_str::<Self>(body) else { return Ok(None) };
        match envelope.carried {
            Carried::Inbound(inbound) => Ok(Some((*inbound, envelope.late))),
            Carried::Object(key) => {
                let bytes = blobs.get(&key).await?;
                let Ok(kept) = serde_json::from_slice::<Self>(&bytes) else { return Ok(None) };
                match kept.carried {
                    Carried::Inbound(inbound) => Ok(Some((*inbound, envelope.late))),
                    Carried::Object(_) => Ok(None),
                }
            }
        }
    }
}

impl Outbound {
    /// The queue's message for a thread. `reason` tells tries apart that must not swallow each other.
    pub fn pack(&self, reason: &str) -> Outgoing {
        let group = self.thread.to_string();
        Outgoing {
            body: json(self),
            deduplication: Some(digest(&format!("{group}#{}#{reason}", self.reply))),
            group: Some(group_id(&group)),
        }
    }
}

impl Work {
    /// The queue's message.
    pub fn pack(&self) -> Outgoing {
        Outgoing { body: json(self), group: None, deduplication: None }
    }
}

/// JSON as a queue takes it. Two characters that JSON allows as they are and SQS refuses are escaped; they can only
/// stand inside strings.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
    }
    text
}

/// A group as SQS takes it: at most 128 characters of a small alphabet.
fn group_id(group: &str) -> String {
    let plain = group.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#_-:.@+=".contains(&byte));
    if plain && group.len() <= 128 { group.to_owned() } else { digest(group) }
}

/// A name for a text: its SHA-256, in hex.
pub fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
