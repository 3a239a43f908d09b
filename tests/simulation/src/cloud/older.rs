//! A version of Telegram's receiver before this one, which keeps what this one understands.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use channels::telegram::Telegram;
use channels::{Platform as _, Receiver};
use desk::channel::Channel;
use desk::event::Raw;
use desk::inbound::{Happened, Inbound};
use store::envelope::Envelope;

pub(super) fn handler(receiver: Receiver) -> Router {
    Router::new().route("/webhooks/telegram/{connection}", post(take)).with_state(receiver)
}

async fn take(State(receiver): State<Receiver>, Path(connection): Path<String>, body: String) -> StatusCode {
    match keep(&receiver, &connection, &body).await {
        Some(()) => StatusCode::OK,
        None => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Makes an original durable that nobody understands. `None` when it is not, and has to come again.
async fn keep(receiver: &Receiver, connection: &str, body: &str) -> Option<()> {
    let (channel, id) = (Channel::try_from("telegram").ok()?, connection.parse().ok()?);
    let known = receiver.directory.connection(&channel, id).await.ok()??;
    for understood in Telegram.parse(&known.open, body.as_bytes(), receiver.directory.now()) {
        let happened = Happened::Unparsed { reason: "an update of an unknown kind".to_owned() };
        let kept = Inbound { happened, raw: Some(Raw::Text(body.to_owned())), ..understood };
        let message = Envelope::pack(kept, &receiver.blobs).await.ok()?;
        receiver.inbound.send(vec![message]).await.ok()?;
    }
    Some(())
}
