//! Chance that can be had again.
//!
//! The generator is written out here because a seed that failed must replay for as long as the code under test stays the
//! same, whatever a library changes.

/// Numbers that a seed decides: [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Those of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Another chance, which goes its own way from here.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self(self.number())
    }

    /// A number below an end; 0 when that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The remainder favours small numbers by less than can be seen.
        self.number().checked_rem(end).unwrap_or_default()
    }

    /// A place in something of some length.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::indexing_slicing, reason = "a place in it")]
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.place(of.len())]
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.number().to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Vigna's own program prints for the seed 1234567.
    #[test]
    fn a_seed_replays_for_ever() {
        let mut chance = Chance::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| chance.number()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
