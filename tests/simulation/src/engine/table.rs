//! A table with DynamoDB's semantics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};
use store::table::limits::{check_key, check_keys, check_query, check_writes};
use store::table::{Condition, Index, Inserted, Item, Key, Page, Query, Table, TableError, Write};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::index::{Lagging, page};
use super::{MemoryFeed, Weather};
use crate::chance::hash;

/// What became of one item in a write.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The item before, if there was one.
    pub before: Option<&'a Item>,
    /// The item afterwards, if there still is one.
    pub after: Option<&'a Item>,
}

/// Looks at every write at the moment when it takes effect.
type Observer = dyn Fn(&[Change<'_>]) + Send + Sync;

/// A table in memory. Clones are the same table.
///
/// A request that was made is carried out even if whoever made it is gone. A transaction takes time, and another one
/// that meets it on an item is refused as a conflict, as DynamoDB does it. Indexes lag behind.
#[derive(Clone)]
pub struct MemoryTable {
    pub(super) shared: Arc<Shared>,
    weather: Weather,
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
    observer: Option<Box<Observer>>,
}

pub(super) struct State {
    items: BTreeMap<Key, Item>,
    views: Lagging,
    due: Lagging,
    /// Keys of transactions that are under way.
    under_way: BTreeSet<Key>,
    /// What was inserted and not yet acknowledged, by shard.
    pub(super) inserted: Vec<Vec<Inserted>>,
    positions: u64,
}

impl MemoryTable {
    /// An empty table.
    pub fn new(weather: Weather) -> Self {
        Self::with(weather, 1, None)
    }

    /// An empty table whose stream has so many shards, and all of whose writes are shown to somebody.
    pub fn with(weather: Weather, shards: usize, observer: Option<Box<Observer>>) -> Self {
        let state = State {
            items: BTreeMap::new(),
            views: Lagging::new(Index::Views),
            due: Lagging::new(Index::Due),
            under_way: BTreeSet::new(),
            inserted: vec![Vec::new(); shards.max(1)],
            positions: 0,
        };
        let shared = Shared { state: Mutex::new(state), changed: Notify::new(), observer };
        Self { shared: Arc::new(shared), weather }
    }

    /// What is inserted into one shard.
    pub fn feed(&self, shard: usize) -> MemoryFeed {
        MemoryFeed::new(self.clone(), shard)
    }

    /// All items as they stand, in the order of their keys.
    pub fn items(&self) -> Vec<Item> {
        self.shared.state().items.values().cloned().collect()
    }

    /// An item as it stands.
    pub fn item(&self, key: &Key) -> Option<Item> {
        self.shared.state().items.get(key).cloned()
    }

    /// The time part of the earliest place in the `due` index, as the table has it, among those of some partitions.
    pub fn next_due(&self, of: impl Fn(&str) -> bool) -> Option<String> {
        let state = self.shared.state();
        let due = state.items.values().filter_map(|item| item.due.as_ref());
        due.filter(|place| of(&place.pk))
            .filter_map(|place| place.sk.split('#').next())
            .min()
            .map(str::to_owned)
    }

    /// Deletes what has expired, as the service does it by itself, some time afterwards.
    pub fn expire(&self, now: Timestamp) {
        let mut state = self.shared.state();
        let expired =
            state.items.values().filter(|item| item.expires_at.is_some_and(|at| at <= now.as_second()));
        let deletes: Vec<Write> =
            expired.map(|item| Write::Delete(item.key.clone(), Condition::Any)).collect();
        if deletes.is_empty() {
            return;
        }
        let changes = state.apply(deletes, Instant::now());
        drop(state);
        self.shared.tell(&changes);
    }

    /// Waits until something is written.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// Carries a request out on the server's side, where it goes on without the caller.
    async fn serve<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, TableError>> + Send + 'static,
    ) -> Result<T, TableError> {
        let done = tokio::spawn(work).await;
        self.weather.travel().await;
        done.unwrap_or_else(|error| Err(TableError::Unavailable(error.to_string())))
    }

    async fn transaction(self, writes: Vec<Write>) -> Result<(), TableError> {
        self.weather.travel().await;
        {
            let mut state = self.shared.state();
            if writes.iter().any(|write| state.under_way.contains(write.key())) {
                return Err(TableError::Conflict);
            }
            state.under_way.extend(writes.iter().map(|write| write.key().clone()));
        }
        self.weather.work().await;
        let seen_at = Instant::now() + self.weather.lag();
        let mut state = self.shared.state();
        for write in &writes {
            state.under_way.remove(write.key());
        }
        state.refuse(&writes)?;
        let changes = state.apply(writes, seen_at);
        drop(state);
        self.shared.tell(&changes);
        Ok(())
    }

    async fn count(self, key: Key) -> Result<u64, TableError> {
        self.weather.travel().await;
        let seen_at = Instant::now() + self.weather.lag();
        let mut state = self.shared.state();
        if state.under_way.contains(&key) {
            return Err(TableError::Conflict);
        }
        let (sum, put) = state.increment(&key)?;
        let changes = state.apply(vec![Write::Put(put, Condition::Any)], seen_at);
        drop(state);
        self.shared.tell(&changes);
        Ok(sum)
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, changes: &[(Option<Item>, Option<Item>)]) {
        if let Some(observer) = &self.observer {
            let changes: Vec<Change<'_>> = changes
                .iter()
                .map(|(before, after)| Change { before: before.as_ref(), after: after.as_ref() })
                .collect();
            observer(&changes);
        }
        self.changed.notify_waiters();
    }
}

impl State {
    /// Fails with the positions of the writes whose condition does not hold.
    fn refuse(&self, writes: &[Write]) -> Result<(), TableError> {
        let holds = |write: &Write| {
            let found = self.items.get(write.key());
            let (Write::Put(_, condition) | Write::Delete(_, condition)) = write;
            match condition {
                Condition::Any => true,
                Condition::Absent => found.is_none(),
                Condition::Version(version) => found
                    .is_some_and(|item| item.body.get("version").and_then(Value::as_u64) == Some(*version)),
            }
        };
        let failed: Vec<usize> =
            writes.iter().enumerate().filter(|(_, write)| !holds(write)).map(|(at, _)| at).collect();
        if failed.is_empty() { Ok(()) } else { Err(TableError::ConditionFailed(failed)) }
    }

    fn apply(&mut self, writes: Vec<Write>, seen_at: Instant) -> Vec<(Option<Item>, Option<Item>)> {
        let mut changes = Vec::with_capacity(writes.len());
        for write in writes {
            let (key, after) = match write {
                Write::Put(item, _) => (item.key.clone(), Some(item)),
                Write::Delete(key, _) => (key, None),
            };
            let before = match &after {
                Some(item) => self.items.insert(key.clone(), item.clone()),
                None => self.items.remove(&key),
            };
            if let (None, Some(item)) = (&before, &after) {
                self.record(item.clone());
            }
            self.views.note(&key, after.as_ref(), seen_at);
            self.due.note(&key, after.as_ref(), seen_at);
            changes.push((before, after));
        }
        changes
    }

    /// Tells an insertion to the stream. Items of one partition stay in one shard, and so in order.
    fn record(&mut self, item: Item) {
        self.positions += 1;
        let shards = self.inserted.len().max(1) as u64;
        let shard = usize::try_from(hash(item.key.pk.as_bytes()) % shards).unwrap_or_default();
        let position = format!("{:012}", self.positions);
        if let Some(shard) = self.inserted.get_mut(shard) {
            shard.push(Inserted { position, item });
        }
    }

    fn increment(&self, key: &Key) -> Result<(u64, Item), TableError> {
        let mut item = self.items.get(key).cloned().unwrap_or_else(|| Item {
            key: key.clone(),
            views: None,
            due: None,
            expires_at: None,
            body: Map::new(),
        });
        let value = item.body.get("value").map_or(Some(0), Value::as_u64);
        let sum = value.and_then(|value| value.checked_add(1)).ok_or_else(|| {
            TableError::Invalid(format!("the item {} / {} is not a counter", key.pk, key.sk))
        })?;
        item.body.insert("value".to_owned(), sum.into());
        Ok((sum, item))
    }

    fn query(&mut self, query: &Query, now: Instant) -> Page {
        match query.index {
            Index::Views => self.views.query(query, now),
            Index::Due => self.due.query(query, now),
            Index::Primary => {
                let first = Key::new(query.partition.clone(), query.from.clone().unwrap_or_default());
                let last = Key::new(query.partition.clone(), query.to.clone().unwrap_or_default());
                let before_end =
                    |item: &Item| item.key.pk == query.partition && (query.to.is_none() || item.key <= last);
                let beyond = |sk: &String| {
                    query
                        .after
                        .as_ref()
                        .is_none_or(|after| if query.descending { sk < after } else { sk > after })
                };
                let covered: Vec<&Item> = self
                    .items
                    .range(first..)
                    .map(|(_, item)| item)
                    .take_while(|item| before_end(item))
                    .filter(|item| beyond(&item.key.sk))
                    .collect();
                page(covered.into_iter(), query)
            }
        }
    }
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        check_key(key)?;
        self.weather.travel().await;
        let found = self.item(key);
        self.weather.travel().await;
        Ok(found)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        check_keys(keys)?;
        self.weather.travel().await;
        let keys: BTreeSet<&Key> = keys.iter().collect();
        let found = {
            let state = self.shared.state();
            keys.into_iter().filter_map(|key| state.items.get(key).cloned()).collect()
        };
        self.weather.travel().await;
        Ok(found)
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        check_query(&query)?;
        self.weather.travel().await;
        let page = self.shared.state().query(&query, Instant::now());
        self.weather.travel().await;
        Ok(page)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        check_writes(&writes)?;
        self.serve(self.clone().transaction(writes)).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        check_key(key)?;
        self.serve(self.clone().count(key.clone())).await
    }
}
