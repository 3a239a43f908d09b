//! The contract of a table: get, query, an all-or-nothing conditional write, a counter, a change feed.
//!
//! The semantics are DynamoDB's, narrowed to what Lambdesk needs; every engine passes the suite in
//! `conformance`. Limits hold on every engine, so that nothing works locally and fails on AWS.

pub mod limits;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The most writes of one transaction.
pub const MAX_WRITES: usize = 100;
/// The largest item, in bytes of attribute names and values.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;
/// The largest transaction, in bytes of its items.
pub const MAX_TRANSACTION_BYTES: usize = 4 * 1024 * 1024;
/// What the `views` index carries besides keys. Queries on that index return these attributes only.
pub const VIEWS_PROJECTION: [&str; 16] = [
    "id",
    "number",
    "revision",
    "subject",
    "status",
    "priority",
    "team",
    "assignee",
    "tags",
    "contact",
    "thread",
    "class",
    "created_at",
    "updated_at",
    "waiting_since",
    "sla",
];

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition.
    pub pk: String,
    /// The place in the partition; items of a partition are sorted by its bytes.
    pub sk: String,
}

impl Key {
    /// Makes a key.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// An item of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its primary key.
    pub key: Key,
    /// Its place in the `views` index, if any.
    pub views: Option<Key>,
    /// Its place in the `due` index, if any.
    pub due: Option<Key>,
    /// When it may be forgotten, in seconds since 1970. Expired items may still be returned for a while.
    pub expires_at: Option<i64>,
    /// Its attributes. The names `pk`, `sk`, `views_pk`, `views_sk`, `due_pk`, `due_sk` and `expires_at` are taken.
    pub body: Map<String, Value>,
}

impl Item {
    /// An item outside all indexes whose attributes are the fields of `body`.
    ///
    /// # Errors
    /// When `body` does not serialise to an object.
    pub fn new<T: Serialize>(key: Key, body: &T) -> Result<Self, TableError> {
        match serde_json::to_value(body) {
            Ok(Value::Object(body)) => Ok(Self { key, views: None, due: None, expires_at: None, body }),
            Ok(_) => Err(TableError::Invalid("an item's body must be an object".to_owned())),
            Err(error) => Err(TableError::Invalid(error.to_string())),
        }
    }

    /// The attributes as `T`.
    ///
    /// # Errors
    /// When they do not fit, with the place.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, TableError> {
        let key = self.key;
        serde_json::from_value(Value::Object(self.body))
            .map_err(|error| TableError::Invalid(format!("item {} / {}: {error}", key.pk, key.sk)))
    }
}

/// What must hold of the stored item for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// There is no item under the key.
    Absent,
    /// There is an item, and its attribute `version` is this number.
    Version(u64),
}

/// One write of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Puts an item, in place of the one that is there.
    Put(Item, Condition),
    /// Removes an item, if it is there.
    Delete(Key, Condition),
}

impl Write {
    /// The key that is written.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(item, _) => &item.key,
            Self::Delete(key, _) => key,
        }
    }
}

/// Why a table did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Conditions did not hold; nothing was written. The positions of the writes whose condition failed.
    #[error("the conditions of writes {0:?} do not hold")]
    ConditionFailed(Vec<usize>),
    /// Another transaction on the same items was under way; nothing was written. Worth another try.
    #[error("another transaction is writing the same items")]
    Conflict,
    /// The engine is overloaded, unreachable or full. Whether the write happened is unknown.
    #[error("the table is unavailable: {0}")]
    Unavailable(String),
    /// The request can never succeed: too large, malformed, or an item that does not have the expected form.
    #[error("invalid: {0}")]
    Invalid(String),
}

impl TableError {
    /// Whether the same request may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable(_))
    }
}

/// Which order of a table a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// The table itself, strongly consistent.
    Primary,
    /// By [`Item::views`], eventually consistent, with [`VIEWS_PROJECTION`] only.
    Views,
    /// By [`Item::due`], eventually consistent, with keys only.
    Due,
}

/// A read of neighbouring items of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The order to read in.
    pub index: Index,
    /// The partition of that order.
    pub partition: String,
    /// The lowest sort key, inclusive.
    pub from: Option<String>,
    /// The highest sort key, inclusive.
    pub to: Option<String>,
    /// Where an earlier page ended: only items beyond this sort key, in the direction of reading.
    pub after: Option<String>,
    /// Highest first.
    pub descending: bool,
    /// The most items to return; at least 1.
    pub limit: usize,
}

impl Query {
    /// Reads a whole partition of the table, lowest first, up to 100 items.
    pub fn partition(partition: impl Into<String>) -> Self {
        Self {
            index: Index::Primary,
            partition: partition.into(),
            from: None,
            to: None,
            after: None,
            descending: false,
            limit: 100,
        }
    }

    /// Only sort keys that begin with `prefix`.
    #[must_use]
    pub fn begins_with(mut self, prefix: &str) -> Self {
        self.from = Some(prefix.to_owned());
        self.to = Some(format!("{prefix}{}", char::MAX));
        self
    }

    /// In another order.
    #[must_use]
    pub const fn index(mut self, index: Index) -> Self {
        self.index = index;
        self
    }

    /// Only sort keys up to this one, inclusive.
    #[must_use]
    pub fn to(mut self, to: impl Into<String>) -> Self {
        self.to = Some(to.into());
        self
    }

    /// Only items beyond this sort key, in the direction of reading.
    #[must_use]
    pub fn after(mut self, after: Option<String>) -> Self {
        self.after = after;
        self
    }

    /// Highest first.
    #[must_use]
    pub const fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most this many items.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Item>,
    /// Whether there are more beyond the last one.
    pub more: bool,
}

/// A table.
#[async_trait]
pub trait Table: Send + Sync + 'static {
    /// The item under a key, strongly consistent.
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError>;

    /// Items under several keys, strongly consistent, in any order; absent ones are left out. At most 100 keys.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError>;

    /// Neighbouring items of one partition.
    async fn query(&self, query: Query) -> Result<Page, TableError>;

    /// Writes all or nothing. At most [`MAX_WRITES`], no two of one key.
    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError>;

    /// Adds 1 to the number `value` of the item under a key, which is made if absent, and returns the sum.
    async fn increment(&self, key: &Key) -> Result<u64, TableError>;
}

/// One item that was inserted, as the change feed tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inserted {
    /// Its position in the feed.
    pub position: String,
    /// The item as it was inserted.
    pub item: Item,
}

/// What was inserted into a table, in order, at least once.
///
/// On AWS the stream calls the relay by itself; engines that must be asked implement this.
#[async_trait]
pub trait ChangeFeed: Send + Sync + 'static {
    /// The oldest insertions that were not yet [acknowledged](ChangeFeed::acknowledge).
    async fn inserted(&self, limit: usize) -> Result<Vec<Inserted>, TableError>;

    /// Forgets everything up to and including a position.
    async fn acknowledge(&self, position: &str) -> Result<(), TableError>;
}
