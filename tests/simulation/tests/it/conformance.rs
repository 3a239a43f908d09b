//! The engines do what every engine must do.

use std::sync::Arc;

use simulation::chance::Chance;
use simulation::engine::{MemoryQueue, MemoryTable, Weather};
use simulation::time::Hours;
use store::conformance::{self, Deviations, Queues};

#[tokio::test(start_paused = true)]
async fn the_table_conforms() {
    conformance::table(Arc::new(MemoryTable::new(Weather::calm())), "run-1-").await;
}

#[tokio::test(start_paused = true)]
async fn the_table_conforms_in_rough_weather() {
    for seed in 1..=3 {
        let weather = Weather::rough(Arc::new(Chance::new(seed)));
        conformance::table(Arc::new(MemoryTable::new(weather)), "run-1-").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_change_feed_conforms() {
    let table = MemoryTable::new(Weather::calm());
    let feed = table.feed(0);
    conformance::change_feed(Arc::new(table), Arc::new(feed), "run-1-").await;
}

#[tokio::test(start_paused = true)]
async fn the_queues_conform() {
    let hours = Hours::begin();
    let fifo = MemoryQueue::new("fifo", true, Weather::calm(), hours);
    let standard = MemoryQueue::new("standard", false, Weather::calm(), hours);
    for run in ["run-1-", "run-2-"] {
        let queues = Queues {
            fifo_dead: Arc::new(fifo.dead_letters()),
            standard_dead: Arc::new(standard.dead_letters()),
            fifo: Arc::new(fifo.clone()),
            standard: Arc::new(standard.clone()),
        };
        conformance::queue(queues, run, Deviations::default(), tokio::time::sleep).await;
    }
}
