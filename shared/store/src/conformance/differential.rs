//! The same random steps on two engines, whose every answer must be the same.
//!
//! A suite checks the rules that somebody thought of; this finds what nobody did. The steps come from `below`, which
//! gives a number below its argument: the same numbers give the same steps, so that a difference can be found again.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::{Deviations, PATIENCE, PAUSE};
use crate::queue::{Message, Outgoing, Queue};
use crate::table::{Condition, Index, Item, Key, Page, Query, Table, TableError, Write};

/// What two engines may do differently, and why. Nothing else.
pub const ALLOWED: [(&str, &str); 6] = [
    (
        "the text of an error",
        "it has the engine's own words; its kind is compared, and which conditions failed",
    ),
    ("the order of `get_many`", "the contract has none; the items are compared in the order of their keys"),
    ("when an index shows a write", "it is eventually consistent; the answer is awaited"),
    (
        "ids and receipts",
        "each engine has its own; deliveries are compared by body and by how often they came",
    ),
    (
        "which group comes first",
        "SQS promises no order among groups; with it, one group is compared at a time",
    ),
    ("a receipt that ran out", "emulators accept it, against SQS and the contract; there it is not used"),
];

/// Sort keys and parts of names: few, so that they meet, and in more than one script.
const PARTS: [&str; 6] = ["a", "b", "ab", "ü", "世", "😀"];

/// Makes random steps.
pub type Below<'a> = dyn FnMut(u64) -> u64 + Send + 'a;

/// Passes time for both engines.
pub type Pause<'a> = dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'a;

/// Makes `steps` random steps on two tables. Only keys that begin with `prefix` are used, which must be fresh.
///
/// # Panics
/// At the first answer that differs.
pub async fn tables(one: &dyn Table, other: &dyn Table, prefix: &str, steps: usize, below: &mut Below<'_>) {
    for step in 0..steps {
        match below(8) {
            0..=3 => {
                let writes: Vec<Write> = (0..=below(3)).map(|_| write(prefix, below)).collect();
                let (found, expected) = (put(one, &writes).await, put(other, &writes).await);
                assert_eq!(found, expected, "step {step}: {writes:?}");
            }
            4 => {
                let key = Key::new(format!("{prefix}counter{}", below(2)), "@");
                assert_eq!(one.increment(&key).await, other.increment(&key).await, "step {step}: {key:?}");
            }
            5 => {
                let keys: Vec<Key> = (0..=below(4)).map(|_| key(prefix, below)).collect();
                assert_eq!(sorted(one, &keys).await, sorted(other, &keys).await, "step {step}: {keys:?}");
            }
            _ => same_page(one, other, query(prefix, below), step).await,
        }
    }
}

