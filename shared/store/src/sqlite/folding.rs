//! The thread that folds the log into the file, so that no commit has to wait for that.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::open;

/// How often the log is folded while there are commits.
const EVERY: Duration = Duration::from_millis(200);
/// From this many pages on, the log is long: 32 MB. It starts again from its beginning only when all of it is folded at
/// some moment, and while commits follow each other closely only the writer can find such a moment.
const LONG: i64 = 8192;

/// What the writer and the thread tell each other.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Counts commits.
    pub(super) commits: AtomicU64,
    /// Whether the writer shall fold what is left.
    pub(super) long: AtomicBool,
}

/// The thread. Dropping it ends it.
pub(super) struct Folding {
    /// `None` only while dropped.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    /// Starts the thread for a file that is open already.
    pub(super) fn start(path: &Path, log: Arc<Log>) -> Result<Self, String> {
        let connection = open::for_folding(path).map_err(|error| error.to_string())?;
        let (end, ended) = channel();
        let work = move || {
            let (mut folded, mut failing) = (0, false);
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let commits = log.commits.load(Ordering::Relaxed);
                if commits == folded {
                    continue;
                }
                match fold(&connection) {
                    Ok(pages) => {
                        (folded, failing) = (commits, false);
                        log.long.store(pages > LONG, Ordering::Relaxed);
                    }
                    // The log grows until it cannot, and then commits fail, which is told louder.
                    Err(error) if !failing => {
                        failing = true;
                        tracing::warn!(%error, "the database's log could not be folded into its file");
                    }
                    Err(_) => {}
                }
            }
        };
        let thread = thread::Builder::new().name("sqlite-folding".to_owned()).spawn(work);
        Ok(Self { end: Some(end), thread: Some(thread.map_err(|error| error.to_string())?) })
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that folds the log ended in a panic");
        }
    }
}

/// Folds as much of the log as nobody holds back, and returns how many pages it has.
pub(super) fn fold(connection: &Connection) -> rusqlite::Result<i64> {
    let mut fold = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    fold.query_row([], |row| row.get(1))
}
