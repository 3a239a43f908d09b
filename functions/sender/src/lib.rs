//! Outbound queue → channel platforms.
//!
//! A queue message says only which conversation has something to send. The sender reads the conversation's unfinished
//! replies in order, claims the first, sends it, and goes on. The claim is durable before the request leaves; a claim
//! that ran out means that nobody knows whether the request arrived.

mod failure;
mod files;
mod sending;
mod target;

use std::sync::Arc;
use std::time::Duration;

use channels::directory::{DirectoryError, Known};
use channels::platform::{LONGEST_SEND, Outlets};
use channels::{Directory, Platform};
use desk::reply::{Delivery, Reply};
use store::Desk;
use store::blobs::{BlobError, Blobs};
use store::connections::Health;
use store::envelope::Outbound;
use store::execute::ExecuteError;
use store::live::{Live, Nobody};
use store::queue::{Failed, MAX_RECEIVES, Message, Retry, process};
use store::table::TableError;
use tokio::time::Instant;

/// Waits up to this long are made by the queue message's visibility, so that order holds; longer ones by the clock.
const SHORT_WAIT: Duration = Duration::from_secs(30);
/// How many waits the queue makes for one message, so that it does not become a dead letter by that.
const SHORT_WAITS: u32 = MAX_RECEIVES - 2;

/// How long a conversation rests that could not be read or written, by how often it was tried. Its later tries wait
/// for the message's visibility to end, which is made to outlast the function and so holds back replies for minutes.
const RESTS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

/// The sender.
#[derive(Debug, Clone)]
pub struct Sender {
    desk: Desk,
    directory: Directory,
    blobs: Blobs,
    outlets: Outlets,
    live: Arc<dyn Live>,
}

/// Why a conversation's replies were not all worked on.
#[derive(Debug, thiserror::Error)]
enum SenderError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// What became of one reply in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It is finished, or need not keep later ones waiting.
    GoOn,
    /// It keeps later ones waiting for this long.
    Wait(Duration),
    /// It keeps later ones waiting until something else starts the conversation again.
    Stop,
}

/// A connection and its channel.
struct Line {
    platform: &'static dyn Platform,
    known: Arc<Known>,
}

impl Sender {
    /// A sender on a desk.
    pub fn new(desk: Desk, directory: Directory, blobs: Blobs, outlets: Outlets) -> Self {
        Self { desk, directory, blobs, outlets, live: Arc::new(Nobody) }
    }

    /// The same, telling customers' open connections what was sent.
    #[must_use]
    pub fn telling(self, live: Arc<dyn Live>) -> Self {
        Self { live, ..self }
    }

    /// Sends what the batch's conversations have to send, and returns the messages that must come again.
    pub async fn handle(&self, batch: &[Message], deadline: Instant) -> Vec<Failed> {
        // What is begun must also end in time, or the process dies between a request and the note of it.
        let begin_until = deadline.checked_sub(LONGEST_SEND).unwrap_or(deadline);
        process(batch, begin_until, |message| self.one(message, begin_until)).await
    }

    async fn one(&self, message: &Message, begin_until: Instant) -> Result<(), Retry> {
        let Ok(outbound) = serde_json::from_str::<Outbound>(&message.body) else {
            tracing::error!(message.id, "an outbound message cannot be understood");
            return Err(Retry::default());
        };
        match self.conversation(&outbound, begin_until).await {
            Ok(Progress::GoOn | Progress::Stop) => Ok(()),
            Ok(Progress::Wait(wait)) if wait <= SHORT_WAIT && message.receives <= SHORT_WAITS => {
                Err(Retry { after: Some(wait) })
            }
            // The clock brings the conversation back when the reply is due.
            Ok(Progress::Wait(_)) => Ok(()),
            Err(error) => {
                tracing::warn!(message.id, message.receives, %error, "a conversation's replies were not sent");
                Err(Retry { after: rest(message.receives) })
            }
        }
    }

    async fn conversation(&self, outbound: &Outbound, begin_until: Instant) -> Result<Progress, SenderError> {
        let replies = self.desk.unfinished_replies(&outbound.thread, Some(outbound.reply)).await?;
        if replies.is_empty() {
            return Ok(Progress::GoOn);
        }
        let line = self.line(outbound).await?;
        for reply in replies {
            if Instant::now() >= begin_until {
                return Ok(Progress::Wait(Duration::ZERO));
            }
            match self.reply(line.as_ref(), reply).await? {
                Progress::GoOn => {}
                waits => return Ok(waits),
            }
        }
        Ok(Progress::GoOn)
    }

    async fn line(&self, outbound: &Outbound) -> Result<Option<Line>, SenderError> {
        let thread = &outbound.thread;
        let Some(platform) = channels::platform(thread.channel.as_str()) else { return Ok(None) };
        let known = self.directory.connection(&thread.channel, thread.connection).await?;
        // What is kept as broken may have been mended since.
        let known = match known {
            Some(known) if known.stored.health != Health::Ok => {
                self.directory.fresh(&thread.channel, thread.connection).await?
            }
            known => known,
        };
        Ok(known.map(|known| Line { platform, known }))
    }

    async fn reply(&self, line: Option<&Line>, mut reply: Reply) -> Result<Progress, SenderError> {
        let now = self.desk.now();
        if reply.state == Delivery::Sending {
            return match reply.lease {
                Some(lease) if lease > now => Ok(Progress::Wait(until(now, lease))),
                _ => self.doubt(reply, "crashed", "the desk stopped while it was sending this").await,
            };
        }
        let Some(line) = line else {
            return self.fail(reply, "no_connection", "the connection was deleted").await;
        };
        if let Some(not_before) = reply.not_before
            && not_before > now
        {
            let wait = until(now, not_before);
            // A scheduled reply lets others overtake it; one that is tried again does not.
            return Ok(if reply.attempts == 0 && wait > SHORT_WAIT {
                Progress::GoOn
            } else {
                Progress::Wait(wait)
            });
        }
        if self.was_seen(&reply).await? {
            reply.state = Delivery::Read;
            reply.reason = Some("seen".to_owned());
            reply.due_at = None;
            self.desk.save_reply(&mut reply).await?;
            return Ok(Progress::GoOn);
        }
        if line.known.stored.health != Health::Ok {
            return self.hold(&mut reply).await;
        }
        self.send(line, reply).await
    }

    /// Whether a reply is a copy of one that the customer has read. A device that got it proves nothing: nobody may sit
    /// before it.
    async fn was_seen(&self, reply: &Reply) -> Result<bool, SenderError> {
        let Some(thread) = &reply.copy_of else { return Ok(false) };
        let first = self.desk.reply(thread, reply.id).await?;
        Ok(first.is_some_and(|first| first.state == Delivery::Read))
    }
}

/// How long to rest after a try that failed; `None` until the message's visibility ends.
fn rest(receives: u32) -> Option<Duration> {
    RESTS.get(usize::try_from(receives.checked_sub(1)?).ok()?).copied()
}

fn until(now: jiff::Timestamp, then: jiff::Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_trouble_costs_seconds_and_a_long_one_few_tries() {
        let rests = [0, 1, 2, 3, 4, MAX_RECEIVES].map(|receives| rest(receives).map(|rest| rest.as_secs()));
        assert_eq!(rests, [None, Some(5), Some(30), Some(120), None, None]);
    }
}
