//! Random steps on two tables.

use chance::Chance;
use futures_util::future::join;

use super::answer::{Answer, Outcome, Race};
use super::log::{Log, Place};
use super::making::{Held, key, keys, query, writes};
use super::sleep;
use crate::conformance::PAUSE;
use crate::table::limits::check_writes;
use crate::table::{Condition, Index, Item, Key, Query, Table, TableError, Write};

/// What a [`Log`] counts transactions by whose conditions held.
pub(super) const HELD: &str = "transactions that were made";
/// What a [`Log`] counts transactions by of which a condition failed.
pub(super) const FAILED: &str = "transactions that were refused";

/// Makes `steps` random steps on a table and on SQLite's. Only keys that begin with `prefix` are used, which must be
/// fresh.
///
/// # Panics
/// At the first answer that differs in another way than is known.
pub async fn tables(log: &Log, one: &dyn Table, sqlite: &dyn Table, prefix: &str, seed: u64, steps: usize) {
    let mut chance = Chance::new(seed);
    let chance = &mut chance;
    for step in 0..steps {
        match chance.below(16) {
            0..=6 => {
                let keys = keys(prefix, chance);
                let writes = writes(keys.clone(), &held(sqlite, &keys).await, prefix, chance);
                let expected = Answer::Done(sqlite.write(writes.clone()).await);
                match &expected {
                    Answer::Done(Ok(())) => log.count(HELD),
                    Answer::Done(Err(TableError::ConditionFailed(_))) => log.count(FAILED),
                    _ => {}
                }
                let place = Place { seed, step, what: &writes };
                log.same(&place, async || Answer::Done(insist(log, one, &writes).await), &expected, sleep)
                    .await;
            }
            7 | 8 => race(log, one, sqlite, prefix, (seed, step), chance).await,
            9 => {
                let counter = Key::new(format!("{prefix}counter{}", chance.below(2)), "@");
                let key = if chance.once_in(2) { counter } else { key(prefix, chance) };
                let expected = Answer::Sum(sqlite.increment(&key).await);
                let place = Place { seed, step, what: &("increment", &key) };
                log.same(&place, async || Answer::Sum(one.increment(&key).await), &expected, sleep).await;
            }
            10 => {
                let mut keys: Vec<Key> = (0..=chance.below(30)).map(|_| key(prefix, chance)).collect();
                keys.extend(chance.once_in(20).then(|| Key::new("", "a")));
                let place = Place { seed, step, what: &("read", &keys) };
                read(log, &place, one, sqlite, &keys).await;
            }
            _ => pages(log, one, sqlite, query(prefix, chance), (seed, step)).await,
        }
    }
}

/// Reads several keys of both.
pub(super) async fn read(log: &Log, place: &Place<'_>, one: &dyn Table, sqlite: &dyn Table, keys: &[Key]) {
    let expected = Answer::Items(sqlite.get_many(keys).await);
    log.same(place, async || Answer::Items(one.get_many(keys).await), &expected, sleep).await;
}

/// Writes, again while other transactions are in the way, if that may be.
pub(super) async fn insist(log: &Log, table: &dyn Table, writes: &[Write]) -> Result<(), TableError> {
    loop {
        let answer = Answer::Done(table.write(writes.to_vec()).await);
        match answer {
            Answer::Done(Err(TableError::Conflict)) if log.may_wait(&answer, &Answer::Done(Ok(()))) => {
                sleep(PAUSE).await;
            }
            Answer::Done(done) => return done,
            _ => return Ok(()),
        }
    }
}

/// How many pages of a query are read.
const PAGES: usize = 5;

/// Reads a query's page, and some of those after it.
async fn pages(log: &Log, one: &dyn Table, sqlite: &dyn Table, mut query: Query, (seed, step): (u64, usize)) {
    let kind = if query.index == Index::Primary { Answer::Page } else { Answer::IndexPage };
    for _ in 0..PAGES {
        let expected = kind(sqlite.query(query.clone()).await);
        let place = Place { seed, step, what: &query };
        log.same(&place, async || kind(one.query(query.clone()).await), &expected, sleep).await;
        let (Answer::Page(Ok(page)) | Answer::IndexPage(Ok(page))) = expected else { return };
        let last = page.items.last().filter(|_| page.more);
        let Some(last) = last.map(|item| sort_key(item, query.index)) else { return };
        query = query.after(Some(last));
    }
}

