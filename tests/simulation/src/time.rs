//! Virtual time: it passes only when everybody waits.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::environment::Environment;
use tokio::time::Instant;

use crate::chance::Chance;

/// When every run begins: a Wednesday noon.
pub const START: Timestamp = Timestamp::constant(1_772_625_600, 0);

/// The clock that all machines would show if they were exact.
#[derive(Debug, Clone, Copy)]
pub struct Hours {
    begun: Instant,
}

impl Hours {
    /// Begins now.
    pub fn begin() -> Self {
        Self { begun: Instant::now() }
    }

    /// The present moment, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        START.saturating_add(SignedDuration::from_millis(elapsed)).unwrap_or(Timestamp::MAX)
    }
}

/// Time and chance of one machine, whose clock may be a little off.
#[derive(Debug)]
pub struct Machine {
    hours: Hours,
    off: SignedDuration,
    chance: Arc<Chance>,
}

impl Machine {
    /// A machine whose clock is off by that much.
    pub fn new(hours: Hours, off: SignedDuration, chance: Arc<Chance>) -> Self {
        Self { hours, off, chance }
    }
}

impl Environment for Machine {
    fn now(&self) -> Timestamp {
        self.hours.now().saturating_add(self.off).unwrap_or(Timestamp::MAX)
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.chance.fill(buffer);
    }
}
