//! What is on the other side: platforms, and the files that people send by them.

mod bots;
mod post;
mod posted;
mod updates;
mod windows;

use bytes::Bytes;

pub use self::bots::{Accepted, BotApi};
pub use self::post::{Delivered, Outcome, PostOffice};
pub use self::posted::Posted;
pub use self::updates::Written;
pub use self::windows::{Window, Windows};

/// What the file of this name holds. Nobody sends two files of one name.
pub fn contents(name: &str) -> Bytes {
    format!("The contents of {name}, whole.").into()
}
