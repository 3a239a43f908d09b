//! Two queues, asked the same.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::answer::Answer;
use super::log::{Log, Place};
use crate::conformance::queues::LONG;
use crate::conformance::{PATIENCE, PAUSE};
use crate::queue::{MAX_RECEIVE, Message, Queue, QueueError};

/// Passes time for both engines.
pub type Pause = dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync;

/// A queue and SQLite's with those of their dead letters, all empty.
pub struct Queues {
    /// The engine's.
    pub one: Arc<dyn Queue>,
    /// SQLite's.
    pub sqlite: Arc<dyn Queue>,
    /// The engine's queue of dead letters, and SQLite's.
    pub dead: [Arc<dyn Queue>; 2],
    /// Passes time for both.
    pub pause: Arc<Pause>,
    /// Whether minutes can pass.
    pub skips: bool,
}

/// One delivery, from the engine and from SQLite.
pub(super) type Delivery = (Message, Message);

/// Two queues, and where it is kept what they do differently.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    pub(super) log: &'a Log,
    pub(super) queues: &'a Queues,
}

impl Compared<'_> {
    pub(super) async fn same(&self, place: &Place<'_>, ask: impl AsyncFn() -> Answer, expected: &Answer) {
        self.log.same(place, ask, expected, &*self.queues.pause).await;
    }

    /// Receives from both.
    pub(super) async fn receive(&self, place: &Place<'_>, limit: usize, hidden: Duration) -> Vec<Delivery> {
        let expected = self.queues.sqlite.receive(limit, hidden).await.unwrap();
        let found = self.queues.one.receive(limit, hidden).await.unwrap();
        let answer = Answer::Delivered(expected.clone());
        self.same(place, async || Answer::Delivered(found.clone()), &answer).await;
        let other = |expected: Message| {
            let found = found.iter().find(|found| found.body == expected.body).unwrap();
            (found.clone(), expected)
        };
        expected.into_iter().map(other).collect()
    }

    /// Releases a delivery of each, or deletes it.
    pub(super) async fn told(&self, place: &Place<'_>, receipts: [&str; 2], after: Option<Duration>) {
        let [found, expected] = receipts;
        let expected = Answer::Told(told(&*self.queues.sqlite, expected, after).await);
        let ask = async || Answer::Told(told(&*self.queues.one, found, after).await);
        self.same(place, ask, &expected).await;
    }

    /// Waits until no more is hidden than so many messages.
    pub(super) async fn await_return(&self, place: &Place<'_>, held: u64) {
        let mut waited = Duration::ZERO;
        for queue in [&self.queues.one, &self.queues.sqlite] {
            loop {
                let depth = queue.depth().await.unwrap();
                if depth.in_hand == held {
                    break;
                }
                assert!(waited < PATIENCE, "{place}: {depth:?}, where {held} should be in hand");
                (self.queues.pause)(PAUSE).await;
                waited += PAUSE;
            }
        }
    }

    /// Compares how full both are; of what waits, so many messages were delivered too often to come again.
    pub(super) async fn filled(&self, place: &Place<'_>, hopeless: u64) {
        let expected = Answer::Filled(self.queues.sqlite.depth().await.unwrap(), hopeless);
        let ask = async || Answer::Filled(self.queues.one.depth().await.unwrap(), hopeless);
        self.same(place, ask, &expected).await;
    }

    /// Takes all dead letters out of both.
    pub(super) async fn same_dead_letters(&self, place: &Place<'_>) {
        let [one, sqlite] = &self.queues.dead;
        let (found, expected) = (drain(&**one).await, Answer::DeadLetters(drain(&**sqlite).await));
        self.same(place, async || Answer::DeadLetters(found.clone()), &expected).await;
    }
}

async fn told(queue: &dyn Queue, receipt: &str, after: Option<Duration>) -> Result<(), QueueError> {
    match after {
        Some(after) => queue.release(receipt, after).await,
        None => queue.delete(receipt).await,
    }
}

async fn drain(queue: &dyn Queue) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let received = queue.receive(MAX_RECEIVE, LONG).await.unwrap();
        if received.is_empty() {
            return all;
        }
        for message in &received {
            queue.delete(&message.receipt).await.unwrap();
        }
        all.extend(received);
    }
}
