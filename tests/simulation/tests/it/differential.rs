//! The engines in memory and SQLite give the same answers. What they may do differently, and why:
//! [`ALLOWED`](store::conformance::differential::ALLOWED).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use simulation::chance::Chance;
use simulation::engine::{MemoryQueue, MemoryTable, Weather};
use simulation::time::{Hours, START};
use store::conformance::Deviations;
use store::conformance::differential::{queues, tables};
use store::environment::Environment;
use store::sqlite::{Sqlite, TableName};

/// SQLite works in threads of its own, where virtual time does not pass: its clock is moved along.
struct Moved {
    millisecond: AtomicI64,
    chance: Chance,
}

impl Environment for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millisecond.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.chance.fill(buffer);
    }
}

struct Desk {
    sqlite: Sqlite,
    clock: Arc<Moved>,
    _folder: tempfile::TempDir,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let clock =
        Arc::new(Moved { millisecond: AtomicI64::new(START.as_millisecond()), chance: Chance::new(1) });
    let sqlite =
        Sqlite::open(&folder.path().join("desk.db"), Arc::clone(&clock) as Arc<dyn Environment>).unwrap();
    Desk { sqlite, clock, _folder: folder }
}

#[tokio::test(start_paused = true)]
async fn tables_give_the_same_answers() {
    let desk = desk();
    let sqlite = desk.sqlite.table(TableName::Main);
    for seed in 1..=60 {
        let chance = Chance::new(seed);
        let memory = MemoryTable::new(Weather::calm());
        tables(&memory, &sqlite, &format!("seed-{seed}-"), 80, &mut |end| chance.below(end)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lagging_index_catches_up_with_the_same_answers() {
    let desk = desk();
    let sqlite = desk.sqlite.table(TableName::Main);
    for seed in 1..=20 {
        let chance = Chance::new(seed);
        let memory = MemoryTable::new(Weather::rough(Arc::new(chance.fork("weather"))));
        tables(&memory, &sqlite, &format!("seed-{seed}-"), 60, &mut |end| chance.below(end)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn queues_give_the_same_answers() {
    let desk = desk();
    let clock = Arc::clone(&desk.clock);
    let pause = move |time: Duration| {
        clock.millisecond.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        tokio::time::sleep(time).boxed()
    };
    for seed in 1..=60 {
        let chance = Chance::new(seed);
        let groups = (seed % 2 == 0).then_some(3);
        let memory = MemoryQueue::new("memory", groups.is_some(), Weather::calm(), Hours::begin());
        let sqlite = desk.sqlite.queue(&format!("seed-{seed}"), groups.is_some());
        let (run, deviations) = (format!("run-{seed}"), Deviations::default());
        queues((&memory, &sqlite), groups, &run, 120, deviations, &mut |end| chance.below(end), &pause).await;
        let (memory, sqlite) = (memory.dead_letters(), sqlite.dead_letters());
        queues((&memory, &sqlite), groups, &run, 20, deviations, &mut |end| chance.below(end), &pause).await;
    }
}
