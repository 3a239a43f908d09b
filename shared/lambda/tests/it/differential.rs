//! DynamoDB and SQS, as the emulator has them, give the same answers as SQLite. What they may do differently, and why:
//! [`DIFFERENCES`](store::conformance::differential::DIFFERENCES).

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use store::conformance::differential::{
    Engine, Kind, Log, Queues, queues, queues_differ, seeds, tables, tables_differ,
};
use store::environment::System;
use store::sqlite::{Sqlite, TableName};

use crate::{emulator, queue, table};

fn sqlite() -> (Sqlite, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Sqlite::open(&folder.path().join("desk.db"), Arc::new(System::new())).unwrap(), folder)
}

/// Says what a run met.
#[expect(clippy::print_stderr, reason = "whoever runs the comparison wants to know what it found")]
fn say(log: &Log) {
    eprintln!("{}", log.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_gives_the_answers_of_sqlite() {
    let Some(config) = emulator().await else { return };
    let dynamo = table::create(&config).await;
    let (sqlite, _folder) = sqlite();
    let sqlite = sqlite.table(TableName::Main);
    let log = Log::new(Engine::Emulator);
    for seed in seeds(1..=24) {
        tables(&log, &dynamo, &sqlite, &format!("seed-{seed}-"), seed, 150).await;
    }
    say(&log);
    assert!(log.is_balanced(), "{}", log.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_differs_as_it_is_told() {
    let Some(config) = emulator().await else { return };
    let dynamo = table::create(&config).await;
    let (sqlite, _folder) = sqlite();
    let shown = tables_differ(Engine::Emulator, &dynamo, &sqlite.table(TableName::Main), "shown-").await;
    assert!(shown > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queues_give_the_answers_of_sqlite() {
    let Some(config) = emulator().await else { return };
    let (sqlite, _folder) = sqlite();
    let log = Log::new(Engine::Emulator);
    // Side by side, because most of their time is waiting for what is hidden.
    join_all(seeds(1..=24).into_iter().map(async |seed| {
        let made = make(&config, &sqlite, &format!("seed-{seed}"), Kind::of(seed).is_fifo()).await;
        queues(&log, &made, seed, 60).await;
    }))
    .await;
    say(&log);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queues_differ_as_it_is_told() {
    let Some(config) = emulator().await else { return };
    let (sqlite, _folder) = sqlite();
    let shown = queues_differ(Engine::Emulator, async |fifo| {
        make(&config, &sqlite, &crate::fresh("shown"), fifo).await
    });
    assert!(shown.await > 0);
}

/// Empty queues; SQLite's have this name.
async fn make(config: &aws_config::SdkConfig, sqlite: &Sqlite, name: &str, fifo: bool) -> Queues {
    let (sqs, dead) = queue::create(config, if fifo { ".fifo" } else { "" }).await;
    let sqlite = sqlite.queue(name, fifo);
    Queues {
        one: sqs,
        dead: [dead, Arc::new(sqlite.dead_letters())],
        sqlite: Arc::new(sqlite),
        pause: Arc::new(|time| tokio::time::sleep(time).boxed()),
        skips: false,
    }
}
