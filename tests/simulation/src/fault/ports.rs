//! Tables and queues as functions see them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store::queue::{Depth, Message, Outgoing, Queue, QueueError};
use store::table::{Item, Key, Page, Query, Table, TableError, Write};

use super::{Fate, Faults, Port};
use crate::engine::{MemoryQueue, MemoryTable};

/// A table whose reads and writes may be struck.
pub struct FaultyTable {
    name: &'static str,
    table: MemoryTable,
    faults: Arc<Faults>,
}

impl FaultyTable {
    /// Strikes a table.
    pub fn new(name: &'static str, table: MemoryTable, faults: Arc<Faults>) -> Self {
        Self { name, table, faults }
    }

    fn readable<'k>(
        &self,
        what: &str,
        mut partitions: impl Iterator<Item = &'k String>,
    ) -> Result<(), TableError> {
        if self.faults.unreadable(port(&mut partitions), what) {
            return Err(TableError::Unavailable("struck".to_owned()));
        }
        Ok(())
    }
}

/// What is read or written by these partitions.
fn port<'k>(partitions: &mut impl Iterator<Item = &'k String>) -> Port {
    if partitions.any(|partition| partition.starts_with("M#")) { Port::Messages } else { Port::Table }
}

#[async_trait]
impl Table for FaultyTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.readable("get", std::iter::once(&key.pk))?;
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.readable("get_many", keys.iter().map(|key| &key.pk))?;
        self.table.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        self.readable("query", std::iter::once(&query.partition))?;
        self.table.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let keys: Vec<String> =
            writes.iter().map(|write| format!("{}/{}", write.key().pk, write.key().sk)).collect();
        let what = format!("{} write {}", self.name, keys.join(", "));
        let port = port(&mut writes.iter().map(|write| &write.key().pk));
        let table = self.table.clone();
        self.faults.effect(port, &what, table_error, async move { table.write(writes).await }).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        let what = format!("{} increment {}", self.name, key.pk);
        let (table, key) = (self.table.clone(), key.clone());
        self.faults.effect(Port::Table, &what, table_error, async move { table.increment(&key).await }).await
    }
}

fn table_error(fate: &Fate) -> TableError {
    match fate {
        Fate::Conflict => TableError::Conflict,
        fate => TableError::Unavailable(fate.word().to_owned()),
    }
}

/// A queue whose requests may be struck.
pub struct FaultyQueue {
    queue: MemoryQueue,
    faults: Arc<Faults>,
}

impl FaultyQueue {
    /// Strikes a queue.
    pub fn new(queue: MemoryQueue, faults: Arc<Faults>) -> Self {
        Self { queue, faults }
    }

    fn readable(&self, what: &str) -> Result<(), QueueError> {
        if self.faults.unreadable(Port::Queue, what) {
            return Err(QueueError::Unavailable("struck".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let what = format!("{} send {}", self.queue.name(), messages.len());
        let queue = self.queue.clone();
        self.faults.effect(Port::Queue, &what, queue_error, async move { queue.send(messages).await }).await
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        self.readable("receive")?;
        self.queue.receive(limit, visibility).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let what = format!("{} delete {receipt}", self.queue.name());
        let (queue, receipt) = (self.queue.clone(), receipt.to_owned());
        self.faults.effect(Port::Queue, &what, queue_error, async move { queue.delete(&receipt).await }).await
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let what = format!("{} release {receipt} after {after:?}", self.queue.name());
        let (queue, receipt) = (self.queue.clone(), receipt.to_owned());
        let release = async move { queue.release(&receipt, after).await };
        self.faults.effect(Port::Queue, &what, queue_error, release).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        self.readable("depth")?;
        self.queue.depth().await
    }
}

fn queue_error(fate: &Fate) -> QueueError {
    QueueError::Unavailable(fate.word().to_owned())
}
