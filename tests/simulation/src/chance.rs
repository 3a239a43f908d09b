//! Everything that is random, from one seed.
//!
//! Everybody draws from it who holds a reference, and a seed that failed replays.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stream of chance. Streams that were forked under different names do not disturb each other.
#[derive(Debug)]
pub struct Chance {
    numbers: Mutex<::chance::Chance>,
}

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        let apart = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
        Self { numbers: Mutex::new(::chance::Chance::new(apart)) }
    }

    /// Another stream, told from this one's seed and a name. Draws one number.
    #[must_use]
    pub fn fork(&self, name: &str) -> Self {
        Self::new(self.next() ^ hash(name.as_bytes()))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        self.numbers().number()
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&self, end: u64) -> u64 {
        self.numbers().below(end)
    }

    /// A number of a range, both ends included.
    pub fn between(&self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True in `per_mille` of 1000 cases.
    pub fn happens(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several; `None` of none.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.numbers().place(of.len()))
    }

    /// Fills a buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.numbers().fill(buffer);
    }

    fn numbers(&self) -> MutexGuard<'_, ::chance::Chance> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// FNV-1a: the same on every machine and in every release.
pub fn hash(bytes: &[u8]) -> u64 {
    extend(0xcbf2_9ce4_8422_2325, bytes)
}

/// Goes on with a hash.
pub fn extend(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
