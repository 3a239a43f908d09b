//! Mails → inbound queue: from SES's topic on AWS, from a mail server anywhere.

mod addresses;
mod post;
pub mod ses;

use axum::Router;
use channels::Receiver;
use channels::email::Email;

pub use addresses::Addresses;
pub use post::{Post, PostError};

/// `POST /webhooks/email/<connection>`: a mail as a mail server has it (`message/rfc822`), handed in with the
/// connection's `secret` as bearer token.
pub fn handler(receiver: Receiver) -> Router {
    channels::receiver::webhook(&Email, receiver)
}
