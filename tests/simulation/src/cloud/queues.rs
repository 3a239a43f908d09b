//! Queues that call functions, as Lambda's event source mappings do it.

use std::sync::Arc;
use std::time::Duration;

use store::queue::{Failed, Message, Queue as _, releases};
use tokio::time::Instant;

use super::Cloud;
use super::functions::{Pools, QueueFunction};
use super::pool::Pool;
use crate::engine::MemoryQueue;
use crate::fault::{Ended, invoke_stalling};

/// How many batches of a queue are worked on at once: the template's `MaximumConcurrency`.
const AT_ONCE: usize = 2;
/// What must be left of an invocation to begin with another message.
const RESERVE: Duration = Duration::from_secs(2);

/// A queue and the function that it calls, with the template's figures.
struct Mapping {
    name: &'static str,
    queue: MemoryQueue,
    batch: u64,
    visibility: Duration,
    timeout: Duration,
    pool: fn(&Pools) -> &Pool<QueueFunction>,
    build: fn(&Cloud) -> QueueFunction,
}

pub(super) fn start(cloud: &Arc<Cloud>) {
    for _ in 0..AT_ONCE {
        for mapping in mappings(cloud) {
            tokio::spawn(consume(Arc::clone(cloud), mapping));
        }
    }
}

fn mappings(cloud: &Cloud) -> [Mapping; 3] {
    [
        Mapping {
            name: "router",
            queue: cloud.inbound.clone(),
            batch: 10,
            visibility: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            pool: |pools| &pools.router,
            build: Cloud::new_router,
        },
        Mapping {
            name: "sender",
            queue: cloud.outbound.clone(),
            batch: 5,
            visibility: Duration::from_secs(720),
            timeout: Duration::from_secs(120),
            pool: |pools| &pools.sender,
            build: Cloud::new_sender,
        },
        Mapping {
            name: "worker",
            queue: cloud.work.clone(),
            batch: 10,
            visibility: Duration::from_secs(720),
            timeout: Duration::from_secs(120),
            pool: |pools| &pools.worker,
            build: Cloud::new_worker,
        },
    ]
}

async fn consume(cloud: Arc<Cloud>, mapping: Mapping) {
    loop {
        mapping.queue.ready().await;
        let limit = usize::try_from(cloud.chance.between(1, mapping.batch)).unwrap_or(1);
        let batch = mapping.queue.receive(limit, mapping.visibility).await.unwrap_or_default();
        if !batch.is_empty() {
            deliver(&cloud, &mapping, batch).await;
        }
    }
}

async fn deliver(cloud: &Cloud, mapping: &Mapping, batch: Vec<Message>) {
    let pool = (mapping.pool)(&cloud.pools);
    let kept = pool.take(&cloud.chance, || (mapping.build)(cloud));
    let name = format!("{}/{}", mapping.name, kept.number);
    let brought: Vec<String> = batch.iter().map(|one| format!("{} ({})", one.id, one.receives)).collect();
    cloud.trace.note(&format!("{name} gets {}", brought.join(", ")));
    let queue = cloud.faulty(&mapping.queue);
    let stall = cloud.faults.stall(mapping.visibility);
    let answered = invoke_stalling(name.clone(), mapping.timeout, stall, async {
        let failed = kept.function.handle(&batch, Instant::now() + mapping.timeout - RESERVE).await;
        for (receipt, after) in releases(&batch, &failed) {
            // As on Lambda: it only comes back later than it should.
            let _later = queue.release(receipt, after).await;
        }
        cloud.faults.is_noted("answer of the batch").await.then_some(failed)
    })
    .await;
    match answered {
        Ended::Done(noted) => {
            pool.give_back(kept);
            if let Some(failed) = noted {
                delete_done(mapping, &batch, &failed).await;
            }
        }
        Ended::Broken => cloud.trace.note(&format!("{name} ended in the middle")),
        Ended::Panicked => cloud.complain(format!("{name} panicked on {brought:?}")),
    }
}

async fn delete_done(mapping: &Mapping, batch: &[Message], failed: &[Failed]) {
    for message in batch.iter().filter(|message| failed.iter().all(|failed| failed.id != message.id)) {
        // The engine itself does not fail; what may be struck is the note of the whole answer.
        let _done = mapping.queue.delete(&message.receipt).await;
    }
}
