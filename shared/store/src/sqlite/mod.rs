//! The engine of the local desk: the tables and the queues in one SQLite file.
//!
//! One thread writes, with group commit (`writer`); reads go to a few connections of their own (`readers`), which
//! WAL lets see everything that was acknowledged before. An acknowledged write is on the disk.

mod changes;
mod item;
mod lanes;
mod objects;
mod open;
mod queue;
mod readers;
mod table;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::params;
use tokio::sync::Notify;

pub use self::changes::SqliteChanges;
pub use self::objects::SqliteObjects;
pub use self::open::OpenError;
pub use self::queue::{SqliteQueue, dead_letters_of};
use self::readers::Readers;
pub use self::table::SqliteTable;
use self::writer::Writer;
use crate::environment::Environment;
use crate::queue::QueueError;
use crate::table::TableError;

/// The tables of a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableName {
    /// What must never be lost, with a change feed.
    Main,
    /// What can be rebuilt or forgotten.
    Index,
}

impl TableName {
    const fn number(self) -> u8 {
        match self {
            Self::Main => 0,
            Self::Index => 1,
        }
    }
}

/// An open file. Cheap to clone; closed when the last clone, table and queue of it are gone.
#[derive(Clone)]
pub struct Sqlite {
    shared: Arc<Shared>,
}

/// The order matters: readers close first, so that the writer, closing last, folds the log into the file.
struct Shared {
    readers: Readers,
    writer: Writer,
    environment: Arc<dyn Environment>,
    /// What the sort keys begin with of which insertions are told.
    fed: &'static [&'static str],
    /// Awakes who waits for changes of the main table.
    changes: Arc<Notify>,
    /// Awakes who waits for messages, by queue.
    arrivals: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Sqlite {
    /// Opens a file, or makes it in a folder that exists, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be opened or written, is something else, or was written by a newer version.
    pub fn open(path: &Path, environment: Arc<dyn Environment>) -> Result<Self, OpenError> {
        Self::open_feeding(path, environment, &[""])
    }

    /// The same, whose change feed tells only of items whose sort key begins with one of these, as the stream's filter
    /// does on AWS: what nobody reads is not written.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_feeding(
        path: &Path,
        environment: Arc<dyn Environment>,
        fed: &'static [&'static str],
    ) -> Result<Self, OpenError> {
        let connection = open::for_writing(path)?;
        let writer = Writer::start(connection)
            .map_err(|error| OpenError::Unopenable { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Self {
            shared: Arc::new(Shared {
                readers: Readers::new(path),
                writer,
                environment,
                fed,
                changes: Arc::default(),
                arrivals: Mutex::default(),
            }),
        })
    }

    /// One of its tables.
    pub fn table(&self, name: TableName) -> SqliteTable {
        SqliteTable::new(Arc::clone(&self.shared), name)
    }

    /// What is inserted into the main table.
    pub fn changes(&self) -> SqliteChanges {
        SqliteChanges::new(Arc::clone(&self.shared))
    }

    /// One of its queues, which comes into being with its first message. A name has one kind for ever.
    pub fn queue(&self, name: &str, fifo: bool) -> SqliteQueue {
        SqliteQueue::new(Arc::clone(&self.shared), name, fifo)
    }

    /// Its small objects.
    pub fn objects(&self) -> SqliteObjects {
        SqliteObjects::new(Arc::clone(&self.shared))
    }

    /// Why the latest change could not be stored; `None` when it was.
    pub fn trouble(&self) -> Option<String> {
        self.shared.writer.trouble()
    }

    /// Makes every message that is in hand or waits for its next try receivable at once, and counts that as no
    /// delivery: the process ended, and hardly ever because of that very message. For the case that it did, a message
    /// is given back so only a limited number of times, and travels alone from the first time on.
    ///
    /// For a process that has the file to itself and has just started: whoever had a message in hand is gone.
    ///
    /// # Errors
    /// When the file is unavailable.
    pub async fn release_all(&self) -> Result<(), QueueError> {
        let now = self.shared.environment.now().as_millisecond();
        self.shared
            .writer
            .run(None, move |connection| {
                // Saying "above 0" lets SQLite use the index of what was ever in hand.
                let hidden = "UPDATE messages \
                    SET visible_at = ?1, receives = receives - 1, interruptions = interruptions + 1 \
                    WHERE visible_at > 0 AND visible_at > ?1";
                connection.execute(hidden, [now])?;
                connection.execute("UPDATE lanes SET free_at = 0 WHERE free_at > ?1", [now])?;
                Ok(())
            })
            .await
    }

    /// Removes up to `limit` items of both tables whose `expires_at` has passed, and returns how many there were.
    ///
    /// # Errors
    /// When the file is unavailable.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, TableError> {
        let now = self.shared.environment.now().as_second();
        self.shared
            .writer
            .run(None, move |connection| {
                let mut purge = connection.prepare_cached(
                    "DELETE FROM items WHERE rowid IN \
                     (SELECT rowid FROM items WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
                )?;
                Ok(purge.execute(params![now, i64::try_from(limit).unwrap_or(i64::MAX)])?)
            })
            .await
    }
}

impl Shared {
    /// What awakes those who wait for messages of a queue.
    fn arrivals(&self, queue: &str) -> Arc<Notify> {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(arrivals.entry(queue.to_owned()).or_default())
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.shared.readers.path()).finish_non_exhaustive()
    }
}

/// An error of a port that can say that the engine did not answer.
trait Failure: From<rusqlite::Error> + Send + 'static {
    fn unavailable(reason: String) -> Self;

    /// Why the engine did not answer, if it did not.
    fn reason(&self) -> Option<&str>;
}

impl Failure for TableError {
    fn unavailable(reason: String) -> Self {
        Self::Unavailable(reason)
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Unavailable(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Failure for QueueError {
    fn unavailable(reason: String) -> Self {
        Self::Unavailable(reason)
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Unavailable(reason) => Some(reason),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for TableError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
