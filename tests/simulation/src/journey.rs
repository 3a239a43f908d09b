//! People: customers who write, agents who answer, and the owner.

mod agents;
mod chats;
mod customers;
mod mails;
mod office;
mod openings;
mod owner;
mod postmasters;
mod promises;
pub(crate) mod visitors;
pub(crate) mod windows;
mod writers;

use std::sync::Arc;
use std::time::Duration;

pub use self::agents::{Agent, work};
pub(crate) use self::agents::{lines, upload};
pub use self::chats::{CHANGED, write_messages};
pub use self::customers::Habits;
pub(crate) use self::mails::latest_to;
pub use self::mails::write_mails;
pub use self::office::{Office, SUPPORT};
pub(crate) use self::openings::open;
pub use self::owner::{lose_the_token, read_again_now_and_then, send_letters_again};
pub(crate) use self::owner::{read_again, replace_token};
pub use self::postmasters::report_mails;

pub(crate) use self::promises::promise;
pub use self::promises::{Promise, change_promises};
pub use self::visitors::{everybody_looks, visit};
pub(crate) use self::writers::{Letter, mail, webhook, webhook_of};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::history::History;

/// Where people act.
#[derive(Clone)]
pub struct Stage {
    /// The account.
    pub cloud: Arc<Cloud>,
    /// What they did.
    pub history: Arc<History>,
    /// The desk as it was set up.
    pub office: Arc<Office>,
}

/// Waits for one of several times.
async fn pause(chance: &Chance, seconds: &[u64]) {
    let seconds = chance.pick(seconds).copied().unwrap_or_default();
    let exact = seconds * 1000 + chance.below(seconds * 200 + 500);
    tokio::time::sleep(Duration::from_millis(exact)).await;
}
