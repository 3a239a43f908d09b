//! [`ChangeFeed`] on SQLite: a row per insertion, written in the same transaction, kept until acknowledged.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params_from_iter};

use super::Shared;
use super::item::{self, COLUMNS, Columns};
use crate::table::{ChangeFeed, Inserted, TableError};

/// What is inserted into the main table.
#[derive(Clone)]
pub struct SqliteChanges {
    shared: Arc<Shared>,
}

impl SqliteChanges {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Waits until there is something unacknowledged, or the table is written to, at most for `timeout`.
    ///
    /// Returns at once as long as something is unacknowledged: who cannot handle it yet pauses by itself.
    ///
    /// # Errors
    /// When the file is unavailable.
    pub async fn wait(&self, timeout: Duration) -> Result<(), TableError> {
        // Listens before it looks, so that nothing slips through between.
        let mut written = pin!(self.shared.changes.notified());
        written.as_mut().enable();
        let waiting = self
            .shared
            .readers
            .run(|connection| {
                let mut exists = connection.prepare_cached("SELECT 1 FROM changes LIMIT 1")?;
                Ok::<_, TableError>(exists.exists([])?)
            })
            .await?;
        if !waiting {
            // A timeout is as good an answer: the caller looks again.
            let _timeout = tokio::time::timeout(timeout, written).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ChangeFeed for SqliteChanges {
    async fn inserted(&self, limit: usize) -> Result<Vec<Inserted>, TableError> {
        self.shared
            .readers
            .run(move |connection| {
                let mut select = connection.prepare_cached(&format!(
                    "SELECT {COLUMNS}, position FROM changes ORDER BY position LIMIT ?1"
                ))?;
                let rows = select.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    let position: i64 = row.get(8)?;
                    Ok(Inserted { position: position.to_string(), item: item::read(row)? })
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    async fn acknowledge(&self, position: &str) -> Result<(), TableError> {
        let position: i64 = position
            .parse()
            .map_err(|_| TableError::Invalid(format!("`{position}` is no position of this feed")))?;
        self.shared
            .writer
            .run(None, move |connection| {
                connection.prepare_cached("DELETE FROM changes WHERE position <= ?1")?.execute([position])?;
                Ok(())
            })
            .await
    }
}

/// Records an insertion.
pub(super) fn record(connection: &Connection, columns: &Columns) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!("INSERT INTO changes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?
        .execute(params_from_iter(columns.params()))?;
    Ok(())
}
