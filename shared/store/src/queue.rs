//! The contract of a queue, with the semantics of SQS: at least once, hidden while in hand, dead letters in the end.
//!
//! A message with a group is FIFO within it: while one is in hand or waiting for its next try, no later one of the
//! group is delivered. A deduplication id swallows repetitions for five minutes, no longer: it saves work, the table
//! gives the guarantee.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

/// How often a message is delivered before it becomes a dead letter.
pub const MAX_RECEIVES: u32 = 5;
/// The largest body, in bytes. What may exceed it goes to the object store first.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The longest group or deduplication id, in bytes. Longer names are hashed first.
pub const MAX_ID_BYTES: usize = 128;
/// The most messages of one [`Queue::receive`].
pub const MAX_RECEIVE: usize = 10;
/// The longest that a message can be hidden.
pub const MAX_VISIBILITY: Duration = Duration::from_hours(12);
/// How long a deduplication id swallows repetitions.
pub const DEDUPLICATION_WINDOW: Duration = Duration::from_mins(5);

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The content.
    pub body: String,
    /// The FIFO group; required by FIFO queues, absent for standard ones.
    pub group: Option<String>,
    /// Swallows repetitions for five minutes; required by FIFO queues, absent for standard ones.
    pub deduplication: Option<String>,
}

