//! Connections that only read, beside the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{Failure, open};

/// How many reads run at once.
const CONNECTIONS: usize = 4;

/// A few connections, opened when first needed.
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), free: Arc::new(Semaphore::new(CONNECTIONS)) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a read that takes less time than handing it to another thread would: on this thread, unless all connections
    /// are busy.
    pub(super) async fn run_here<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let Ok(_permit) = Arc::clone(&self.free).try_acquire_owned() else { return self.run(read).await };
        read_one(&self.idle, &self.path, read)
    }

    /// Runs a read on a thread that may block.
    pub(super) async fn run<T, E, F>(&self, read: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let free = Arc::clone(&self.free);
        let permit = free.acquire_owned().await.map_err(|closed| E::unavailable(closed.to_string()))?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let answer = tokio::task::spawn_blocking(move || {
            // Held here, since the read goes on even when nobody waits for it any more.
            let _permit = permit;
            read_one(&idle, &path, read)
        });
        answer.await.unwrap_or_else(|error| Err(E::unavailable(error.to_string())))
    }
}

fn read_one<T, E: Failure>(
    idle: &Mutex<Vec<Connection>>,
    path: &Path,
    read: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let connection = pooled.map_or_else(|| open::for_reading(path), Ok)?;
    let answer = read(&connection);
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    answer
}
