//! The one thread that writes: all requests that are waiting become one transaction and one write to the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Failure;

/// The most requests of one transaction, and the most that wait for the next.
const BATCH: usize = 256;

/// The writing thread. Dropping it lets what was asked finish, and closes the file.
pub(super) struct Writer {
    /// `None` only while dropped.
    requests: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (requests, incoming) = mpsc::channel(BATCH);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(&connection, incoming))?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Does some work in a transaction and returns what came of it once that is on the disk, or undoes it if it fails.
    /// Then awakes who waits on `wake`.
    pub(super) async fn run<T, E, F>(&self, wake: Option<Arc<Notify>>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let gone = || E::unavailable("the writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let asked = Asked {
            work: Some(work),
            outcome: None,
            reply,
            wake,
        };
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(Box::new(asked)).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer ended in a panic");
        }
    }
}

/// Some work and who waits for it, whatever its types.
trait Request: Send {
    /// Does the work. Whether its changes are to stay.
    fn work(&mut self, connection: &Connection) -> bool;

    /// Tells what came of it, or why the whole transaction failed.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

struct Asked<T, E, F> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    wake: Option<Arc<Notify>>,
}

impl<T, E, F> Request for Asked<T, E, F>
where
    T: Send,
    E: Failure,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn work(&mut self, connection: &Connection) -> bool {
        self.outcome = self.work.take().map(|work| work(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let outcome = match (failure, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(reason), _) => Err(E::unavailable(reason.to_owned())),
            (None, None) => Err(E::unavailable("the request panicked".to_owned())),
        };
        if let (Some(wake), Ok(_)) = (self.wake, &outcome) {
            wake.notify_waiters();
        }
        // Who asked may have stopped waiting; what was done stays done.
        let _gone = self.reply.send(outcome);
    }
}

fn serve(connection: &Connection, mut incoming: mpsc::Receiver<Box<dyn Request>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while incoming.blocking_recv_many(&mut batch, BATCH) > 0 {
        let failure = commit(connection, &mut batch)
            .err()
            .map(|error| error.to_string());
        if let Some(reason) = &failure {
            tracing::error!(reason, requests = batch.len(), "a transaction failed");
        }
        for request in batch.drain(..) {
            request.answer(failure.as_deref());
        }
    }
}

fn commit(connection: &Connection, batch: &mut [Box<dyn Request>]) -> rusqlite::Result<()> {
    let done = execute(connection, "BEGIN IMMEDIATE")
        .and_then(|()| {
            batch
                .iter_mut()
                .try_for_each(|request| run(connection, request.as_mut()))
        })
        .and_then(|()| execute(connection, "COMMIT"));
    if done.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
    }
    done
}

/// Runs one request in a savepoint of its own, so that its failure undoes nothing of the others.
///
/// When the disk is full SQLite may have undone the whole transaction by itself; then there is no savepoint to end,
/// and the error fails the batch.
fn run(connection: &Connection, request: &mut dyn Request) -> rusqlite::Result<()> {
    execute(connection, "SAVEPOINT request")?;
    let stays = catch_unwind(AssertUnwindSafe(|| request.work(connection))).unwrap_or(false);
    if !stays {
        execute(connection, "ROLLBACK TO request")?;
    }
    execute(connection, "RELEASE request")
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
