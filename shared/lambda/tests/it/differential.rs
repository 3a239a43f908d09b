//! DynamoDB and SQS, as the emulator has them, give the same answers as SQLite. What they may do differently, and why:
//! [`ALLOWED`](store::conformance::differential::ALLOWED).

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use store::conformance::Deviations;
use store::conformance::differential::{queues, tables};
use store::environment::System;
use store::sqlite::{Sqlite, TableName};

use crate::{emulator, queue, table};

/// Numbers below an end, the same for the same seed (the multiplier is Knuth's for MMIX).
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 + Send {
    let mut state = seed;
    move |end| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).checked_rem(end).unwrap_or_default()
    }
}

fn sqlite() -> (Sqlite, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Sqlite::open(&folder.path().join("desk.db"), Arc::new(System::new())).unwrap(), folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_gives_the_answers_of_sqlite() {
    let Some(config) = emulator().await else { return };
    let dynamo = table::create(&config).await;
    let (sqlite, _folder) = sqlite();
    let sqlite = sqlite.table(TableName::Main);
    for seed in 1..=8 {
        tables(&dynamo, &sqlite, &format!("seed-{seed}-"), 60, &mut numbers(seed)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_gives_the_answers_of_sqlite() {
    let Some(config) = emulator().await else { return };
    let (sqs, _dead) = queue::create(&config, ".fifo").await;
    let (sqlite, _folder) = sqlite();
    let sqlite = sqlite.queue("queue", true);
    let deviations = Deviations { stale_receipts_work: true };
    let pause = |time: Duration| tokio::time::sleep(time).boxed();
    queues((&*sqs, &sqlite), Some(1), "run", 80, deviations, &mut numbers(1), &pause).await;
}
