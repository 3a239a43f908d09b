//! The same random steps on an engine and on SQLite, whose every answer must be the same, but for [`DIFFERENCES`].
//!
//! A suite checks the rules that somebody thought of; this finds what nobody did. A seed gives the same steps on every
//! engine: one that failed is named, and is run alone when the environment variable [`SEED`] holds it.

mod answer;
mod compared;
mod differences;
mod log;
mod making;
mod queues;
mod shown_queues;
mod shown_tables;
mod tables;

use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use self::compared::{Pause, Queues};
pub use self::differences::{DIFFERENCES, Difference};
pub use self::log::Log;
pub use self::queues::{Kind, queues};
pub use self::shown_queues::queues_differ;
pub use self::shown_tables::{Tables, tables_differ};
pub use self::tables::tables;

/// The environment variable with the only seed to run.
pub const SEED: &str = "LAMBDESK_SEED";

/// An engine that is compared with SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The engines in memory, when nothing is in their way.
    Calm,
    /// The engines in memory as the simulation has them: late, and meeting each other.
    Rough,
    /// DynamoDB and SQS as the emulator has them.
    Emulator,
}

/// The seeds to run: these, or the one that the environment names.
///
/// # Panics
/// When the environment names what is no seed.
pub fn seeds(usual: RangeInclusive<u64>) -> Vec<u64> {
    match std::env::var(SEED) {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => usual.collect(),
    }
}

/// Lets real time pass, or that of the runtime.
fn sleep(time: Duration) -> BoxFuture<'static, ()> {
    Box::pin(tokio::time::sleep(time))
}
