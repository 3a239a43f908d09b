//! One run of a function, which may end at any moment.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
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
    stall: Mutex<Option<Stall>>,
}

/// A pause in which a machine does nothing: a process that was stopped for a while, or a host that was asleep.
#[derive(Debug, Clone, Copy)]
pub struct Stall {
    /// How many effects come before it.
    pub after: u64,
    /// How long it lasts.
    pub lasts: Duration,
}

impl Invocation {
    pub(super) fn crash(&self) {
        self.crashed.notify_one();
    }

    /// Whether it is a run of this function.
    pub(super) fn is_of(&self, function: &str) -> bool {
        self.name.split('/').next() == Some(function)
    }

    /// How long it stalls before the effect that comes now.
    fn stalls(&self) -> Option<Duration> {
        let mut stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner);
        let due = stall.as_mut()?;
        if due.after > 0 {
            due.after -= 1;
            return None;
        }
        stall.take().map(|stall| stall.lasts)
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

/// Waits where the run that this is called in stalls.
pub(super) async fn stall() {
    if let Some(lasts) = current().and_then(|invocation| invocation.stalls()) {
        tokio::time::sleep(lasts).await;
    }
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
    invoke_stalling(name, timeout, None, work).await
}

/// The same, with a stall that its time does not count: as in a process of one's own, which nothing cuts short.
pub async fn invoke_stalling<T>(
    name: String,
    timeout: Duration,
    stall: Option<Stall>,
    work: impl Future<Output = T>,
) -> Ended<T> {
    let timeout = timeout + stall.map_or(Duration::ZERO, |stall| stall.lasts);
    let invocation = Arc::new(Invocation { name, crashed: Notify::new(), stall: Mutex::new(stall) });
    let run = Arc::clone(&invocation);
    let work = AssertUnwindSafe(CURRENT.scope(run, work)).catch_unwind();
    tokio::select! {
        biased;
        () = invocation.crashed.notified() => Ended::Broken,
        done = work => done.map_or(Ended::Panicked, Ended::Done),
        () = tokio::time::sleep(timeout) => Ended::Broken,
    }
}
