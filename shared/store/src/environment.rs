//! Time and chance, handed in from outside, so that tests and simulation can choose both.

use desk::ids::Ulid;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

/// Where time and randomness come from.
pub trait Environment: Send + Sync + 'static {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;

    /// Fills a buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A fresh ULID of the present moment.
    fn ulid(&self) -> Ulid {
        let mut random = [0; 16];
        self.fill(&mut random);
        let millisecond = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        Ulid::from_parts(millisecond, u128::from_be_bytes(random))
    }

    /// A secret of 256 bits, in URL-safe base64.
    fn secret(&self) -> String {
        use base64::Engine as _;
        let mut random = [0; 32];
        self.fill(&mut random);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
    }
}

/// The machine's own clock and random source.
#[derive(Debug)]
pub struct System {
    random: SystemRandom,
}

impl System {
    /// The machine's own clock and random source.
    pub fn new() -> Self {
        Self { random: SystemRandom::new() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment for System {
    #[expect(clippy::disallowed_methods, reason = "this is the port itself")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    #[expect(
        clippy::expect_used,
        reason = "without a random source no secret may be made; it never fails on Linux"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        self.random.fill(buffer).expect("the system's random source");
    }
}

/// A time of day as keys and JSON carry it: RFC 3339 in UTC with milliseconds, so that text order is time order.
pub fn sortable(at: Timestamp) -> String {
    format!("{at:.3}")
}