impl Outgoing {
    /// Checks the message against what SQS accepts, for every engine alike.
    ///
    /// # Errors
    /// [`QueueError::Invalid`] when the body is empty, too large or has characters outside XML 1.0, or when group and
    /// deduplication id do not suit the queue or are not 1 to [`MAX_ID_BYTES`] printable ASCII characters.
    pub fn check(&self, fifo: bool) -> Result<(), QueueError> {
        let invalid = |reason: String| Err(QueueError::Invalid(reason));
        if self.body.is_empty() || self.body.len() > MAX_BODY_BYTES {
            return invalid(format!("a body has 1 to {MAX_BODY_BYTES} bytes, not {}", self.body.len()));
        }
        let refused = |c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
        if let Some(found) = self.body.chars().find(|&c| refused(c)) {
            return invalid(format!("a body with the character U+{:04X}", u32::from(found)));
        }
        for (name, id) in [("group", &self.group), ("deduplication", &self.deduplication)] {
            match id {
                None if fifo => return invalid(format!("a message without {name} for a FIFO queue")),
                Some(_) if !fifo => return invalid(format!("a message with {name} for a standard queue")),
                Some(id)
                    if id.is_empty()
                        || id.len() > MAX_ID_BYTES
                        || !id.bytes().all(|b| b.is_ascii_graphic()) =>
                {
                    return invalid(format!(
                        "a {name} of other than 1 to {MAX_ID_BYTES} printable characters: {id:?}"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A message in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of the message.
    pub id: String,
    /// What deletes or hides this very delivery of the message.
    pub receipt: String,
    /// The content.
    pub body: String,
    /// The FIFO group.
    pub group: Option<String>,
    /// How often it has been delivered, this time included.
    pub receives: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// How full a queue is. Approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Messages that can be received.
    pub waiting: u64,
    /// Messages in hand.
    pub in_hand: u64,
}

/// Why a queue did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Overloaded, unreachable or full. Whether it happened is unknown.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
    /// The request can never succeed.
    #[error("invalid: {0}")]
    Invalid(String),
}

impl QueueError {
    /// Whether the same request may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A queue.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Sends messages, in order within a group. On an error some may have been sent: send all again.
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError>;

    /// Takes up to `limit` (at most 10) messages in hand for `visibility`. Returns at once, if with nothing.
    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError>;

    /// Removes a message in hand for good. A receipt that ran out is ignored.
    async fn delete(&self, receipt: &str) -> Result<(), QueueError>;

    /// Makes a message in hand come back after `after`; at once for zero.
    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError>;

    /// How full it is.
    async fn depth(&self) -> Result<Depth, QueueError>;
}

/// A message that was not processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The queue's id of the message.
    pub id: String,
    /// When it should come back, where the handler knows; else when its visibility ends.
    pub after: Option<Duration>,
}

/// Why one message was not processed: come back, at a known time or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// When to come back.
    pub after: Option<Duration>,
}

/// Processes a batch in order and returns what failed.
///
/// Stops at the first failure of a group and returns that message and all later ones of the group, so that order
/// within the group survives; other groups go on. Messages without a group stand for themselves. From `deadline` on it
/// begins with no other message: what is left comes back at once.
pub async fn process<'a, F, Fut>(batch: &'a [Message], deadline: Instant, mut handle: F) -> Vec<Failed>
where
    F: FnMut(&'a Message) -> Fut,
    Fut: Future<Output = Result<(), Retry>>,
{
    let mut stopped: HashSet<&str> = HashSet::new();
    let mut failed = Vec::new();
    for message in batch {
        let group = message.group.as_deref();
        if group.is_some_and(|group| stopped.contains(group)) {
            failed.push(Failed { id: message.id.clone(), after: None });
            continue;
        }
        let handled = if Instant::now() < deadline {
            handle(message).await
        } else {
            Err(Retry { after: Some(Duration::ZERO) })
        };
        if let Err(retry) = handled {
            stopped.extend(group);
            failed.push(Failed { id: message.id.clone(), after: retry.after });
        }
    }
    failed
}

/// Which failed messages come back at a known time.
///
/// The later ones of a group wait with the one that failed: as long as they are in hand, SQS holds back the group.
pub fn releases<'a>(batch: &'a [Message], failed: &[Failed]) -> Vec<(&'a str, Duration)> {
    let failed: HashMap<&str, Option<Duration>> =
        failed.iter().map(|failed| (failed.id.as_str(), failed.after)).collect();
    let mut groups: HashMap<&str, Duration> = HashMap::new();
    let mut releases = Vec::new();
    for message in batch {
        let Some(after) = failed.get(message.id.as_str()) else {
            continue;
        };
        let group = message.group.as_deref();
        let after = after.or_else(|| groups.get(group?).copied());
        if let Some(after) = after {
            releases.push((message.receipt.as_str(), after));
            groups.extend(group.map(|group| (group, after)));
        }
    }
    releases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, group: Option<&str>) -> Message {
        Message {
            id: id.to_owned(),
            receipt: format!("r{id}"),
            body: "{}".to_owned(),
            group: group.map(str::to_owned),
            receives: 1,
            sent_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_failure_holds_back_what_comes_after_it_in_its_group() {
        let batch = [
            message("1", Some("a")),
            message("2", Some("b")),
            message("3", Some("a")),
            message("4", None),
            message("5", Some("b")),
            message("6", Some("a")),
        ];
        let mut handled = Vec::new();
        let failed = process(&batch, Instant::now() + Duration::from_secs(3600), |message| {
            handled.push(message.id.as_str());
            let fails = matches!(message.id.as_str(), "1" | "4");
            async move { if fails { Err(Retry::default()) } else { Ok(()) } }
        })
        .await;
        assert_eq!(handled, ["1", "2", "4", "5"]);
        assert_eq!(failed.iter().map(|failed| failed.id.as_str()).collect::<Vec<_>>(), ["1", "3", "4", "6"]);
    }

    #[test]
    fn a_group_waits_together() {
        let batch =
            [message("1", Some("a")), message("2", Some("b")), message("3", Some("a")), message("4", None)];
        let failed =
            |id: &str, after: Option<u64>| Failed { id: id.into(), after: after.map(Duration::from_secs) };
        assert_eq!(
            releases(&batch, &[failed("1", Some(7)), failed("3", None), failed("4", None)]),
            [("r1", Duration::from_secs(7)), ("r3", Duration::from_secs(7))]
        );
        assert_eq!(releases(&batch, &[failed("2", None)]), []);
    }
}
