//! Webhooks of Telegram → inbound queue.

use axum::Router;
use channels::Receiver;
use channels::telegram::Telegram;

/// `POST /webhooks/telegram/<connection>`.
pub fn handler(receiver: Receiver) -> Router {
    channels::receiver::webhook(&Telegram, receiver)
}
