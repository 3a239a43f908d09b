//! The stream of the main table, which calls the relay: shard by shard, in order, again until it is done.

use std::sync::Arc;
use std::time::Duration;

use store::table::{ChangeFeed as _, Inserted};

use super::Cloud;
use crate::engine::MemoryFeed;
use crate::fault::{Ended, invoke};

/// As the template has it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a shard rests after a failure.
const REST: Duration = Duration::from_secs(1);
/// The most insertions of a batch.
const BATCH: usize = 8;

pub(super) fn start(cloud: &Arc<Cloud>, shards: usize) {
    for shard in 0..shards {
        tokio::spawn(follow(Arc::clone(cloud), cloud.main.feed(shard)));
    }
}

async fn follow(cloud: Arc<Cloud>, feed: MemoryFeed) {
    // After a crash the batch is halved, so that what crashes the function is found.
    let mut most = BATCH;
    loop {
        feed.ready().await;
        let limit = most.min(usize::try_from(cloud.chance.between(1, BATCH as u64)).unwrap_or(1));
        let batch = feed.inserted(limit).await.unwrap_or_default();
        match relay(&cloud, &batch).await {
            Ended::Done(Some(Ok(()))) => {
                most = BATCH;
                acknowledge(&feed, batch.last()).await;
            }
            Ended::Done(Some(Err(position))) => {
                acknowledge(&feed, batch.iter().take_while(|one| one.position != position).last()).await;
                tokio::time::sleep(REST).await;
            }
            Ended::Done(None) => tokio::time::sleep(REST).await,
            Ended::Broken | Ended::Panicked => {
                most = (batch.len() / 2).max(1);
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn relay(cloud: &Cloud, batch: &[Inserted]) -> Ended<Option<Result<(), String>>> {
    let pool = &cloud.pools.relay;
    let kept = pool.take(&cloud.chance, || cloud.new_relay());
    let name = format!("relay/{}", kept.number);
    let ended = invoke(name.clone(), TIMEOUT, async {
        let done = kept.function.handle(batch).await;
        cloud.faults.is_noted("answer of the batch").await.then_some(done)
    })
    .await;
    match &ended {
        Ended::Done(_) => pool.give_back(kept),
        Ended::Broken => {}
        Ended::Panicked => cloud.complain(format!("{name} panicked")),
    }
    ended
}

async fn acknowledge(feed: &MemoryFeed, last: Option<&Inserted>) {
    if let Some(last) = last {
        // Its own positions are never malformed.
        let _done = feed.acknowledge(&last.position).await;
    }
}
