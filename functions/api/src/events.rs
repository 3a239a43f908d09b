//! What happened to a ticket, with how far its replies and files have come.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use desk::channel::Channel;
use desk::event::{Event, Fact, Raw};
use desk::ids::ReplyId;
use desk::reply::{Delivery, Reply};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::attachments::StoredFile;
use store::blobs::BlobError;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsRead, Visible};
use crate::attachments::{content_url, download_link};
use crate::page::{Page, Paging, cursor};
use crate::parameters::{Parameters, Place};
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// How much of an original is shown with its event, in bytes.
const RAW_SHOWN: usize = 4096;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(raw)).merge(crate::replay::routes())
}

/// An event, with how far its reply has come.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// The event. Files in its content carry their `state` and `url`; an original that was not understood its `url`.
    #[serde(flatten)]
    #[schema(value_type = Event)]
    event: Value,
    /// For a reply: how far it has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
    /// For a reply: more about its delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_detail: Option<DeliveryDetail>,
    /// For a reply that goes on by mail should the customer not see it in time: what became of the mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<CopyView>,
}

/// What became of a copy of a reply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplyCopy)]
struct CopyView {
    /// The channel that it goes by.
    channel: Channel,
    /// How far it has come; `read` without having been sent when the customer saw the reply itself.
    delivery: Delivery,
    /// More about its delivery.
    delivery_detail: DeliveryDetail,
}

impl From<Reply> for CopyView {
    fn from(copy: Reply) -> Self {
        let delivery_detail = DeliveryDetail::from(&copy);
        Self { channel: copy.thread.channel, delivery: copy.state, delivery_detail }
    }
}

/// More about the delivery of a reply.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryDetail {
    /// How many times a part of it was tried.
    attempts: u32,
    /// Why the last attempt did not succeed, or did not reach everybody: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the platform said to the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Not to be sent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// When the platform accepted all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    /// Whether it waits for its connection to be mended.
    held: bool,
    /// The platform's ids of the parts sent so far.
    messages: Vec<String>,
}

impl From<&Reply> for DeliveryDetail {
    fn from(reply: &Reply) -> Self {
        Self {
            attempts: reply.attempts,
            reason: reply.reason.clone(),
            detail: reply.detail.clone(),
            not_before: reply.not_before,
            sent_at: reply.sent_at,
            held: reply.held,
            messages: reply.parts.iter().filter(|part| !part.is_empty()).cloned().collect(),
        }
    }
}

