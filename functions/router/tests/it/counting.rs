//! A table that counts what is asked of it, in DynamoDB's units.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use store::table::limits::item_bytes;
use store::table::{Index, Item, Key, Page, Query, Table, TableError, Write};

/// What was asked of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Single reads, strongly consistent.
    pub(crate) gets: usize,
    /// Queries of the table itself.
    pub(crate) queries: usize,
    /// Counters.
    pub(crate) increments: usize,
    /// The items of each transaction.
    pub(crate) transactions: Vec<usize>,
    /// Write units: two for each begun kilobyte of a transaction's item, and the indexes' own.
    pub(crate) write_units: usize,
}

/// Counts, and hands on.
#[derive(Clone)]
pub(crate) struct Counting<T> {
    table: T,
    asked: Arc<Mutex<Asked>>,
}

impl<T: Table> Counting<T> {
    pub(crate) fn new(table: T) -> Self {
        Self { table, asked: Arc::default() }
    }

    /// What was asked since the last time, and forgets it.
    pub(crate) fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The write units of an item's places in the indexes: an entry that moves is removed and put.
    async fn index_units(&self, item: &Item) -> usize {
        let before = self.table.get(&item.key).await.unwrap();
        let place = |before: Option<&Key>, after: Option<&Key>| match (before, after) {
            (None, None) => 0,
            (Some(before), Some(after)) if before != after => 2,
            _ => 1,
        };
        let before = before.as_ref();
        place(before.and_then(|item| item.views.as_ref()), item.views.as_ref())
            + place(before.and_then(|item| item.due.as_ref()), item.due.as_ref())
    }
}

/// The kilobytes that writing an item is counted as.
fn kilobytes(item: &Item) -> usize {
    item_bytes(item).div_ceil(1024)
}

#[async_trait]
impl<T: Table> Table for Counting<T> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.asked.lock().unwrap().gets += 1;
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.asked.lock().unwrap().gets += keys.len();
        self.table.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        if query.index == Index::Primary {
            self.asked.lock().unwrap().queries += 1;
        }
        self.table.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let mut units = 0;
        for write in &writes {
            if let Write::Put(item, _) = write {
                units += 2 * kilobytes(item) + self.index_units(item).await;
            }
        }
        {
            let mut asked = self.asked.lock().unwrap();
            asked.transactions.push(writes.len());
            asked.write_units += units;
        }
        self.table.write(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.asked.lock().unwrap().increments += 1;
        self.table.increment(key).await
    }
}
