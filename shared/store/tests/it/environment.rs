//! A clock that stands still until it is moved, and files that vanish with the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use store::environment::{Environment, System};
use store::sqlite::Sqlite;
use tempfile::TempDir;

/// The time is what the test says; chance is the machine's.
pub(crate) struct Moved {
    milliseconds: AtomicI64,
    system: System,
}

impl Moved {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { milliseconds: AtomicI64::new(1_767_225_600_000), system: System::new() })
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.milliseconds.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Environment for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.milliseconds.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.system.fill(buffer);
    }
}

/// A desk's file in a folder of its own.
pub(crate) struct Desk {
    pub(crate) sqlite: Sqlite,
    pub(crate) clock: Arc<Moved>,
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Moved::new();
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), clock.clone()).unwrap();
        Self { sqlite, clock, folder }
    }

    /// Closes the file and opens it again.
    pub(crate) fn reopen(self) -> Self {
        let Self { sqlite, clock, folder } = self;
        drop(sqlite);
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), clock.clone()).unwrap();
        Self { sqlite, clock, folder }
    }
}
