//! The platforms: what they accepted, and what they send to the desk.

mod bots;
mod post;

pub use self::bots::{Accepted, BotApi};
pub use self::post::{Delivered, PostOffice};
