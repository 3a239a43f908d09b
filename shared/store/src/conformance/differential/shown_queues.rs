//! Sequences that meet what queues do differently.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::Engine;
use super::answer::Answer;
use super::compared::{Compared, Delivery, Queues};
use super::differences::{DIFFERENCES, Shown};
use super::log::{Log, Place};
use crate::conformance::PAUSE;
use crate::conformance::queues::{LONG, SHORT};
use crate::queue::{MAX_RECEIVE, MAX_RECEIVES, Outgoing};

pub(super) type Sequence<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Where a sequence is.
const PLACE: Place<'static> = Place { seed: 0, step: 0, what: &"a directed sequence" };

/// Runs the sequence of each difference that the engine's queues have from SQLite's, and returns how many there are.
/// `make` makes empty queues, FIFO or not.
///
/// # Panics
/// When one is not met, or something else is.
pub async fn queues_differ(engine: Engine, make: impl AsyncFn(bool) -> Queues) -> usize {
    let mut shown = 0;
    for difference in &DIFFERENCES {
        if let Shown::Queues(fifo, sequence) = difference.shown
            && difference.engines.contains(&engine)
        {
            let (log, name) = (&Log::new(engine), difference.name);
            sequence(&Compared { log, queues: &make(fifo).await }).await;
            assert!(log.times(name) > 0, "{engine:?} and SQLite do not differ in {name} any more");
            shown += 1;
        }
    }
    shown
}

impl Compared<'_> {
    /// Sends messages of these groups, or of none.
    async fn send(&self, groups: &[Option<&str>]) {
        let message = |(number, group): (usize, &Option<&str>)| Outgoing {
            body: number.to_string(),
            group: group.map(str::to_owned),
            deduplication: group.map(|_| number.to_string()),
        };
        let messages: Vec<Outgoing> = groups.iter().enumerate().map(message).collect();
        let expected = Answer::Told(self.queues.sqlite.send(messages.clone()).await);
        let ask = async || Answer::Told(self.queues.one.send(messages.clone()).await);
        self.same(&PLACE, ask, &expected).await;
    }

    /// Receives all that comes.
    async fn all(&self, hidden: Duration) -> Vec<Delivery> {
        self.receive(&PLACE, MAX_RECEIVE, hidden).await
    }

    async fn release(&self, (found, expected): &Delivery, after: Duration) {
        self.told(&PLACE, [&found.receipt, &expected.receipt], Some(after)).await;
    }
}

pub(super) async fn ids(compared: &Compared<'_>) {
    compared.send(&[None]).await;
    compared.all(LONG).await;
}

pub(super) async fn groups(compared: &Compared<'_>) {
    compared.send(&[Some("a"), Some("b"), Some("a"), Some("b")]).await;
    assert_eq!(compared.all(LONG).await.len(), 4);
}

pub(super) async fn stale(compared: &Compared<'_>) {
    compared.send(&[None]).await;
    let (found, expected) = compared.all(SHORT).await.remove(0);
    compared.await_return(&PLACE, 0).await;
    let Queues { one, sqlite, .. } = compared.queues;
    let expected = Answer::Used(sqlite.delete(&expected.receipt).await, sqlite.depth().await.unwrap());
    let found = Answer::Used(one.delete(&found.receipt).await, one.depth().await.unwrap());
    compared.same(&PLACE, async || found.clone(), &expected).await;
}

pub(super) async fn no_receipt(compared: &Compared<'_>) {
    compared.told(&PLACE, ["none", "none"], None).await;
}

pub(super) async fn part_of_a_second(compared: &Compared<'_>) {
    compared.send(&[None]).await;
    let delivery = compared.all(LONG).await.remove(0);
    compared.release(&delivery, PAUSE).await;
    let Queues { one, sqlite, pause, .. } = compared.queues;
    while sqlite.depth().await.unwrap().in_hand > 0 {
        pause(PAUSE / 10).await;
    }
    let expected = Answer::Resting(sqlite.depth().await.unwrap());
    compared.same(&PLACE, async || Answer::Resting(one.depth().await.unwrap()), &expected).await;
}

pub(super) async fn count_of_a_dead_letter(compared: &Compared<'_>) {
    compared.send(&[None]).await;
    for _ in 0..MAX_RECEIVES {
        let delivery = compared.all(LONG).await.remove(0);
        compared.release(&delivery, Duration::ZERO).await;
    }
    assert!(compared.all(LONG).await.is_empty());
    compared.same_dead_letters(&PLACE).await;
}

/// The first of a group has been delivered too often when two are asked for.
pub(super) async fn batch_of_a_dead_letter(compared: &Compared<'_>) {
    compared.send(&[Some("a"), Some("a"), Some("a")]).await;
    for _ in 0..MAX_RECEIVES {
        let delivery = compared.receive(&PLACE, 1, LONG).await.remove(0);
        compared.release(&delivery, Duration::ZERO).await;
    }
    compared.receive(&PLACE, 2, LONG).await;
}

/// The second of a group has been delivered too often while the first is in hand for the last time.
pub(super) async fn moment_of_a_dead_letter(compared: &Compared<'_>) {
    compared.send(&[Some("a"), Some("a")]).await;
    for time in 1..=MAX_RECEIVES {
        let deliveries = compared.all(LONG).await;
        assert_eq!(deliveries.len(), 2);
        if time < MAX_RECEIVES {
            compared.release(&deliveries[0], Duration::ZERO).await;
        }
        compared.release(&deliveries[1], Duration::ZERO).await;
    }
    assert!(compared.all(LONG).await.is_empty());
    compared.filled(&PLACE, 1).await;
}
