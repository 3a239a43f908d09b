//! Connections that this process holds: `GET /webchat/<connection>/live?token=…`, a WebSocket (RFC 6455).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use channels::address::Address;
use channels::problem::answer;
use channels::webchat::item::Frame;
use channels::webchat::pass::Pass;
use futures_util::SinkExt as _;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};

use crate::door::{Door, Guest, Refused};
use crate::hub::{Hub, Next, Seat};

/// The close code of a token that does not hold.
const TOKEN_REFUSED: u16 = 4401;
/// The close code of one connection too many (RFC 6455: try again later).
const TOO_MANY: u16 = 1013;
/// Who says nothing for this long is not there any more: a widget pings every four minutes.
const SILENCE: Duration = Duration::from_secs(600);
/// How long a frame may take to leave.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest frame of a widget, in bytes: they all are short.
const MAX_HEARD: usize = 1024;
/// What a connection reads and writes through, in bytes. Ten thousand of them must fit.
const BUFFER: usize = 1024;
/// What may wait to be written, in bytes: one frame of the largest kind, and what is around it.
const MAX_UNWRITTEN: usize = 64 * 1024;

#[derive(Clone)]
struct Room {
    door: Arc<Door>,
    hub: Hub,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

/// The WebSocket of the chat.
pub fn handler(door: Door, hub: Hub) -> Router {
    let room = Room { door: Arc::new(door), hub };
    Router::new().route("/webchat/{connection}/live", get(open)).with_state(room)
}

async fn open(
    State(room): State<Room>,
    Path(connection): Path<String>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let own = Address::of_request(&headers, &uri).url;
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let mut entered = room.door.enter(&token, origin, Some(&own)).await;
    if !Pass::connection_of(&token).is_ok_and(|id| id.to_string() == connection) {
        entered = entered.and(Err(Refused::Token));
    }
    let upgrade = upgrade
        .max_message_size(MAX_HEARD)
        .max_frame_size(MAX_HEARD)
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_UNWRITTEN);
    match entered {
        Ok(guest) => match room.hub.join(guest.thread.clone()) {
            Some(seat) => upgrade.on_upgrade(move |socket| talk(room, guest, seat, socket)),
            None => upgrade.on_upgrade(async |socket| close(socket, TOO_MANY, "too many connections").await),
        },
        // A browser tells a page nothing of a refused handshake, so it is made, and ended with the reason.
        Err(Refused::Token) => {
            upgrade.on_upgrade(async |socket| close(socket, TOKEN_REFUSED, "the token does not hold").await)
        }
        Err(Refused::Origin) => answer(StatusCode::FORBIDDEN, "origin_not_allowed", None),
        Err(Refused::Directory(error)) => {
            tracing::error!(%error, "a connection could not be opened");
            answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None)
        }
    }
}

/// Talks with a visitor's widget until one side ends it.
async fn talk(room: Room, guest: Guest, mut seat: Seat, mut socket: WebSocket) {
    let left = Duration::try_from(guest.until.duration_since(room.door.desk.now())).unwrap_or_default();
    let until = Instant::now() + left;
    let mut silent_at = Instant::now() + SILENCE;
    loop {
        let answer = tokio::select! {
            next = seat.next() => match next {
                Some(Next::Frame(frame)) => Some(frame.to_string()),
                Some(Next::Behind) => Some(Frame::Reload.render()),
                None => return,
            },
            heard = socket.recv() => {
                silent_at = Instant::now() + SILENCE;
                match heard {
                    Some(Ok(Message::Text(text))) => match room.door.hear(&guest.thread, &text).await {
                        Ok(answer) => answer,
                        Err(error) => {
                            tracing::warn!(%error, "a visitor's sign was not noted");
                            None
                        }
                    },
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => None,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
            () = sleep_until(until) => return close(socket, TOKEN_REFUSED, "the token has expired").await,
            () = sleep_until(silent_at) => return,
        };
        if let Some(answer) = answer
            && !matches!(timeout(PATIENCE, socket.send(Message::Text(answer.into()))).await, Ok(Ok(())))
        {
            return;
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    // Whoever is gone already need not be told.
    let _ = timeout(PATIENCE, async {
        socket.send(frame).await?;
        socket.close().await
    })
    .await;
}
