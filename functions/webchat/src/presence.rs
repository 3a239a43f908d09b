//! What a visitor's widget tells beside messages: what was seen, and that somebody is writing.

use axum::extract::State;
use axum::http::StatusCode;
use channels::webchat::cursor::Cursor;
use channels::webchat::item::Frame;
use desk::reply::{Delivery, Reply};
use jiff::SignedDuration;
use serde::Deserialize;
use store::keys;
use store::live::{is_typing, note_typing};
use store::table::{Item, Query, TableError};

use crate::body::Body;
use crate::problem::Problem;
use crate::visitor::Visitor;
use crate::{Shared, Webchat};

/// How many of the latest replies can still become read.
const LATEST: usize = 50;
/// A sign of writing is noted again when the last one has less than this left.
const RENEWED: SignedDuration = SignedDuration::from_secs(5);

/// What the visitor has seen.
#[derive(Deserialize)]
pub(crate) struct Seen {
    cursor: String,
}

/// `POST /webchat/<connection>/read`
pub(crate) async fn read(
    State(chat): State<Shared>,
    visitor: Visitor,
    Body(seen): Body<Seen>,
) -> Result<StatusCode, Problem> {
    let invalid = || Problem::invalid("invalid_cursor", "That is no cursor of a message.");
    let cursor: Cursor = seen.cursor.parse().map_err(|_| invalid())?;
    let query =
        Query::partition(keys::thread(&visitor.thread).pk).begins_with("R#").descending().limit(LATEST);
    let latest = chat.desk.table().query(query).await?.items;
    let latest = latest.into_iter().map(Item::read).collect::<Result<Vec<Reply>, _>>()?;
    let mut changed = false;
    for reply in latest {
        if cursor.covers(reply.ticket, reply.seq) {
            changed |= chat.advance(reply, Delivery::Read).await?;
        }
    }
    if changed {
        let frame = Frame::Read { cursor: cursor.to_string() }.render();
        chat.live.push(&visitor.thread, &frame).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /webchat/<connection>/typing`
pub(crate) async fn typing(State(chat): State<Shared>, visitor: Visitor) -> Result<StatusCode, Problem> {
    let now = chat.desk.now();
    let soon = now.saturating_add(RENEWED).unwrap_or(now);
    if !is_typing(&*chat.index, &visitor.thread, soon).await? {
        note_typing(&*chat.index, &visitor.thread, now).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Webchat {
    /// Notes that a reply came further: delivered, then read, never back. Whether it did.
    pub(crate) async fn advance(&self, mut reply: Reply, to: Delivery) -> Result<bool, Problem> {
        let further = match reply.state {
            Delivery::Sent => true,
            Delivery::Delivered => to == Delivery::Read,
            _ => false,
        };
        if !further {
            return Ok(false);
        }
        reply.state = to;
        match self.desk.save_reply(&mut reply).await {
            Ok(()) => Ok(true),
            // Another window was faster.
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
