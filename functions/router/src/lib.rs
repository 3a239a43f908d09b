//! Inbound queue → tickets.
//!
//! Takes what channels handed in, one conversation at a time and in order, and executes it on the conversation's
//! ticket; opens a ticket where there is none that takes it.

mod author;
mod correspondence;
mod doubt;
mod greeting;
mod message;
mod opening;
mod reading;
mod remark;
mod undelivered;

use std::sync::Arc;
use std::time::Duration;

use desk::channel::{Channel, ThreadKey};
use desk::command::Command;
use desk::inbound::{Happened, Inbound};
use store::Desk;
use store::blobs::{BlobError, Blobs};
use store::envelope::{Envelope, digest};
use store::execute::ExecuteError;
use store::opening::OpenError;
use store::queue::{Failed, MAX_RECEIVES, Message, Outgoing, Queue, QueueError, Retry, process};
use store::table::TableError;
use tokio::time::Instant;

/// How long what came before the message that it is about waits, once more with each time.
const EARLY: Duration = Duration::from_secs(5);

/// The router.
#[derive(Clone)]
pub struct Router {
    desk: Desk,
    blobs: Blobs,
    dead: Arc<dyn Queue>,
}

/// Why something was not routed. Worth another try, always: what can never work is kept on the ticket instead.
#[derive(Debug, thiserror::Error)]
enum RouteError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the body is not an envelope")]
    Unreadable,
    #[error("the message that it is about has not come yet")]
    Early,
}

impl Router {
    /// A router on a desk; `dead` takes the messages that cannot be routed.
    pub fn new(desk: Desk, blobs: Blobs, dead: Arc<dyn Queue>) -> Self {
        Self { desk, blobs, dead }
    }

    /// Routes a batch and returns what failed. Within a conversation nothing overtakes a failed message.
    pub async fn handle(&self, batch: &[Message], deadline: Instant) -> Vec<Failed> {
        process(batch, deadline, |message| self.one(message)).await
    }

    async fn one(&self, message: &Message) -> Result<(), Retry> {
        let last = message.receives >= MAX_RECEIVES;
        let Err(error) = self.route(message, last).await else { return Ok(()) };
        tracing::warn!(message.id, message.receives, %error, "a message was not routed");
        if !last {
            let early = matches!(error, RouteError::Early);
            return Err(Retry { after: early.then(|| EARLY.saturating_mul(message.receives)) });
        }
        // Left to the queue, it would take along to the dead letters whatever came after it in its conversation: those
        // were handed back with it each time, and the queue counts that as deliveries.
        self.bury(message).await.map_err(|error| {
            tracing::error!(message.id, %error, "a message is left to the queue's own dead-letter policy");
            Retry::default()
        })
    }

    /// Makes a loss visible on its conversation, and puts the message with the dead letters.
    async fn bury(&self, message: &Message) -> Result<(), QueueError> {
        if let Err(error) = self.gap(message).await {
            tracing::error!(message.id, %error, "a dead letter could not be noted on its conversation");
        }
        let letter = Outgoing {
            body: message.body.clone(),
            group: message.group.clone(),
            deduplication: Some(format!("dead-{}", message.id)),
        };
        self.dead.send(vec![letter]).await
    }

    async fn route(&self, message: &Message, last: bool) -> Result<(), RouteError> {
        let (inbound, late) =
            Envelope::unpack(&message.body, &self.blobs).await?.ok_or(RouteError::Unreadable)?;
        match inbound.happened.clone() {
            Happened::Message { .. } | Happened::Started { .. } | Happened::Unparsed { .. } => {
                self.message(inbound, late).await
            }
            happened => self.remark(&inbound, happened, last).await,
        }
    }

    /// Notes on the conversation that one of its messages could not be processed.
    async fn gap(&self, message: &Message) -> Result<(), RouteError> {
        let unpacked = Envelope::unpack(&message.body, &self.blobs).await.ok().flatten();
        if let Some((Inbound { happened: Happened::Undelivered { .. }, .. }, _)) = &unpacked {
            // No customer says it, and nobody can answer it: its reply stands as it did until the letter is sent again.
            return Ok(());
        }
        let thread = match &unpacked {
            Some((inbound, _)) => Some(self.conversation_of(inbound).await),
            None => message.group.as_deref().and_then(parse_group),
        };
        let Some(thread) = thread else { return Err(RouteError::Unreadable) };
        let key = match &unpacked {
            Some((inbound, _)) => inbound.key.clone(),
            // Sent again from the dead letters it has another id; the gap that it made is still the same.
            None => digest(&message.body),
        };
        let asks = unpacked.as_ref().is_none_or(|(inbound, late)| self.asks(inbound, *late));
        let gap = Command::Gap { key: key.clone(), asks };
        let delivery = format!("gap:{key}");
        if let Some(known) = self.desk.thread(&thread).await? {
            return self.remark_on(&known.key, known.ticket, known.contact, &delivery, gap).await;
        }
        let Some((inbound, _)) = unpacked else { return Err(RouteError::Unreadable) };
        self.open_for_gap(&inbound, gap, &delivery).await
    }
}

/// The conversation that a FIFO group names, unless the name was too long and is a hash.
fn parse_group(group: &str) -> Option<ThreadKey> {
    let mut parts = group.splitn(3, '#');
    let channel = Channel::try_from(parts.next()?).ok()?;
    let connection = parts.next()?.parse().ok()?;
    Some(ThreadKey { channel, connection, conversation: parts.next()?.to_owned() })
}

/// The cause of an event that a delivery of the platform led to.
fn cause(inbound: &Inbound) -> Option<String> {
    Some(format!("inbound:{}", inbound.key))
}
