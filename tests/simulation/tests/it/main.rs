//! Whether the simulation itself can be trusted, and a part of what `tests/simulate` runs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
mod determinism;
mod differential;
mod linked;
mod outages;
mod runs;
