//! The API over HTTP, on SQLite, with a Bot API of our own on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod attachments;
mod authorisation;
mod bot;
mod connections;
mod contacts;
mod damaged;
mod document;
mod errors;
mod idempotency;
mod operations;
mod replies;
mod settings;
mod stage;
mod tickets;
mod tokens;
mod webchat;
