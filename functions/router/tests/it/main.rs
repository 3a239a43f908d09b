//! The router on a real table: what it writes, and what that costs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod at_once;
mod budget;
mod counting;
mod mail;
mod phone;
mod reports;
mod routing;
mod stage;
