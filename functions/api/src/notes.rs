//! Notes for the team.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::command::Command;
use desk::event::Said;
use desk::ids::TicketId;
use desk::message::MessageContent;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::execute::ExecuteError;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsWrite};
use crate::body::Body;
use crate::once::{IdempotencyKey, Once};
use crate::parameters::Place;
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// The longest text of a note or a reply, in bytes.
pub(crate) const MAX_TEXT: usize = 32 * 1024;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(add))
}

/// A new note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// What it says; at most 32 KB.
    #[schema(max_length = 32768)]
    text: String,
}

/// A note that was written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Note {
    /// The ticket.
    ticket: TicketId,
    /// The position of its event.
    seq: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Writes a note for the team, which no customer sees.
#[utoipa::path(
    post, path = "/tickets/{id}/notes", operation_id = "add_note", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number."), IdempotencyKey),
    request_body = NewNote,
    responses((status = CREATED, body = Note)),
    security(("token" = ["tickets:write"])),
)]
async fn add(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    Place(id): Place<String>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewNote>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let ticket = access.ticket(&id).await?;
    let once = Once::new(&api.desk, &access, &key, &digest);
    if let Some(note) = once.before().await? {
        return Ok((StatusCode::CREATED, Json(note)));
    }
    let author = Some(access.author().await?);
    let message = MessageContent::text(valid_text(&new.text, "/text")?);
    let command = Command::Note(Box::new(Said { author, message, ..Said::default() }));
    let noted = |seq, at| Note { ticket: ticket.id, seq, at };
    let written = access
        .execute(&ticket, command, |event, _| {
            Ok(once.remember(&noted(event.seq, event.at))?.into_iter().collect())
        })
        .await;
    let note = match written {
        Ok(done) => done.event.map(|event| noted(event.seq, event.at)),
        Err(ExecuteError::DoneBefore(_)) => once.before().await?,
        Err(error) => return Err(error.into()),
    };
    let note = note.ok_or_else(|| Problem::unavailable("a note without an event"))?;
    Ok((StatusCode::CREATED, Json(note)))
}

/// Whether a character can be seen. Platforms drop texts of spaces and joiners alone.
fn is_visible(c: char) -> bool {
    let invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !c.is_whitespace() && !c.is_control() && !invisible
}

/// Checks a text that people wrote.
pub(crate) fn valid_text(text: &str, pointer: &str) -> Result<String, Problem> {
    if !text.chars().any(is_visible) {
        return Err(Problem::invalid("empty_text", pointer, "a text has at least one visible character"));
    }
    if text.len() > MAX_TEXT {
        let detail = format!("a text has at most {MAX_TEXT} bytes of UTF-8, not {}", text.len());
        return Err(Problem::invalid("text_too_long", pointer, detail));
    }
    Ok(text.to_owned())
}
