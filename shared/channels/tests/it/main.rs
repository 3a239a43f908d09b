//! Tests of the channels against their contract, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly, in its helpers, too"
)]

mod bot_api;
mod calls;
mod composing;
mod connecting;
mod damaged;
mod domains;
mod fixtures;
mod forged;
mod mail_server;
mod mailing;
mod meaning;
mod reading;
mod receiving;
mod splitting;
mod webchat;