fn sort_key(item: &Item, index: Index) -> String {
    let key = match index {
        Index::Primary => &item.key,
        Index::Views => item.views.as_ref().unwrap(),
        Index::Due => item.due.as_ref().unwrap(),
    };
    key.sk.clone()
}

/// Makes two transactions at once that meet on their keys. Whichever comes first, both tables hold the same afterwards.
pub(super) async fn race(
    log: &Log,
    one: &dyn Table,
    sqlite: &dyn Table,
    prefix: &str,
    (seed, step): (u64, usize),
    chance: &mut Chance,
) {
    let shared = key(prefix, chance);
    let mut touched = vec![shared.clone(), key(prefix, chance), key(prefix, chance)];
    touched.sort();
    touched.dedup();
    let before = held(sqlite, &touched).await;
    let mut transaction = || {
        let others = touched.iter().filter(|key| **key != shared && chance.once_in(2));
        let keys: Vec<Key> = others.chain([&shared]).cloned().collect();
        writes(keys, &before, prefix, chance)
    };
    let both = [transaction(), transaction()];
    let possible = [[0, 1], [1, 0]].map(|order| in_order(&both, order, &before));
    let run = async |table: &dyn Table| {
        let [first, second] = &both;
        let (first, second) = join(insist(log, table, first), insist(log, table, second)).await;
        let items = held(table, &touched).await.into_values().collect();
        Race { outcome: Outcome { answers: [first, second], items }, possible: possible.clone() }
    };
    let expected = Answer::Raced(Box::new(run(sqlite).await));
    let found = Answer::Raced(Box::new(run(one).await));
    let place = Place { seed, step, what: &both };
    log.same(&place, async || found.clone(), &expected, sleep).await;
    if let Answer::Raced(raced) = expected {
        align(log, one, &touched, &raced.outcome.items).await;
    }
}

/// What becomes of two transactions in an order.
fn in_order(both: &[Vec<Write>; 2], order: [usize; 2], before: &Held) -> Outcome {
    let mut held = before.clone();
    let mut answers = [Ok(()), Ok(())];
    for at in order {
        answers[at] = apply(&both[at], &mut held);
    }
    Outcome { answers, items: held.into_values().collect() }
}

/// What a transaction does.
fn apply(writes: &[Write], held: &mut Held) -> Result<(), TableError> {
    check_writes(writes)?;
    let holds = |write: &Write| {
        let found = held.get(write.key());
        let (Write::Put(_, condition) | Write::Delete(_, condition)) = write;
        match condition {
            Condition::Any => true,
            Condition::Absent => found.is_none(),
            Condition::Version(version) => found.is_some_and(|item| {
                item.body.get("version").and_then(|found| found.as_u64()) == Some(*version)
            }),
        }
    };
    let failed: Vec<usize> = (0..writes.len()).filter(|at| !holds(&writes[*at])).collect();
    if !failed.is_empty() {
        return Err(TableError::ConditionFailed(failed));
    }
    for write in writes {
        match write {
            Write::Put(item, _) => held.insert(item.key.clone(), item.clone()),
            Write::Delete(key, _) => held.remove(key),
        };
    }
    Ok(())
}

async fn held(table: &dyn Table, keys: &[Key]) -> Held {
    let mut known: Vec<Key> = keys.to_vec();
    known.sort();
    known.dedup();
    let items = table.get_many(&known).await.unwrap();
    items.into_iter().map(|item| (item.key.clone(), item)).collect()
}

/// Has a table hold these items, and no others under these keys.
async fn align(log: &Log, table: &dyn Table, keys: &[Key], items: &[Item]) {
    let write = |key: &Key| match items.iter().find(|item| item.key == *key) {
        Some(item) => Write::Put(item.clone(), Condition::Any),
        None => Write::Delete(key.clone(), Condition::Any),
    };
    let writes: Vec<Write> = keys.iter().map(write).collect();
    insist(log, table, &writes).await.unwrap();
}
