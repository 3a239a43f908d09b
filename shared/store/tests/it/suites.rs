//! The suites that every engine must pass.

use std::sync::Arc;
use std::time::Duration;

use store::conformance::{self, Deviations, Queues};
use store::environment::System;
use store::sqlite::{Sqlite, TableName};

use crate::environment::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn the_main_table_conforms() {
    let desk = Desk::new();
    conformance::table(Arc::new(desk.sqlite.table(TableName::Main)), "run-1-").await;
}

#[tokio::test]
async fn the_index_table_conforms() {
    let desk = Desk::new();
    conformance::table(Arc::new(desk.sqlite.table(TableName::Index)), "run-1-").await;
}

#[tokio::test]
async fn the_change_feed_conforms() {
    let desk = Desk::new();
    let table = Arc::new(desk.sqlite.table(TableName::Main));
    conformance::change_feed(table, Arc::new(desk.sqlite.changes()), "run-1-").await;
}

fn queues(sqlite: &Sqlite) -> Queues {
    let (fifo, standard) = (sqlite.queue("inbound", true), sqlite.queue("work", false));
    Queues {
        fifo_dead: Arc::new(fifo.dead_letters()),
        standard_dead: Arc::new(standard.dead_letters()),
        fifo: Arc::new(fifo),
        standard: Arc::new(standard),
    }
}

#[tokio::test]
async fn the_queues_conform() {
    let desk = Desk::new();
    // Twice: a suite must not depend on empty queues.
    for run in ["run-1-", "run-2-"] {
        let clock = desk.clock.clone();
        let pause = move |time| {
            clock.advance(time);
            std::future::ready(())
        };
        conformance::queue(queues(&desk.sqlite), run, Deviations::default(), pause).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queues_conform_by_the_machine_s_clock() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&folder.path().join("desk.db"), Arc::new(System::new())).unwrap();
    let pause = |time: Duration| tokio::time::sleep(time);
    conformance::queue(queues(&sqlite), "run-1-", Deviations::default(), pause).await;
}
