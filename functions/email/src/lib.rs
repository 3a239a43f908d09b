//! Mails → inbound queue.

use axum::Router;
use channels::Receiver;
use channels::email::Email;

/// `POST /webhooks/email/<connection>`: a mail as a mail server has it (`message/rfc822`), handed in with the
/// connection's `secret` as bearer token.
pub fn handler(receiver: Receiver) -> Router {
    channels::receiver::webhook(&Email, receiver)
}
