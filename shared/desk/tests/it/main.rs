//! What the core promises, through its public functions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod decide;
mod fold;
mod promises;
mod stage;
