//! Whether the simulation itself can be trusted, and a part of what `tests/simulate` runs.

mod conformance;
mod determinism;
mod differential;
mod runs;
