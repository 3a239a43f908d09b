//! The figures: what the desk costs, and how fast it is.
//!
//! Each figure is a module that measures and returns rows of one table. Nothing here asserts a time: what is slower
//! than it should be is told, and the table says so.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark ends where it cannot measure, with the reason"
)]

pub mod aws;
pub mod counting;
pub mod dns;
pub mod figures;
pub mod fill;
pub mod floor;
pub mod load;
pub mod local;
pub mod mails;
pub mod post;
pub mod rig;
pub mod runtime;
pub mod serve;
pub mod stored;
pub mod table;
pub mod web;

/// How large the figures are measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Mails of each round.
    pub mails: usize,
    /// Seconds under load.
    pub seconds: u64,
    /// Stored tickets where many are wanted.
    pub tickets: usize,
    /// Starts of each function.
    pub starts: usize,
}

impl Scale {
    /// As the targets want it.
    pub const FULL: Self = Self { mails: 5000, seconds: 20, tickets: 100_000, starts: 40 };
    /// Small enough for trying out.
    pub const QUICK: Self = Self { mails: 500, seconds: 3, tickets: 5000, starts: 5 };
}

/// Tells what is being done, beside the table.
pub fn tell(what: &str) {
    eprintln!("bench: {what}");
}
