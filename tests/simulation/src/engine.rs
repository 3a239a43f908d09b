//! Engines in memory that behave as DynamoDB and SQS do, at the pace and with the disorder that chance gives them.

mod feed;
mod index;
mod queue;
mod table;

use std::sync::Arc;
use std::time::Duration;

pub use self::feed::MemoryFeed;
pub use self::queue::MemoryQueue;
pub use self::table::{Change, MemoryTable};
use crate::chance::Chance;

/// How an engine behaves within what its contract allows.
#[derive(Debug, Clone)]
pub struct Weather {
    chance: Option<Arc<Chance>>,
    /// The longest that a request takes each way, in milliseconds.
    way: u64,
    /// The longest that a transaction is under way, in milliseconds.
    work: u64,
    /// The longest that an index lags behind, in milliseconds.
    lag: u64,
}

impl Weather {
    /// Everything happens at once and in order.
    pub const fn calm() -> Self {
        Self { chance: None, way: 0, work: 0, lag: 0 }
    }

    /// Requests take some milliseconds, indexes lag for seconds, groups come in any order.
    pub fn rough(chance: Arc<Chance>) -> Self {
        let lag = *chance.pick(&[20, 300, 4000]).unwrap_or(&300);
        Self { chance: Some(chance), way: 4, work: 12, lag }
    }

    async fn travel(&self) {
        self.pass(self.way).await;
    }

    async fn work(&self) {
        self.pass(self.work).await;
    }

    async fn pass(&self, most: u64) {
        if let Some(chance) = &self.chance {
            tokio::time::sleep(Duration::from_millis(chance.between(1, most))).await;
        }
    }

    fn lag(&self) -> Duration {
        let lag = self.chance.as_ref().map_or(0, |chance| chance.below(self.lag + 1));
        Duration::from_millis(lag)
    }

    /// Whether something that may happen does, in `per_mille` of 1000 cases.
    fn happens(&self, per_mille: u64) -> bool {
        self.chance.as_ref().is_some_and(|chance| chance.happens(per_mille))
    }

    /// Which of several that may come next does.
    fn choose(&self, of: usize) -> usize {
        let chosen = self.chance.as_ref().map_or(0, |chance| chance.below(of as u64));
        usize::try_from(chosen).unwrap_or_default()
    }
}
