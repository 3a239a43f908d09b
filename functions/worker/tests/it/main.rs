//! The worker on a real table, with a Telegram that fails as it is told to.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod files;
mod other;
mod stage;
mod telegram;
