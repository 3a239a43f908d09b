//! [`Queue`] on SQLite.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::params;

use super::Shared;
use super::lanes::{Delivery, Lanes};
use crate::queue::{Depth, MAX_RECEIVE, MAX_VISIBILITY, Message, Outgoing, Queue, QueueError};

/// What the names of dead-letter queues end with.
const DEAD: &str = "-dead";

/// The name of the queue to which a queue's dead letters go.
pub fn dead_letters_of(name: &str) -> String {
    format!("{name}{DEAD}")
}

/// One queue of the file.
#[derive(Clone)]
pub struct SqliteQueue {
    shared: Arc<Shared>,
    name: Arc<str>,
    fifo: bool,
}

impl SqliteQueue {
    pub(super) fn new(shared: Arc<Shared>, name: &str, fifo: bool) -> Self {
        Self { shared, name: Arc::from(name), fifo }
    }

    /// The queue to which its dead letters go. Messages stay there until somebody deletes them.
    #[must_use]
    pub fn dead_letters(&self) -> Self {
        Self::new(Arc::clone(&self.shared), &dead_letters_of(&self.name), self.fifo)
    }

    /// Waits until a message can be received, or something happens to the queue, at most for `timeout`.
    ///
    /// # Errors
    /// When the file is unavailable.
    pub async fn wait(&self, timeout: Duration) -> Result<(), QueueError> {
        let arrivals = self.shared.arrivals(&self.name);
        // Listens before it looks, so that nothing slips through between.
        let mut arrived = pin!(arrivals.notified());
        arrived.as_mut().enable();
        let name = Arc::clone(&self.name);
        let next: Option<i64> = self
            .shared
            .readers
            .run(move |connection| {
                let mut first =
                    connection.prepare_cached("SELECT min(free_at) FROM lanes WHERE queue = ?1")?;
                Ok::<_, QueueError>(first.query_row([&*name], |row| row.get(0))?)
            })
            .await?;
        let until = next.map_or(timeout, |next| {
            let left = next.saturating_sub(self.shared.environment.now().as_millisecond());
            Duration::from_millis(u64::try_from(left).unwrap_or_default()).min(timeout)
        });
        if !until.is_zero() {
            // A timeout is as good an answer: the caller looks again.
            let _timeout = tokio::time::timeout(until, arrived).await;
        }
        Ok(())
    }

    /// Deletes messages that were received together, all at once.
    ///
    /// # Errors
    /// As [`Queue::delete`].
    pub async fn delete_all(&self, receipts: &[&str]) -> Result<(), QueueError> {
        let deliveries: Vec<Delivery> =
            receipts.iter().map(|receipt| Delivery::parse(receipt)).collect::<Result<_, _>>()?;
        if deliveries.is_empty() {
            return Ok(());
        }
        self.change(&self.name, move |lanes| deliveries.iter().try_for_each(|one| lanes.delete(one))).await
    }

    /// Does something to the queue in the writer, then awakes who waits for messages of `wake`.
    async fn change<T, F>(&self, wake: &str, change: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: Fn(&Lanes<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (name, fifo) = (Arc::clone(&self.name), self.fifo);
        let environment = Arc::clone(&self.shared.environment);
        self.shared
            .writer
            .run(Some(self.shared.arrivals(wake)), move |connection| {
                // The time counts from here on: requests may have waited for their turn.
                let now = environment.now().as_millisecond();
                Ok(change(&Lanes { connection, queue: &name, fifo, environment: &*environment, now })?)
            })
            .await
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        messages.iter().try_for_each(|message| message.check(self.fifo))?;
        if messages.is_empty() {
            return Ok(());
        }
        self.change(&self.name, move |lanes| lanes.send(&messages)).await
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        if limit == 0 || limit > MAX_RECEIVE {
            return Err(QueueError::Invalid(format!("1 to {MAX_RECEIVE} messages at once, not {limit}")));
        }
        let visibility = milliseconds(visibility)?;
        // A queue of dead letters has none of its own.
        let dead = (!self.name.ends_with(DEAD)).then(|| dead_letters_of(&self.name));
        let wake = dead.clone().unwrap_or_else(|| self.name.to_string());
        self.change(&wake, move |lanes| lanes.receive(limit, visibility, dead.as_deref())).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let delivery = Delivery::parse(receipt)?;
        self.change(&self.name, move |lanes| lanes.delete(&delivery)).await
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let delivery = Delivery::parse(receipt)?;
        let after = milliseconds(after)?;
        self.change(&self.name, move |lanes| lanes.release(&delivery, after)).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let name = Arc::clone(&self.name);
        let now = self.shared.environment.now().as_millisecond();
        self.shared
            .readers
            .run(move |connection| {
                let mut all = connection.prepare_cached("SELECT count(*) FROM messages WHERE queue = ?1")?;
                let mut hidden = connection.prepare_cached(
                    "SELECT count(*) FROM messages WHERE queue = ?1 AND visible_at > 0 AND visible_at > ?2",
                )?;
                let all: i64 = all.query_row([&*name], |row| row.get(0))?;
                let in_hand: i64 = hidden.query_row(params![&*name, now], |row| row.get(0))?;
                let count = |messages| u64::try_from(messages).unwrap_or_default();
                Ok(Depth { waiting: count(all - in_hand), in_hand: count(in_hand) })
            })
            .await
    }
}

fn milliseconds(hidden: Duration) -> Result<i64, QueueError> {
    match i64::try_from(hidden.as_millis()) {
        Ok(milliseconds) if hidden <= MAX_VISIBILITY => Ok(milliseconds),
        _ => Err(QueueError::Invalid(format!(
            "a message is hidden for up to {MAX_VISIBILITY:?}, not {hidden:?}"
        ))),
    }
}