/// The answer to a transaction, without the words of its error.
async fn put(table: &dyn Table, writes: &[Write]) -> Result<(), Vec<usize>> {
    loop {
        match table.write(writes.to_vec()).await {
            Ok(()) => return Ok(()),
            Err(TableError::ConditionFailed(positions)) => return Err(positions),
            Err(TableError::Invalid(_)) => return Err(Vec::new()),
            Err(TableError::Conflict) => tokio::time::sleep(PAUSE).await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn sorted(table: &dyn Table, keys: &[Key]) -> Vec<Item> {
    let mut keys = keys.to_vec();
    keys.sort();
    keys.dedup();
    let mut items = table.get_many(&keys).await.unwrap();
    items.sort_by(|one, other| one.key.cmp(&other.key));
    items
}

async fn same_page(one: &dyn Table, other: &dyn Table, query: Query, step: usize) {
    let mut waited = Duration::ZERO;
    loop {
        let found: Page = one.query(query.clone()).await.unwrap();
        let expected = other.query(query.clone()).await.unwrap();
        if found == expected {
            return;
        }
        assert!(
            query.index != Index::Primary && waited < PATIENCE,
            "step {step}: {query:?}\n one {found:?}\n other {expected:?}"
        );
        tokio::time::sleep(PAUSE).await;
        waited += PAUSE;
    }
}

fn part(below: &mut Below<'_>) -> &'static str {
    let at = usize::try_from(below(PARTS.len() as u64)).unwrap_or_default();
    PARTS.get(at).copied().unwrap_or("a")
}

fn key(prefix: &str, below: &mut Below<'_>) -> Key {
    Key::new(format!("{prefix}{}", below(2)), part(below))
}

/// Sort keys of an index are told apart by the item's key, as the desk's are.
fn place(prefix: &str, of: &Key, below: &mut Below<'_>) -> Option<Key> {
    let own = format!("{}#{}{}", part(below), of.pk, of.sk);
    (below(2) == 0).then(|| Key::new(format!("{prefix}in{}", below(2)), own))
}

fn write(prefix: &str, below: &mut Below<'_>) -> Write {
    let key = key(prefix, below);
    let condition = match below(5) {
        0 => Condition::Absent,
        1 => Condition::Version(below(3)),
        _ => Condition::Any,
    };
    match below(6) {
        0 => Write::Delete(key, condition),
        _ => {
            let (version, id) = (below(3), part(below));
            let body = json!({"version": version, "id": id, "hidden": [id, null, 1.5]});
            let mut item = Item::new(key, &body).unwrap();
            item.views = place(prefix, &item.key, below);
            item.due = place(prefix, &item.key, below);
            Write::Put(item, condition)
        }
    }
}

fn query(prefix: &str, below: &mut Below<'_>) -> Query {
    let (index, partition) = match below(4) {
        0 => (Index::Views, format!("{prefix}in{}", below(2))),
        1 => (Index::Due, format!("{prefix}in{}", below(2))),
        _ => (Index::Primary, format!("{prefix}{}", below(2))),
    };
    let mut bound = || (below(3) == 0).then(|| part(below).to_owned());
    let (from, to, after) = (bound(), bound(), bound());
    let limit = usize::try_from(below(4)).unwrap_or_default() + 1;
    Query { index, partition, from, to, after, descending: below(2) == 0, limit }
}

/// Makes `steps` random steps on two empty queues, of up to `groups` groups, or standard ones without any.
///
/// # Panics
/// At the first answer that differs.
pub async fn queues(
    (one, other): (&dyn Queue, &dyn Queue),
    groups: Option<u64>,
    run: &str,
    steps: usize,
    deviations: Deviations,
    below: &mut Below<'_>,
    pause: &Pause<'_>,
) {
    let mut deliveries: Vec<(Message, Message)> = Vec::new();
    for step in 0..steps {
        match below(8) {
            0..=2 => {
                let message = Outgoing {
                    body: format!("{run} {step}"),
                    group: groups.map(|groups| format!("{run}-{}", below(groups))),
                    deduplication: groups.map(|_| format!("{run}-{}", below(30))),
                };
                one.send(vec![message.clone()]).await.unwrap();
                other.send(vec![message]).await.unwrap();
            }
            3 | 4 => {
                let limit = usize::try_from(below(3)).unwrap_or_default() + 1;
                let hidden = Duration::from_secs(2 + below(2));
                let (found, expected) =
                    (receive(one, limit, hidden).await, receive(other, limit, hidden).await);
                let told = |messages: &[Message]| -> Vec<(String, u32)> {
                    messages.iter().map(|message| (message.body.clone(), message.receives)).collect()
                };
                assert_eq!(told(&found), told(&expected), "step {step}");
                if deviations.stale_receipts_work {
                    deliveries.clear();
                }
                deliveries.extend(found.into_iter().zip(expected));
            }
            5 | 6 if !deliveries.is_empty() => {
                let at = usize::try_from(below(deliveries.len() as u64)).unwrap_or_default();
                let (found, expected) = deliveries[at].clone();
                if below(2) == 0 {
                    one.delete(&found.receipt).await.unwrap();
                    other.delete(&expected.receipt).await.unwrap();
                } else {
                    let after = Duration::from_secs(below(2));
                    one.release(&found.receipt, after).await.unwrap();
                    other.release(&expected.receipt, after).await.unwrap();
                }
                if deviations.stale_receipts_work {
                    deliveries.remove(at);
                }
            }
            _ => {
                // Between two whole seconds, so that no engine is asked at the very moment when something comes back.
                pause(Duration::from_millis(2500)).await;
                if deviations.stale_receipts_work {
                    deliveries.clear();
                }
            }
        }
    }
}

async fn receive(queue: &dyn Queue, limit: usize, hidden: Duration) -> Vec<Message> {
    queue.receive(limit, hidden).await.unwrap()
}
