//! [`SmallObjects`] on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{OptionalExtension, params};

use super::{Failure, Shared};
use crate::blobs::{BlobError, SmallObjects};

/// The small objects of the file.
#[derive(Clone)]
pub struct SqliteObjects {
    shared: Arc<Shared>,
}

impl SqliteObjects {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl SmallObjects for SqliteObjects {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        let key = key.to_owned();
        self.shared
            .writer
            .run(None, move |connection| {
                connection
                    .prepare_cached(
                        "INSERT INTO objects (key, bytes) VALUES (?1, ?2) \
                         ON CONFLICT DO UPDATE SET bytes = excluded.bytes WHERE bytes != excluded.bytes",
                    )?
                    .execute(params![key, &*bytes])?;
                Ok(())
            })
            .await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        let key = key.to_owned();
        self.shared
            .readers
            .run_here(move |connection| {
                let bytes: Option<Vec<u8>> = connection
                    .prepare_cached("SELECT bytes FROM objects WHERE key = ?1")?
                    .query_row([key], |row| row.get(0))
                    .optional()?;
                Ok(bytes.map(Bytes::from))
            })
            .await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, BlobError> {
        let key = key.to_owned();
        self.shared
            .readers
            .run(move |connection| {
                let size: Option<i64> = connection
                    .prepare_cached("SELECT length(bytes) FROM objects WHERE key = ?1")?
                    .query_row([key], |row| row.get(0))
                    .optional()?;
                Ok(size.map(i64::cast_unsigned))
            })
            .await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let key = key.to_owned();
        self.shared
            .writer
            .run(None, move |connection| {
                connection.prepare_cached("DELETE FROM objects WHERE key = ?1")?.execute([&key])?;
                Ok(())
            })
            .await
    }
}

impl Failure for BlobError {
    fn unavailable(reason: String) -> Self {
        Self::Unavailable(reason)
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Unavailable(reason) => Some(reason),
            Self::Missing(_) => None,
        }
    }
}

impl From<rusqlite::Error> for BlobError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
