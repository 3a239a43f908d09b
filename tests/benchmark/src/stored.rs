//! What stands in a desk's database, read beside the desk.

use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// How long queues may take to become empty.
const PATIENCE: Duration = Duration::from_secs(300);

/// A database that is only read.
#[derive(Debug)]
pub struct Stored(Connection);

impl Stored {
    /// Opens it.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(database: &Path) -> io::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags).map_err(io::Error::other)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(io::Error::other)?;
        Ok(Self(connection))
    }

    /// The tickets.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn tickets(&self) -> io::Result<usize> {
        self.count("SELECT count(*) FROM items WHERE tbl = 0 AND pk >= 'T#' AND pk < 'T$' AND sk = '@'")
    }

    /// The messages of customers on tickets.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn messages(&self) -> io::Result<usize> {
        self.count(
            "SELECT count(*) FROM items WHERE tbl = 0 AND pk >= 'T#' AND pk < 'T$' AND sk > 'E#' \
             AND json_extract(body, '$.kind') = 'message_received'",
        )
    }

    /// All items of the main table: both keys, and the body with everything else.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn items(&self) -> io::Result<Vec<(String, String, Value)>> {
        let mut statement = self
            .0
            .prepare("SELECT pk, sk, body FROM items WHERE tbl = 0 ORDER BY pk, sk")
            .map_err(io::Error::other)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
            .map_err(io::Error::other)?;
        rows.map(|row| {
            let (pk, sk, body) = row.map_err(io::Error::other)?;
            Ok((pk, sk, serde_json::from_str(&body)?))
        })
        .collect()
    }

    /// What waits in a queue, in order: the groups and the bodies.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn queued(&self, queue: &str) -> io::Result<Vec<(String, String)>> {
        let mut statement = self
            .0
            .prepare("SELECT lane, body FROM messages WHERE queue = ?1 ORDER BY seq")
            .map_err(io::Error::other)?;
        let rows = statement.query_map([queue], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.map_err(io::Error::other)?.collect::<Result<_, _>>().map_err(io::Error::other)
    }

    /// Waits until nothing is in the inbound queue: everything that was acknowledged has its ticket.
    ///
    /// # Errors
    /// When that does not happen.
    pub fn await_routed(&self) -> io::Result<()> {
        self.await_none("SELECT EXISTS (SELECT 1 FROM lanes WHERE queue = 'inbound')")
    }

    /// Waits until nothing is left to do at all.
    ///
    /// # Errors
    /// When that does not happen.
    pub fn await_quiet(&self) -> io::Result<()> {
        self.await_none("SELECT EXISTS (SELECT 1 FROM lanes) OR EXISTS (SELECT 1 FROM changes)")
    }

    fn await_none(&self, sql: &str) -> io::Result<()> {
        let begun = Instant::now();
        while self.count(sql)? > 0 {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("the queues do not become empty"));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn count(&self, sql: &str) -> io::Result<usize> {
        let mut statement = self.0.prepare_cached(sql).map_err(io::Error::other)?;
        let count: i64 = statement.query_row([], |row| row.get(0)).map_err(io::Error::other)?;
        usize::try_from(count).map_err(io::Error::other)
    }
}
