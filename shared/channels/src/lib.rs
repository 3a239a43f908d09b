//! Channels: one module per platform, and the trait that they implement.
//!
//! A module knows how to verify, parse, split, send and fetch for its platform, and what the platform can do. The
//! rest of the system never names a platform: it looks one up with [`platform()`].

pub mod address;
pub mod bearer;
pub mod connection;
pub mod directory;
pub mod email;
pub mod http;
pub mod platform;
pub mod problem;
pub mod receiver;
pub mod telegram;
pub mod webchat;

pub use connection::Connection;
pub use directory::Directory;
pub use platform::Platform;
pub use receiver::Receiver;

/// Every channel that this version speaks.
pub const PLATFORMS: [&dyn Platform; 3] = [&email::Email, &telegram::Telegram, &webchat::Webchat];

/// The module of a channel, by its name.
pub fn platform(name: &str) -> Option<&'static dyn Platform> {
    PLATFORMS.into_iter().find(|platform| platform.name() == name)
}
