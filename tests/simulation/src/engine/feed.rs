//! One shard of a table's stream.

use async_trait::async_trait;
use store::table::{ChangeFeed, Inserted, TableError};

use super::MemoryTable;

/// What is inserted into one shard of a table, in order, until it is acknowledged.
#[derive(Clone)]
pub struct MemoryFeed {
    table: MemoryTable,
    shard: usize,
}

impl MemoryFeed {
    pub(super) fn new(table: MemoryTable, shard: usize) -> Self {
        Self { table, shard }
    }

    /// Whether there is nothing that was not acknowledged.
    pub fn is_empty(&self) -> bool {
        self.table.shared.state().inserted.get(self.shard).is_none_or(Vec::is_empty)
    }

    /// Waits until there is something.
    pub async fn ready(&self) {
        loop {
            let changed = self.table.shared.changed.notified();
            if !self.is_empty() {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl ChangeFeed for MemoryFeed {
    async fn inserted(&self, limit: usize) -> Result<Vec<Inserted>, TableError> {
        let state = self.table.shared.state();
        Ok(state
            .inserted
            .get(self.shard)
            .map(|all| all.iter().take(limit).cloned().collect())
            .unwrap_or_default())
    }

    async fn acknowledge(&self, position: &str) -> Result<(), TableError> {
        if position.parse::<u64>().is_err() {
            return Err(TableError::Invalid(format!("`{position}` is no position")));
        }
        if let Some(all) = self.table.shared.state().inserted.get_mut(self.shard) {
            // Positions have one length, so their text order is their order.
            all.retain(|one| one.position.as_str() > position);
        }
        Ok(())
    }
}
