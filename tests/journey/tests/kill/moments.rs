//! The moments of the kills, which can be had again.

use std::time::Duration;

use chance::Chance;

/// The chance of `LAMBDESK_KILL_SEED`, or of this moment; and its seed.
pub(crate) fn given() -> (Chance, u64) {
    let given = std::env::var("LAMBDESK_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| journey::now().as_nanosecond().unsigned_abs() as u64);
    (Chance::new(seed), seed)
}

/// A time of whole milliseconds, `least` and `most` included.
pub(crate) fn between(chance: &mut Chance, least: Duration, most: Duration) -> Duration {
    let span = most.saturating_sub(least).as_millis() as u64;
    least + Duration::from_millis(chance.below(span + 1))
}
