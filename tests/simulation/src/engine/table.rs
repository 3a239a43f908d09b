//! A table with DynamoDB's semantics.

mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use store::table::limits::{check_key, check_keys, check_query, check_writes};
use store::table::{Condition, Index, Item, Key, Page, Query, Table, TableError, Write};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::state::State;
use super::index::Lagging;
use super::{MemoryFeed, Weather};

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
