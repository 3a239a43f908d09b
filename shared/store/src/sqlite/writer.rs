//! The one thread that writes: all requests that are waiting become one transaction and one write to the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
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
    trouble: Trouble,
}

/// Why the latest change is not on the disk, if it is not.
type Trouble = Arc<Mutex<Option<String>>>;

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (requests, incoming) = mpsc::channel(BATCH);
        let trouble = Trouble::default();
        let told = Arc::clone(&trouble);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(&connection, incoming, &told))?;
        Ok(Self { requests: Some(requests), thread: Some(thread), trouble })
    }

    /// Why the latest change is not on the disk, if it is not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does some work in a transaction and returns what came of it once that is on the disk, or undoes it if it fails.
    /// Then awakes who waits on `wake`. The work is done anew where others made its first transaction fail.
    pub(super) async fn run<T, E, F>(&self, wake: Option<Arc<Notify>>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
    {
        let gone = || E::unavailable("the writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let asked = Asked { work, outcome: None, reply, wake };
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
    /// Does the work, once more perhaps. Whether its changes are to stay.
    fn work(&mut self, connection: &Connection) -> bool;

    /// Forgets what came of the work.
    fn forget(&mut self);

    /// Why the engine did not do the work, if that is how it ended.
    fn trouble(&self) -> Option<String>;

    /// Tells what came of it, or why the whole transaction failed.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

struct Asked<T, E, F> {
    work: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    wake: Option<Arc<Notify>>,
}

impl<T, E, F> Request for Asked<T, E, F>
where
    T: Send,
    E: Failure,
    F: Fn(&Connection) -> Result<T, E> + Send,
{
    fn work(&mut self, connection: &Connection) -> bool {
        self.forget();
        self.outcome = Some((self.work)(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn forget(&mut self) {
        self.outcome = None;
    }

    fn trouble(&self) -> Option<String> {
        self.outcome.as_ref()?.as_ref().err()?.reason().map(str::to_owned)
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let outcome = match (failure, self.outcome) {
            (_, Some(Err(error))) => Err(error),
            (None, Some(Ok(done))) => Ok(done),
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

fn serve(connection: &Connection, mut incoming: mpsc::Receiver<Box<dyn Request>>, trouble: &Trouble) {
    let mut batch = Vec::with_capacity(BATCH);
    while incoming.blocking_recv_many(&mut batch, BATCH) > 0 {
        let before = connection.total_changes();
        match commit(connection, &mut batch) {
            Ok(()) => conclude(batch.drain(..), None, connection.total_changes() != before, trouble),
            Err(Failed::ToBegin(reason)) => conclude(batch.drain(..), Some(&reason), false, trouble),
            Err(Failed::Halfway(_)) => one_by_one(connection, &mut batch, trouble),
        }
    }
}

/// Gives each request a transaction of its own: what fails halfway takes its transaction with it.
fn one_by_one(connection: &Connection, batch: &mut Vec<Box<dyn Request>>, trouble: &Trouble) {
    // What they found in the first transaction was never so.
    batch.iter_mut().for_each(|request| request.forget());
    let mut left = batch.drain(..);
    while let Some(mut request) = left.next() {
        let before = connection.total_changes();
        let failed = commit(connection, std::slice::from_mut(&mut request)).err();
        let reason = failed.as_ref().map(Failed::reason);
        conclude([request], reason, connection.total_changes() != before, trouble);
        // Nobody waits for the file once for each of them.
        if let Some(Failed::ToBegin(reason)) = &failed {
            conclude(left, Some(reason), false, trouble);
            return;
        }
    }
}

/// How a transaction failed.
enum Failed {
    /// It could not even begin.
    ToBegin(String),
    /// While it was at work, or at its end.
    Halfway(String),
}

impl Failed {
    fn reason(&self) -> &str {
        match self {
            Self::ToBegin(reason) | Self::Halfway(reason) => reason,
        }
    }
}

/// Notes how a transaction ended, and tells those who wait for it.
fn conclude(
    requests: impl AsRef<[Box<dyn Request>]> + IntoIterator<Item = Box<dyn Request>>,
    failure: Option<&str>,
    changed: bool,
    trouble: &Trouble,
) {
    // A disk that is full may show in a statement, which tells it better, or in the commit.
    let told = requests.as_ref().iter().find_map(|request| request.trouble());
    let reason = told.or_else(|| failure.map(str::to_owned));
    // What changed nothing needed no disk, and proves nothing.
    if reason.is_some() || changed {
        let mut known = trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = reason.as_ref().filter(|_| reason != *known) {
            tracing::error!(reason, "changes could not be stored");
        }
        *known = reason;
    }
    for request in requests {
        request.answer(failure);
    }
}

/// Does all requests in one transaction, or none.
fn commit(connection: &Connection, batch: &mut [Box<dyn Request>]) -> Result<(), Failed> {
    let execute = |sql| execute(connection, sql).map_err(|error| error.to_string());
    execute("BEGIN IMMEDIATE").map_err(Failed::ToBegin)?;
    let done = batch
        .iter_mut()
        .try_for_each(|request| run(connection, request.as_mut()))
        .and_then(|()| execute("COMMIT"));
    if done.is_err() && !connection.is_autocommit() {
        execute("ROLLBACK").map_err(Failed::Halfway)?;
    }
    done.map_err(Failed::Halfway)
}

/// Does one request. One that refuses has only looked, and disturbs nobody; one that fails halfway is an error.
fn run(connection: &Connection, request: &mut dyn Request) -> Result<(), String> {
    let before = connection.total_changes();
    let stays = catch_unwind(AssertUnwindSafe(|| request.work(connection))).unwrap_or(false);
    // When the disk is full SQLite may have ended the whole transaction by itself.
    if connection.is_autocommit() || !stays && connection.total_changes() != before {
        return Err("a request failed halfway".to_owned());
    }
    Ok(())
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::TableError;

    fn writer(pages: Option<u32>) -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        if let Some(pages) = pages {
            connection.pragma_update(None, "max_page_count", pages).unwrap();
        }
        Writer::start(connection).unwrap()
    }

    async fn note(writer: &Writer, text: String) -> Result<(), TableError> {
        let insert = move |connection: &Connection| {
            connection.execute("INSERT INTO notes VALUES (?1)", [&text])?;
            Ok(())
        };
        writer.run(None, insert).await
    }

    async fn count(writer: &Writer) -> i64 {
        let count = |connection: &Connection| {
            Ok::<_, TableError>(connection.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?)
        };
        writer.run(None, count).await.unwrap()
    }

    #[tokio::test]
    async fn a_refused_request_undoes_only_itself() {
        let writer = writer(None);
        let refuse = |connection: &Connection| -> Result<(), TableError> {
            connection.execute("INSERT INTO notes VALUES ('refused')", [])?;
            Err(TableError::Conflict)
        };
        let (one, refused, other) = tokio::join!(
            note(&writer, "1".to_owned()),
            writer.run(None, refuse),
            note(&writer, "2".to_owned())
        );
        assert_eq!((one, refused, other), (Ok(()), Err(TableError::Conflict), Ok(())));
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_full_disk_fails_everyone_and_passes() {
        let writer = writer(Some(8));
        let large = "x".repeat(100_000);
        let (before, failed, after) = tokio::join!(
            note(&writer, "1".to_owned()),
            note(&writer, large.clone()),
            note(&writer, "2".to_owned())
        );
        assert!(matches!(failed, Err(TableError::Unavailable(_))), "{failed:?}");
        // Which others shared its transaction is chance; nothing is acknowledged and lost.
        let acknowledged = i64::from(before.is_ok()) + i64::from(after.is_ok());
        assert_eq!(count(&writer).await, acknowledged);

        assert!(note(&writer, large).await.is_err());
        // Counting needs no room, and says nothing about it.
        assert_eq!(count(&writer).await, acknowledged);
        let trouble = writer.trouble().unwrap();
        assert!(trouble.contains("full"), "{trouble}");
        assert_eq!(note(&writer, "3".to_owned()).await, Ok(()));
        assert_eq!(writer.trouble(), None);
        assert_eq!(count(&writer).await, acknowledged + 1);
    }

    #[tokio::test]
    async fn a_panic_hangs_nobody() {
        let writer = writer(None);
        let panicking = |connection: &Connection| -> Result<(), TableError> {
            connection.execute("INSERT INTO notes VALUES ('half done')", [])?;
            panic!("on purpose");
        };
        let (panicked, fine) = tokio::join!(writer.run(None, panicking), note(&writer, "1".to_owned()));
        assert!(matches!(panicked, Err(TableError::Unavailable(_))), "{panicked:?}");
        assert_eq!(fine, Ok(()));
        assert_eq!(count(&writer).await, 1);
    }

    #[test]
    fn what_was_found_in_an_undone_transaction_is_not_told() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        let alone = |connection: &Connection| -> Result<(), TableError> {
            let others: i64 = connection.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?;
            if others > 0 {
                return Err(TableError::ConditionFailed(vec![0]));
            }
            connection.execute("INSERT INTO notes VALUES ('alone')", [])?;
            Ok(())
        };
        // From here on no transaction can begin.
        let breaking = |connection: &Connection| -> Result<(), TableError> {
            connection.execute("INSERT INTO notes VALUES ('half')", [])?;
            connection.pragma_update(None, "query_only", "ON")?;
            Err(TableError::Unavailable("broken".to_owned()))
        };
        let (requests, incoming) = mpsc::channel::<Box<dyn Request>>(BATCH);
        let (reply, first) = oneshot::channel();
        requests.try_send(Box::new(Asked { work: alone, outcome: None, reply, wake: None })).ok().unwrap();
        let (reply, second) = oneshot::channel();
        requests.try_send(Box::new(Asked { work: alone, outcome: None, reply, wake: None })).ok().unwrap();
        let (reply, third) = oneshot::channel();
        requests.try_send(Box::new(Asked { work: breaking, outcome: None, reply, wake: None })).ok().unwrap();
        drop(requests);
        serve(&connection, incoming, &Trouble::default());
        for answer in [first, second, third] {
            let answer = answer.blocking_recv().unwrap();
            assert!(matches!(answer, Err(TableError::Unavailable(_))), "{answer:?}");
        }
    }
}
