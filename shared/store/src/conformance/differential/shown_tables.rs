//! Sequences that meet what tables do differently.

use std::future::Future;
use std::pin::Pin;

use chance::Chance;
use serde_json::{Value, json};

use super::answer::Answer;
use super::differences::{DIFFERENCES, Shown};
use super::log::{Log, Place};
use super::tables::{insist, race, read};
use super::{Engine, sleep};
use crate::table::{Condition, Index, Item, Key, Query, Table, Write};

/// How often something is tried that happens by chance.
const TRIES: usize = 300;

/// A table and SQLite's, of which a sequence uses keys that begin with `prefix`, which must be fresh.
pub struct Tables<'a> {
    /// The engine's.
    pub one: &'a dyn Table,
    /// SQLite's.
    pub sqlite: &'a dyn Table,
    /// What keys begin with.
    pub prefix: &'a str,
    log: &'a Log,
    name: &'static str,
}

pub(super) type Sequence<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the sequence of each difference that the engine's table has from SQLite's, and returns how many there are.
///
/// # Panics
/// When one is not met, or something else is.
pub async fn tables_differ(engine: Engine, one: &dyn Table, sqlite: &dyn Table, prefix: &str) -> usize {
    let mut shown = 0;
    for (number, difference) in DIFFERENCES.iter().enumerate() {
        let (sequence, sure) = match difference.shown {
            Shown::Tables(sequence) => (sequence, true),
            Shown::Perhaps(engines, sequence) => (sequence, !engines.contains(&engine)),
            Shown::Queues(..) => continue,
        };
        if difference.engines.contains(&engine) {
            let (log, name) = (&Log::new(engine), difference.name);
            let prefix = &format!("{prefix}{number}-");
            sequence(&Tables { one, sqlite, prefix, log, name }).await;
            assert!(!sure || log.times(name) > 0, "{engine:?} and SQLite do not differ in {name} any more");
            shown += usize::from(sure);
        }
    }
    shown
}

impl Tables<'_> {
    fn key(&self, sk: &str) -> Key {
        Key::new(format!("{}p", self.prefix), sk)
    }

    fn item(&self, sk: &str, body: &Value) -> Item {
        Item::new(self.key(sk), body).unwrap()
    }

    fn place(&self) -> Place<'_> {
        Place { seed: 0, step: 0, what: &self.name }
    }

    fn met(&self) -> bool {
        self.log.times(self.name) > 0
    }

    /// Writes to both.
    async fn write(&self, writes: &[Write]) {
        let expected = Answer::Done(self.sqlite.write(writes.to_vec()).await);
        let ask = async || Answer::Done(insist(self.log, self.one, writes).await);
        self.log.same(&self.place(), ask, &expected, sleep).await;
    }

    async fn put(&self, item: Item) {
        self.write(&[Write::Put(item, Condition::Any)]).await;
    }

    async fn read(&self, keys: &[Key]) {
        read(self.log, &self.place(), self.one, self.sqlite, keys).await;
    }

    async fn increment(&self, key: &Key) {
        let expected = Answer::Sum(self.sqlite.increment(key).await);
        let ask = async || Answer::Sum(self.one.increment(key).await);
        self.log.same(&self.place(), ask, &expected, sleep).await;
    }

    /// Makes two random transactions at once, until the difference is met.
    async fn races(&self) {
        let mut chance = Chance::new(1);
        for step in 0..TRIES {
            if !self.met() {
                race(self.log, self.one, self.sqlite, self.prefix, (1, step), &mut chance).await;
            }
        }
    }
}

pub(super) async fn words(tables: &Tables<'_>) {
    tables.put(tables.item("a", &json!({"value": "seven"}))).await;
    tables.increment(&tables.key("a")).await;
}

pub(super) async fn order_of_many(tables: &Tables<'_>) {
    let keys: Vec<Key> = (10..30).map(|number| tables.key(&number.to_string())).collect();
    let item = |key: &Key| Write::Put(Item::new(key.clone(), &json!({})).unwrap(), Condition::Any);
    tables.write(&keys.iter().map(item).collect::<Vec<_>>()).await;
    for _ in 0..TRIES {
        if !tables.met() {
            tables.read(&keys).await;
        }
    }
}

pub(super) async fn points(tables: &Tables<'_>) {
    tables.put(tables.item("a", &json!({"point": [1.0, {"in": -2.0}]}))).await;
    tables.read(&[tables.key("a")]).await;
}

pub(super) async fn lag(tables: &Tables<'_>) {
    let partition = format!("{}in", tables.prefix);
    for number in 0..TRIES {
        if tables.met() {
            return;
        }
        let mut item = tables.item(&number.to_string(), &json!({}));
        item.due = Some(Key::new(partition.clone(), number.to_string()));
        tables.put(item).await;
        let query = Query::partition(partition.clone()).index(Index::Due);
        let expected = Answer::IndexPage(tables.sqlite.query(query.clone()).await);
        let ask = async || Answer::IndexPage(tables.one.query(query.clone()).await);
        tables.log.same(&tables.place(), ask, &expected, sleep).await;
    }
}

pub(super) async fn conflict(tables: &Tables<'_>) {
    tables.races().await;
}

pub(super) async fn race_order(tables: &Tables<'_>) {
    tables.races().await;
}

/// Just small enough as its items are counted.
pub(super) async fn largest_transaction(tables: &Tables<'_>) {
    let text = "x".repeat(381_200);
    let item = |number: usize| tables.item(&number.to_string(), &json!({"text": text}));
    tables.write(&(0..11).map(|number| Write::Put(item(number), Condition::Any)).collect::<Vec<_>>()).await;
}
