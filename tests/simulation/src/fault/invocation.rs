//! One run of a function, which may end at any moment.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;

tokio::task_local! {
    static CURRENT: Arc<Invocation>;
}

/// One run of a function.
#[derive(Debug)]
pub(super) struct Invocation {
    name: String,
    crashed: Notify,
}

impl Invocation {
    pub(super) fn crash(&self) {
        self.crashed.notify_one();
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The run that this is called in, if it is one.
pub(super) fn current() -> Option<Arc<Invocation>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    /// With what it returned.
    Done(T),
    /// In the middle: by a crash, or because its time was up.
    Broken,
    /// By a panic, which no input and no fault may cause.
    Panicked,
}

/// Runs a function until it is done, crashes, or its time is up.
pub async fn invoke<T>(name: String, timeout: Duration, work: impl Future<Output = T>) -> Ended<T> {
    let invocation = Arc::new(Invocation { name, crashed: Notify::new() });
    let run = Arc::clone(&invocation);
    let work = AssertUnwindSafe(CURRENT.scope(run, work)).catch_unwind();
    tokio::select! {
        biased;
        () = invocation.crashed.notified() => Ended::Broken,
        done = work => done.map_or(Ended::Panicked, Ended::Done),
        () = tokio::time::sleep(timeout) => Ended::Broken,
    }
}