/// What happened to a ticket, oldest first.
#[utoipa::path(
    get, path = "/tickets/{id}/events", operation_id = "list_events", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number."), Paging),
    responses((status = OK, body = Page<EventView>)),
    security(("token" = ["tickets:read"])),
)]
async fn list(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place(id): Place<String>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<Page<EventView>>, Problem> {
    let ticket = access.ticket(&id).await?;
    let list = format!("events of {}", ticket.id);
    let (limit, position) = (paging.limit()?, paging.position(&api.key, &list)?);
    let after = position.and_then(|position| position.parse().ok()).unwrap_or_default();
    let found = access.events(&ticket, after, limit).await?;
    let items = views(&access, &ticket, found.items).await?;
    Ok(Json(Page { items, next_cursor: found.next.map(|next| cursor(&api.key, &list, &next)) }))
}

/// Events with their replies and files, which are read in one go each.
async fn views(
    access: &Access<TicketsRead>,
    ticket: &Visible,
    events: Vec<Event>,
) -> Result<Vec<EventView>, Problem> {
    let replies: Vec<_> = events.iter().filter_map(reply_of).collect();
    let replies = if replies.is_empty() { Vec::new() } else { access.replies(ticket, &replies).await? };
    let copies = access.copies(&replies).await?;
    let files: Vec<_> = events
        .iter()
        .filter_map(|event| event.content.said())
        .flat_map(|said| said.message.attachments.iter().filter_map(|file| file.id))
        .collect();
    let files = if files.is_empty() { Vec::new() } else { access.files(ticket, &files).await? };
    events.iter().map(|event| view(ticket, event, (&replies, &copies), &files)).collect()
}

const fn reply_of(event: &Event) -> Option<ReplyId> {
    match &event.fact {
        Fact::Replied(replied) => Some(replied.reply),
        _ => None,
    }
}

fn view(
    ticket: &Visible,
    event: &Event,
    (replies, copies): (&[Reply], &[Reply]),
    files: &[StoredFile],
) -> Result<EventView, Problem> {
    let mut shown = serde_json::to_value(event).map_err(Problem::internal)?;
    if let Some(attachments) = shown.pointer_mut("/content/attachments").and_then(Value::as_array_mut) {
        for attachment in attachments {
            show_file(attachment, files);
        }
    }
    if let (Some(said), Some(place)) = (event.content.said(), shown.pointer_mut("/content/raw"))
        && let Some(raw) = &said.raw
    {
        *place = show_raw(ticket, event.seq, raw);
    }
    let of_event = |among: &[Reply]| {
        let id = reply_of(event)?;
        among.iter().find(|reply| reply.id == id).cloned()
    };
    let (reply, copy) = (of_event(replies), of_event(copies));
    Ok(EventView {
        event: shown,
        delivery: reply.as_ref().map(|reply| reply.state),
        delivery_detail: reply.as_ref().map(DeliveryDetail::from),
        copy: copy.map(CopyView::from),
    })
}

/// Adds what became of a file, and takes away what only the channel needs.
fn show_file(attachment: &mut Value, files: &[StoredFile]) {
    let Some(attachment) = attachment.as_object_mut() else { return };
    attachment.shift_remove("source");
    let id = attachment.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let Some(id) = id else { return };
    match files.iter().find(|file| file.id == id) {
        Some(file) => {
            attachment.insert("name".to_owned(), json!(file.name));
            attachment.insert("content_type".to_owned(), json!(file.content_type));
            attachment.insert("size".to_owned(), json!(file.size));
            attachment.insert("state".to_owned(), json!(file.state));
            if let Some(reason) = &file.reason {
                attachment.insert("reason".to_owned(), json!(reason));
            }
        }
        None => {
            attachment.insert("state".to_owned(), json!(store::attachments::FileState::Pending));
        }
    }
    attachment.insert("url".to_owned(), json!(content_url(id)));
}

/// An original: its beginning, when it is text that is kept with the event, and where all of it is.
fn show_raw(ticket: &Visible, seq: u64, raw: &Raw) -> Value {
    let url = format!("/api/v1/tickets/{}/events/{seq}/raw", ticket.id);
    match raw {
        Raw::Text(text) => {
            let shown = text.get(..text.floor_char_boundary(RAW_SHOWN)).unwrap_or_default();
            json!({"text": shown, "truncated": shown.len() < text.len(), "url": url})
        }
        Raw::Base64(_) => json!({"url": url}),
        Raw::Object(key) => json!({"object": key, "url": url}),
    }
}

/// The original of a message that was not understood, as the platform sent it.
#[utoipa::path(
    get, path = "/tickets/{id}/events/{seq}/raw", operation_id = "get_event_raw", tag = "tickets",
    params(
        ("id" = String, Path, description = "The ticket's id or number."),
        ("seq" = u64, Path, description = "The event's position."),
    ),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream")),
    security(("token" = ["tickets:read"])),
)]
async fn raw(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place((id, seq)): Place<(String, String)>,
) -> Result<Response, Problem> {
    let ticket = access.ticket(&id).await?;
    let event = access.event(&ticket, &seq).await?;
    let name = format!("{}-{}.raw", ticket.number, event.seq);
    // A function's answer has a limit that a large original exceeds; the store's own has none.
    if let Some(Raw::Object(key)) = event.content.said().and_then(|said| said.raw.as_ref())
        && let Some(link) = download_link(&api, key, &name).await?
    {
        return Ok((StatusCode::FOUND, [(LOCATION, link)]).into_response());
    }
    let bytes = original(&api, &event).await?.ok_or_else(Problem::not_found)?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

/// The kept original of an event, if it has one.
pub(crate) async fn original(api: &Shared, event: &Event) -> Result<Option<Vec<u8>>, Problem> {
    match event.content.said().and_then(|said| said.raw.as_ref()) {
        None => Ok(None),
        Some(Raw::Text(text)) => Ok(Some(text.clone().into_bytes())),
        Some(Raw::Base64(text)) => Ok(Some(BASE64.decode(text).map_err(Problem::internal)?)),
        Some(Raw::Object(key)) => match api.blobs.get(key).await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(BlobError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        },
    }
}
