//! What happens by the hour: the minute's event, which calls the clock, and the end of what has expired.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Cloud;
use crate::fault::{Ended, invoke};

/// As the template has it.
const TIMEOUT: Duration = Duration::from_secs(50);
/// What must be left to begin with something new.
const RESERVE: Duration = Duration::from_secs(2);
/// How often expired items are looked for.
const EXPIRY: Duration = Duration::from_hours(1);
/// How often the clock is called although nothing is due, in so many of 1000 minutes.
const IDLE: u64 = 20;
/// How often an event is lost or late beyond use, in so many of 1000 minutes.
const MISSED: u64 = 50;

/// How the clock looks for what is due.
#[derive(Debug, Default)]
pub(super) struct Sweeps {
    /// Told whenever it begins to.
    pub(super) begins: Notify,
    /// From when to when it did and missed nothing.
    pub(super) whole: Mutex<Vec<(Timestamp, Timestamp)>>,
}

pub(super) fn start(cloud: &Arc<Cloud>) {
    tokio::spawn(tick(Arc::clone(cloud)));
    tokio::spawn(expire(Arc::clone(cloud)));
}

/// What has expired is deleted within the hour; DynamoDB takes some days at most.
async fn expire(cloud: Arc<Cloud>) {
    loop {
        tokio::time::sleep(EXPIRY).await;
        for table in [&cloud.main, &cloud.index] {
            table.expire(cloud.hours.now());
        }
    }
}

/// Days go by in which nothing is due. Calling the clock 1,440 times each would show nothing, so that the minutes in
/// which it has nothing to do are left out, but for a few.
async fn tick(cloud: Arc<Cloud>) {
    loop {
        sleep_until(&cloud, next_minute(cloud.hours.now())).await;
        let due = cloud.main.next_due(|partition| !partition.starts_with("held:"));
        let due = due.and_then(|due| due.parse::<Timestamp>().ok());
        if due.is_none_or(|due| due > cloud.hours.now()) && !cloud.chance.happens(IDLE) {
            let until = due.unwrap_or(Timestamp::MAX);
            tokio::select! {
                biased;
                () = cloud.main.changed() => {}
                () = sleep_until(&cloud, until) => {}
            }
        } else if !cloud.chance.happens(MISSED) {
            sweep(&cloud).await;
        }
    }
}

async fn sweep(cloud: &Cloud) {
    cloud.sweeps.begins.notify_waiters();
    let begun = cloud.hours.now();
    let pool = &cloud.pools.clock;
    let kept = pool.take(&cloud.chance, || cloud.new_clock());
    let name = format!("clock/{}", kept.number);
    let deadline = Instant::now() + TIMEOUT - RESERVE;
    let swept = invoke(name.clone(), TIMEOUT, kept.function.sweep(|| Instant::now() < deadline)).await;
    match swept {
        Ended::Done(swept) => {
            cloud.trace.note(&format!("{name} swept: {swept:?}"));
            if swept.is_ok_and(|swept| swept.failed == 0 && !swept.unfinished) {
                let mut whole = cloud.sweeps.whole.lock().unwrap_or_else(PoisonError::into_inner);
                whole.push((begun, cloud.hours.now()));
            }
            pool.give_back(kept);
        }
        Ended::Broken => cloud.trace.note(&format!("{name} ended in the middle")),
        Ended::Panicked => cloud.complain(format!("{name} panicked")),
    }
}

fn next_minute(now: Timestamp) -> Timestamp {
    let seconds = now.as_second() / 60 * 60 + 60;
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

async fn sleep_until(cloud: &Cloud, then: Timestamp) {
    let far = SignedDuration::from_hours(24 * 365);
    let left = then.duration_since(cloud.hours.now()).clamp(SignedDuration::ZERO, far);
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}
