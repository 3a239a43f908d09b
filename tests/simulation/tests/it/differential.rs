//! The engines in memory and SQLite give the same answers. What they may do differently, and why:
//! [`DIFFERENCES`](store::conformance::differential::DIFFERENCES).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use simulation::chance::Chance;
use simulation::engine::{MemoryQueue, MemoryTable, Weather};
use simulation::time::{Hours, START};
use store::conformance::differential::{
    Engine, Kind, Log, Queues, queues, queues_differ, seeds, tables, tables_differ,
};
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

impl Desk {
    /// Empty queues, one of them in this weather; SQLite's have this name.
    fn queues(&self, name: &str, fifo: bool, weather: Weather) -> Queues {
        let memory = MemoryQueue::new("memory", fifo, weather, Hours::begin());
        let sqlite = self.sqlite.queue(name, fifo);
        let clock = Arc::clone(&self.clock);
        Queues {
            dead: [Arc::new(memory.dead_letters()), Arc::new(sqlite.dead_letters())],
            one: Arc::new(memory),
            sqlite: Arc::new(sqlite),
            pause: Arc::new(move |time: Duration| {
                clock.millisecond.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
                tokio::time::sleep(time).boxed()
            }),
            skips: true,
        }
    }
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let clock =
        Arc::new(Moved { millisecond: AtomicI64::new(START.as_millisecond()), chance: Chance::new(1) });
    let sqlite =
        Sqlite::open(&folder.path().join("desk.db"), Arc::clone(&clock) as Arc<dyn Environment>).unwrap();
    Desk { sqlite, clock, _folder: folder }
}

fn calm() -> MemoryTable {
    MemoryTable::new(Weather::calm())
}

fn rough(seed: u64) -> MemoryTable {
    MemoryTable::new(Weather::rough(Arc::new(Chance::new(seed))))
}

#[tokio::test(start_paused = true)]
async fn tables_give_the_same_answers() {
    let desk = desk();
    let sqlite = desk.sqlite.table(TableName::Main);
    let log = Log::new(Engine::Calm);
    for seed in seeds(1..=100) {
        tables(&log, &calm(), &sqlite, &format!("seed-{seed}-"), seed, 100).await;
    }
    assert!(log.is_balanced(), "{}", log.report());
}

#[tokio::test(start_paused = true)]
async fn tables_in_rough_weather_come_to_the_same_answers() {
    let desk = desk();
    let sqlite = desk.sqlite.table(TableName::Main);
    let log = Log::new(Engine::Rough);
    for seed in seeds(1..=60) {
        tables(&log, &rough(seed), &sqlite, &format!("seed-{seed}-"), seed, 100).await;
    }
    assert!(log.is_balanced(), "{}", log.report());
}

#[tokio::test(start_paused = true)]
async fn tables_differ_as_it_is_told() {
    let desk = desk();
    let sqlite = desk.sqlite.table(TableName::Main);
    assert!(tables_differ(Engine::Calm, &calm(), &sqlite, "calm-").await > 0);
    assert!(tables_differ(Engine::Rough, &rough(1), &sqlite, "rough-").await > 0);
}

#[tokio::test(start_paused = true)]
async fn queues_give_the_same_answers() {
    let desk = desk();
    let log = Log::new(Engine::Calm);
    for seed in seeds(1..=120) {
        let queues_of_seed = desk.queues(&format!("seed-{seed}"), Kind::of(seed).is_fifo(), Weather::calm());
        queues(&log, &queues_of_seed, seed, 120).await;
    }
}

/// FIFO queues only: a standard one in rough weather delivers what was deleted once more, now and then, and no two of
/// them could be compared.
#[tokio::test(start_paused = true)]
async fn queues_in_rough_weather_give_the_same_answers() {
    let desk = desk();
    let log = Log::new(Engine::Rough);
    for seed in seeds(1..=120).into_iter().filter(|seed| Kind::of(*seed).is_fifo()) {
        let rough = Weather::rough(Arc::new(Chance::new(seed)));
        queues(&log, &desk.queues(&format!("seed-{seed}"), true, rough), seed, 120).await;
    }
}

#[tokio::test(start_paused = true)]
async fn queues_differ_as_it_is_told() {
    let desk = desk();
    let named = AtomicI64::new(0);
    let make = |weather: Weather| {
        let (desk, named) = (&desk, &named);
        async move |fifo| {
            let name = format!("shown-{}", named.fetch_add(1, Ordering::SeqCst));
            desk.queues(&name, fifo, weather.clone())
        }
    };
    assert!(queues_differ(Engine::Calm, make(Weather::calm())).await > 0);
    let rough = Weather::rough(Arc::new(Chance::new(1)));
    assert!(queues_differ(Engine::Rough, make(rough)).await > 0);
}
