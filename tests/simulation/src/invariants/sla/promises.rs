//! What may have been promised at a moment.

use desk::sla::Metric;
use jiff::{SignedDuration, Timestamp};

use crate::history::Promised;
use crate::journey::Promise;

/// How long a function may go by what was promised before a change: it trusts what it has read, and is slow now and then.
const TRUSTED: SignedDuration = SignedDuration::from_secs(60);
/// How much before a change it may seem to have been made, by the clocks of machines.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// Everything that was promised.
#[derive(Debug)]
pub(super) struct Promises(pub(super) Vec<Promised>);

impl Promises {
    /// Whether a target may have been promised.
    pub(super) fn perhaps(&self, metric: Metric, target: Option<u64>, at: Timestamp) -> bool {
        self.standing(at).any(|promise| promise.target(metric) == target)
    }

    /// Whether something was promised, whichever promise stood.
    pub(super) fn surely(&self, metric: Metric, at: Timestamp) -> bool {
        self.standing(at).all(|promise| promise.target(metric).is_some())
    }

    /// What is promised now.
    pub(super) fn latest(&self, metric: Metric) -> Option<u64> {
        self.0.last().and_then(|promised| promised.promise.target(metric))
    }

    fn standing(&self, at: Timestamp) -> impl Iterator<Item = &Promise> {
        let ends = self.0.iter().skip(1).map(|next| next.done).chain([None]);
        let standing = self.0.iter().zip(ends).filter(move |(promised, ended)| {
            at.duration_since(promised.begun) >= -SKEW
                && ended.is_none_or(|ended| at.duration_since(ended) <= TRUSTED)
        });
        standing.map(|(promised, _)| &promised.promise)
    }
}
