//! Limits of how often something may be done: token buckets in the `index` table.
//!
//! A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm), so that one
//! number holds both what was taken and when.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::{Condition, Item, Table, TableError, Write};

/// How often a take is tried when others take from the same bucket at the same time.
const ATTEMPTS: u32 = 3;
/// How long somebody waits whose takes were all lost to others: only a flood takes that fast.
const CROWDED: Duration = Duration::from_secs(1);

/// How much may be taken at once, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How many takes a full bucket holds.
    pub holds: u32,
    /// How long one take needs to come back.
    pub refill: Duration,
}

/// What a bucket's item says.
#[derive(Debug, Serialize, Deserialize)]
struct Level {
    version: u64,
    /// When the bucket is full again.
    full_at: Timestamp,
}

/// Takes once from the bucket with this name. `Ok(Err(wait))` when it is empty: in that time it can be again.
///
/// # Errors
/// When the table is unavailable.
pub async fn take(
    index: &dyn Table,
    now: Timestamp,
    name: &str,
    bucket: Bucket,
) -> Result<Result<(), Duration>, TableError> {
    let refill = SignedDuration::try_from(bucket.refill).unwrap_or(SignedDuration::MAX);
    let holds = refill.saturating_mul(i32::try_from(bucket.holds).unwrap_or(i32::MAX));
    let key = keys::bucket(name);
    for _ in 0..ATTEMPTS {
        let level: Option<Level> = index.get(&key).await?.map(Item::read).transpose()?;
        let full_at = level.as_ref().map_or(now, |level| level.full_at.max(now));
        let after = full_at.saturating_add(refill).unwrap_or(Timestamp::MAX);
        let over = after.duration_since(now).saturating_sub(holds);
        if over.is_positive() {
            return Ok(Err(Duration::try_from(over).unwrap_or(CROWDED)));
        }
        let (version, condition) = match &level {
            Some(level) => (level.version + 1, Condition::Version(level.version)),
            None => (1, Condition::Absent),
        };
        let mut item = Item::new(key.clone(), &Level { version, full_at: after })?;
        item.expires_at = Some(after.as_second().saturating_add(1));
        match index.write(vec![Write::Put(item, condition)]).await {
            Ok(()) => return Ok(Ok(())),
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Err(CROWDED))
}
