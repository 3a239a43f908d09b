//! A table that counts what DynamoDB would be asked, and what that costs there.
//!
//! Each call of the port is one request of the adapter (`shared/lambda`): a get is `GetItem`, strongly consistent; a
//! query is `Query`; a conditional write is `TransactWriteItems`, whose items cost twice; a single unconditional one is
//! `PutItem` or `DeleteItem`; a counter is `UpdateItem`. A write costs a unit for each kilobyte of the item, before or
//! after it, whichever is larger. An index costs a unit for each kilobyte that it takes up or gives up, and an entry that
//! moves does both.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use store::table::limits::item_bytes;
use store::table::{Condition, Index, Item, Key, Page, Query, Table, TableError, Write};

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Requests that read, one item or neighbours.
    pub reads: usize,
    /// Requests that write: transactions, single writes and counters.
    pub writes: usize,
    /// The items of each transaction.
    pub transactions: Vec<usize>,
    /// Request units of reading.
    pub read_units: f64,
    /// Request units of writing.
    pub write_units: usize,
}

impl Asked {
    /// All requests.
    pub fn calls(&self) -> usize {
        self.reads + self.writes
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.reads += other.reads;
        self.writes += other.writes;
        self.transactions.extend(other.transactions);
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self
    }
}

/// Counts, and hands on.
#[derive(Debug, Clone)]
pub struct Counting<T> {
    table: T,
    asked: Arc<Mutex<Asked>>,
}

impl<T: Table> Counting<T> {
    /// Counts what is asked of `table`.
    pub fn new(table: T) -> Self {
        Self { table, asked: Arc::default() }
    }

    /// What was asked since the last time, and forgets it.
    pub fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: impl FnOnce(&mut Asked)) {
        note(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The units of a write of one item, each of whose kilobytes costs so much in the table itself.
    async fn units(&self, write: &Write, price: usize) -> Result<usize, TableError> {
        let before = self.table.get(write.key()).await?;
        let (before, after) = (before.as_ref(), written(write));
        let kilobytes = before.larger(after);
        let moved = |before: Option<&Key>, after: Option<&Key>| match (before, after) {
            (None, None) => 0,
            (Some(before), Some(after)) if before != after => 2,
            _ => 1,
        };
        let views = |item: Option<&Item>| item.and_then(|item| item.views.clone());
        let due = |item: Option<&Item>| item.and_then(|item| item.due.clone());
        // The views show a part of the item, and what is due shows its keys alone.
        let views = moved(views(before).as_ref(), views(after).as_ref()) * kilobytes;
        Ok(price * kilobytes + views + moved(due(before).as_ref(), due(after).as_ref()))
    }
}

/// The item as it is after a write.
const fn written(write: &Write) -> Option<&Item> {
    match write {
        Write::Put(item, _) => Some(item),
        Write::Delete(..) => None,
    }
}

trait Larger {
    /// The kilobytes of the larger of two items, at least one.
    fn larger(self, other: Option<&Item>) -> usize;
}

impl Larger for Option<&Item> {
    fn larger(self, other: Option<&Item>) -> usize {
        [self, other].into_iter().flatten().map(|item| item_bytes(item).div_ceil(1024)).max().unwrap_or(1)
    }
}

/// Units of reading that many bytes in one request, strongly consistent.
fn read_units(bytes: usize) -> f64 {
    bytes.div_ceil(4096).max(1) as f64
}

#[async_trait]
impl<T: Table> Table for Counting<T> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let found = self.table.get(key).await?;
        let units = read_units(found.as_ref().map_or(0, item_bytes));
        self.note(|asked| {
            asked.reads += 1;
            asked.read_units += units;
        });
        Ok(found)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        let found = self.table.get_many(keys).await?;
        let missing = keys.len().saturating_sub(found.len());
        let units = found.iter().map(|item| read_units(item_bytes(item))).sum::<f64>() + missing as f64;
        self.note(|asked| {
            asked.reads += usize::from(!keys.is_empty());
            asked.read_units += units;
        });
        Ok(found)
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        // An index can only be read with eventual consistency, which costs half.
        let price = if query.index == Index::Primary { 1.0 } else { 0.5 };
        let page = self.table.query(query).await?;
        let units = read_units(page.items.iter().map(item_bytes).sum()) * price;
        self.note(|asked| {
            asked.reads += 1;
            asked.read_units += units;
        });
        Ok(page)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let single =
            matches!(writes.as_slice(), [Write::Put(_, Condition::Any) | Write::Delete(_, Condition::Any)]);
        let mut units = 0;
        for write in &writes {
            units += self.units(write, if single { 1 } else { 2 }).await?;
        }
        self.note(|asked| {
            asked.writes += 1;
            if !single {
                asked.transactions.push(writes.len());
            }
            asked.write_units += units;
        });
        self.table.write(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.note(|asked| {
            asked.writes += 1;
            asked.write_units += 1;
        });
        self.table.increment(key).await
    }
}
