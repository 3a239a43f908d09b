//! Kept originals that a newer parser may understand.

use axum::Json;
use axum::extract::State;
use desk::channel::ThreadKey;
use desk::command::Command;
use desk::event::{Event, Said};
use desk::ids::AttachmentId;
use desk::inbound::{Happened, Inbound};
use desk::message::MessageContent;
use serde::Serialize;
use store::envelope::Envelope;
use store::execute::ExecuteError;
use store::messages::put_platform_message;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, Operations, Visible};
use crate::events::original;
use crate::parameters::Place;
use crate::problem::Problem;
use crate::routes::{Routes, routes};

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(replay))
}

/// What the present parser makes of a kept original.
#[derive(Debug, Serialize, ToSchema)]
struct Replayed {
    /// The event that kept the original.
    of: u64,
    /// Where the message went, when it belongs to another conversation.
    moved_to: Option<ThreadKey>,
}

/// Reads a kept original with the present parser, and puts what it says beside the event. Doing it twice is doing
/// it once.
#[utoipa::path(
    post, path = "/tickets/{id}/events/{seq}/replay", operation_id = "replay_event", tag = "operations",
    params(
        ("id" = String, Path, description = "The ticket's id or number."),
        ("seq" = u64, Path, description = "The event's position."),
    ),
    responses(
        (status = OK, body = Replayed),
        (status = CONFLICT, description = "It is still not understood, or its connection was deleted."),
    ),
    security(("token" = ["operations"])),
)]
async fn replay(
    State(api): State<Shared>,
    access: Access<Operations>,
    Place((id, seq)): Place<(String, String)>,
) -> Result<Json<Replayed>, Problem> {
    let ticket = access.ticket(&id).await?;
    let event = access.event(&ticket, &seq).await?;
    let (Some(bytes), Some(thread)) = (original(&api, &event).await?, ticket.thread_of(&event)) else {
        return Err(Problem::conflict("nothing_kept", "The event has no original to read again."));
    };
    let understood = parse(&api, thread, &event, &bytes).await?;
    let mut here = None;
    let mut elsewhere = None;
    for inbound in understood {
        let known =
            api.desk.thread(&inbound.thread).await?.map_or_else(|| inbound.thread.clone(), |found| found.key);
        if known == *thread {
            here = here.or(said(&inbound).map(|said| (inbound.messages_of(), said)));
        } else {
            // Before the event, so that a crash in between repeats it: the table swallows the double.
            api.inbound.send(vec![Envelope::pack(inbound, &api.blobs).await?]).await?;
            elsewhere = elsewhere.or(Some(known));
        }
    }
    let moved_to = if here.is_none() { elsewhere } else { None };
    if here.is_none() && moved_to.is_none() {
        let detail = "This version does not understand the original either.";
        return Err(Problem::conflict("still_not_understood", detail));
    }
    let (under, (message, said)) = here.unwrap_or_else(|| (thread.clone(), Default::default()));
    let message = message.map(|message| (under, message));
    reinterpret(&api, &access, &ticket, event.seq, message, said, moved_to.clone()).await?;
    Ok(Json(Replayed { of: event.seq, moved_to }))
}

/// What the present parser understands of an original.
async fn parse(
    api: &Shared,
    thread: &ThreadKey,
    event: &Event,
    bytes: &[u8],
) -> Result<Vec<Inbound>, Problem> {
    let known = api.directory.fresh(&thread.channel, thread.connection).await?;
    let platform = channels::platform(thread.channel.as_str());
    let (Some(known), Some(platform)) = (known, platform) else {
        return Err(Problem::conflict("connection_deleted", "The connection that it came from was deleted."));
    };
    let mut found = platform.parse(&known.open, bytes, event.at);
    for inbound in &mut found {
        // The original is kept already, and what it holds besides is taken from there.
        if inbound.fit() || inbound.raw.is_some() || platform.keeps_originals() {
            inbound.raw = event.content.said().and_then(|said| said.raw.clone());
        }
    }
    found.retain(|inbound| match &inbound.happened {
        Happened::Unparsed { .. } => false,
        Happened::Message { content, .. } | Happened::Edited { content, .. } => content.unsupported.is_none(),
        _ => true,
    });
    Ok(found)
}

/// What a delivery says, with the platform's id of the message; `None` for what is no message.
fn said(inbound: &Inbound) -> Option<(Option<String>, Said)> {
    let author =
        inbound.sender.as_ref().and_then(|sender| sender.name.clone().or_else(|| sender.username.clone()));
    let (message, content, payload) = match &inbound.happened {
        Happened::Message { id, content, .. } => (Some(id.clone()), content.clone(), None),
        Happened::Edited { content, .. } => (None, content.clone(), None),
        Happened::Started { id, text, payload } => {
            (Some(id.clone()), MessageContent::text(text.clone()), payload.clone())
        }
        Happened::Button { data, .. } => (None, MessageContent::default(), Some(data.clone())),
        _ => return None,
    };
    let raw = inbound.raw.clone();
    Some((message, Said { author, message: content, payload, raw, ..Said::default() }))
}

/// Puts what the original says beside the event, once for ever.
async fn reinterpret(
    api: &Shared,
    access: &Access<Operations>,
    ticket: &Visible,
    of: u64,
    message: Option<(ThreadKey, String)>,
    mut said: Said,
    moved_to: Option<ThreadKey>,
) -> Result<(), Problem> {
    let Some(thread) = ticket.thread.clone() else { return Ok(()) };
    for file in &mut said.message.attachments {
        file.id = Some(AttachmentId::new(api.desk.environment().ulid()));
    }
    // From now on the message is found by its own id; unless it came by another way meanwhile.
    let message = match message {
        Some((under, message)) if api.desk.platform_message(&under, &message).await?.is_none() => {
            Some((under, message))
        }
        _ => None,
    };
    let mark = format!("reinterpreted:{}:{of}", ticket.id);
    let command = Command::Reinterpret { of, moved_to, said: Box::new(said) };
    let done = access
        .execute(ticket, command, |event, ticket| {
            let mut companions = vec![put_platform_message(&thread, &thread, &mark, ticket.id, event.seq)?];
            if let Some((under, message)) = &message {
                companions.push(put_platform_message(under, &thread, message, ticket.id, event.seq)?);
            }
            Ok(companions)
        })
        .await;
    match done {
        // The first companion tells that this was done; the other one, that the message came just now.
        Err(ExecuteError::DoneBefore(failed)) if !failed.contains(&0) => {
            Err(Problem::unavailable("a lost race"))
        }
        Ok(_) | Err(ExecuteError::DoneBefore(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
