//! What Lambda's event sources do, in this process: bring batches from the queues, the change feed and the minute.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use clock::Clock;
use futures_util::future::join_all;
use relay::Relay;
use store::queue::{Failed, MAX_RECEIVES, Message, Queue, QueueError};
use store::sqlite::{Sqlite, SqliteChanges, SqliteQueue};
use store::table::{ChangeFeed, TableError};
use tokio::time::Instant;

/// The longest that a loop sleeps without looking.
const NAP: Duration = Duration::from_secs(5);
/// How long a loop waits after an error of its engine.
const PAUSE: Duration = Duration::from_secs(1);
/// How many messages a batch has.
const BATCH: usize = 10;
/// How many changes are handed on at once.
const CHANGES: usize = 100;

/// Brings batches of a queue to a handler, for ever.
pub(crate) async fn consume<H, F>(queue: SqliteQueue, visibility: Duration, handler: H)
where
    H: Fn(Vec<Message>, Instant) -> F,
    F: Future<Output = Vec<Failed>>,
{
    loop {
        if let Err(error) = consume_once(&queue, visibility, &handler).await {
            tracing::error!(%error, "a queue cannot be read");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn consume_once<H, F>(queue: &SqliteQueue, visibility: Duration, handler: &H) -> Result<(), QueueError>
where
    H: Fn(Vec<Message>, Instant) -> F,
    F: Future<Output = Vec<Failed>>,
{
    let batch = queue.receive(BATCH, visibility).await?;
    if batch.is_empty() {
        return queue.wait(NAP).await;
    }
    // Half of the time in hand is for what was begun when the deadline comes.
    let failed = handler(batch.clone(), Instant::now() + visibility / 2).await;
    let failed: HashMap<String, Option<Duration>> =
        failed.into_iter().map(|failed| (failed.id, failed.after)).collect();
    let mut done = Vec::with_capacity(batch.len());
    for message in &batch {
        match failed.get(&message.id) {
            None => done.push(message.receipt.as_str()),
            Some(after) => {
                let after = after.unwrap_or_else(|| backoff(message.receives));
                queue.release(&message.receipt, after).await?;
            }
        }
    }
    queue.delete_all(&done).await
}

/// Handles the messages of each group of a batch beside those of the others: they share their writes to the disk.
pub(crate) async fn group_by_group<H, F>(batch: Vec<Message>, handler: H) -> Vec<Failed>
where
    H: Fn(Vec<Message>) -> F,
    F: Future<Output = Vec<Failed>>,
{
    let mut groups: Vec<Vec<Message>> = Vec::new();
    for message in batch {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.group == message.group))
        {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    join_all(groups.into_iter().map(handler)).await.concat()
}

/// How long a failed message rests: locally there is no reason to wait for its whole visibility. After the last try
/// it becomes a dead letter at once.
fn backoff(receives: u32) -> Duration {
    if receives >= MAX_RECEIVES { Duration::ZERO } else { Duration::from_secs(1 << receives) }
}

/// Hands on what is inserted into the main table, for ever.
pub(crate) async fn relay(changes: SqliteChanges, relay: Relay) {
    loop {
        let done = relay_once(&changes, &relay).await;
        if !matches!(done, Ok(true)) {
            if let Err(error) = done {
                tracing::error!(%error, "the change feed cannot be read");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether everything that was read was handed on.
async fn relay_once(changes: &SqliteChanges, relay: &Relay) -> Result<bool, TableError> {
    let inserted = changes.inserted(CHANGES).await?;
    let Some(last) = inserted.last() else {
        changes.wait(NAP).await?;
        return Ok(true);
    };
    let Err(failed) = relay.handle(&inserted).await else {
        changes.acknowledge(&last.position).await?;
        return Ok(true);
    };
    let done = inserted.iter().take_while(|one| one.position != failed).last();
    if let Some(done) = done {
        changes.acknowledge(&done.position).await?;
    }
    Ok(false)
}

/// Sweeps what is due, for ever.
pub(crate) async fn tick(clock: Clock, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let deadline = Instant::now() + every.max(Duration::from_secs(10));
        if let Err(error) = clock.sweep(|| Instant::now() < deadline).await {
            tracing::error!(%error, "the clock could not sweep");
        }
    }
}

/// Forgets what has expired, for ever.
pub(crate) async fn purge(sqlite: Sqlite) {
    const HOUR: Duration = Duration::from_secs(3600);
    const AT_ONCE: usize = 1000;
    let mut hours = tokio::time::interval(HOUR);
    loop {
        hours.tick().await;
        loop {
            match sqlite.purge_expired(AT_ONCE).await {
                Ok(AT_ONCE) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "expired items were not removed");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::sync::Barrier;

    use super::*;

    fn message(id: &str, group: &str) -> Message {
        Message {
            id: id.to_owned(),
            receipt: String::new(),
            body: String::new(),
            group: Some(group.to_owned()),
            receives: 1,
            sent_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn groups_are_handled_side_by_side_and_each_in_order() {
        let batch = vec![message("1", "anna"), message("2", "boris"), message("3", "anna")];
        let both = Barrier::new(2);
        let handled = group_by_group(batch, async |group| {
            // Nobody goes on before the other has come.
            both.wait().await;
            let ids: Vec<&str> = group.iter().map(|message| message.id.as_str()).collect();
            vec![Failed { id: ids.join(" then "), after: None }]
        });
        let failed = tokio::time::timeout(Duration::from_secs(10), handled).await.unwrap();
        let ids: Vec<&str> = failed.iter().map(|failed| failed.id.as_str()).collect();
        assert_eq!(ids, ["1 then 3", "2"]);
    }
}
