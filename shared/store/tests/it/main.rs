//! SQLite against the contracts of the ports, and what is its own: durability, the clock, wake-ups.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, whose helpers clippy does not know as such"
)]

mod changes;
mod damaged;
mod dead_letters;
mod durability;
mod environment;
mod objects;
mod opening;
mod queue_model;
mod queues;
mod recomputation;
mod suites;
mod table_model;
