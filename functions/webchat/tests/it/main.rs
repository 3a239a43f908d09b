//! Tests of the chat as browsers meet it: requests in, answers out, with a router and a sender behind it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly, in its helpers, too"
)]

mod by_mail;
mod damaged;
mod forged;
mod history;
mod identity;
mod limits;
mod messages;
mod origins;
mod sessions;
mod stage;
mod uploads;
