//! Answers to customers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::channel::ThreadKey;
use desk::event::Fact;
use desk::ids::{AttachmentId, ReplyId, TicketId};
use desk::message::Attachment;
use desk::reply::{Delivery, Reply};
use desk::ticket::Status;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::answering::Answer;
use store::attachments::{FileState, StoredFile, put_file};
use store::execute::ExecuteError;
use store::table::Write;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsWrite, Visible};
use crate::body::Body;
use crate::notes::valid_text;
use crate::once::{IdempotencyKey, Once};
use crate::parameters::Place;
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// The most files of one reply.
const MAX_FILES: usize = 10;
/// How far ahead a reply can be scheduled.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 366);
/// How often a reply is tried anew when its files change under it.
const ATTEMPTS: usize = 4;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(send)).merge(crate::resolution::routes())
}

/// A new reply: a text, files, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReply {
    /// Plain text; at most 32 KB.
    #[serde(default)]
    #[schema(max_length = 32768)]
    text: Option<String>,
    /// Uploaded files, by their ids.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<AttachmentId>,
    /// The message that it answers: the platform's id of it, or the position of its event.
    #[serde(default)]
    reply_to: Option<Answered>,
    /// The ticket's status afterwards; by default an open ticket waits for the customer.
    #[serde(default)]
    status: Option<Status>,
    /// Not to be sent before this time. Until then it is no answer, and the ticket's status and clocks stay as they are.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
}

/// The message that a reply answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected a message's id as text, or the position of its event as a number")]
enum Answered {
    /// By the position of its event.
    Event(u64),
    /// By the platform's id.
    Message(String),
}

/// A reply that was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reply)]
pub(crate) struct ReplyView {
    /// The id.
    id: ReplyId,
    /// The ticket.
    ticket: TicketId,
    /// The position of its event.
    seq: u64,
    /// How far it has come.
    delivery: Delivery,
    /// Not to be sent before.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Reply> for ReplyView {
    fn from(reply: &Reply) -> Self {
        Self {
            id: reply.id,
            ticket: reply.ticket,
            seq: reply.seq,
            delivery: reply.state,
            not_before: reply.not_before,
            created_at: reply.created_at,
        }
    }
}

/// What a request for a reply made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The reply.
    pub(crate) reply: ReplyId,
}

/// Writes an answer to the customer. It is sent soon after; its event tells how far it has come.
#[utoipa::path(
    post, path = "/tickets/{id}/replies", operation_id = "reply", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number."), IdempotencyKey),
    request_body = NewReply,
    responses(
        (status = CREATED, body = ReplyView),
        (status = CONFLICT, description = "The ticket is closed, or has no conversation to answer in."),
    ),
    security(("token" = ["tickets:write"])),
)]
async fn send(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    Place(id): Place<String>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewReply>,
) -> Result<(StatusCode, Json<ReplyView>), Problem> {
    let once = Once::new(&api.desk, &access, &key, &digest);
    for _ in 0..ATTEMPTS {
        let ticket = access.ticket(&id).await?;
        if let Some(Made { reply }) = once.before().await? {
            return created(&access.reply(&ticket, reply).await?);
        }
        let (answer, files) = compose(&api, &access, &ticket, &new).await?;
        let written = access
            .answer(&ticket, answer, |reply| {
                let mut companions: Vec<Write> =
                    once.remember(&Made { reply: reply.id })?.into_iter().collect();
                for file in &files {
                    companions.push(put_file(file)?);
                }
                Ok(companions)
            })
            .await;
        match written {
            Ok(done) => {
                // As it now stands: it may have gone on in another conversation since it was read.
                let ticket = access.ticket_by_id(ticket.id).await?;
                let reply = done.event.and_then(|event| match event.fact {
                    Fact::Replied(replied) => Some(replied.reply),
                    _ => None,
                });
                let reply = reply.ok_or_else(|| Problem::internal("a reply without an event"))?;
                return created(&access.reply(&ticket, reply).await?);
            }
            // The same request, or another one with the same files, was faster.
            Err(ExecuteError::DoneBefore(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::unavailable("a reply lost every race for its files"))
}

pub(crate) fn created(reply: &Reply) -> Result<(StatusCode, Json<ReplyView>), Problem> {
    Ok((StatusCode::CREATED, Json(ReplyView::from(reply))))
}

/// The answer, checked, and the files as they are when it is written.
async fn compose(
    api: &Shared,
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    new: &NewReply,
) -> Result<(Answer, Vec<StoredFile>), Problem> {
    let text = new.text.as_deref().map(|text| valid_text(text, "/text")).transpose()?;
    if text.is_none() && new.attachments.is_empty() {
        return Err(Problem::invalid("empty_reply", "", "a reply has a text, files, or both"));
    }
    let Some(thread) = ticket.answers_in() else {
        return Err(desk::command::Refusal::NoConversation.into());
    };
    let platform = channels::platform(thread.channel.as_str());
    if platform.is_some_and(|platform| !platform.can_answer(&thread.conversation)) {
        let detail =
            "What came could not be read far enough to tell who wrote it; there is nobody to answer.";
        return Err(Problem::conflict("no_conversation", detail));
    }
    let not_before = scheduled(api, new.not_before)?;
    let (attachments, files) = files(api, access, ticket, &new.attachments).await?;
    let answer = Answer {
        text,
        attachments,
        reply_to: answered(api, access, ticket, thread, new.reply_to.as_ref()).await?,
        sender_name: sender_name(api, access, ticket, thread).await?,
        author: Some(access.author().await?),
        status: new.status,
        not_before,
        ..Answer::default()
    };
    Ok((answer, files))
}

fn scheduled(api: &Shared, at: Option<Timestamp>) -> Result<Option<Timestamp>, Problem> {
    let now = api.desk.now();
    match at {
        Some(at) if at.duration_since(now) > FURTHEST => Err(Problem::invalid(
            "too_far_ahead",
            "/not_before",
            "a reply can be scheduled for the next 366 days",
        )),
        at => Ok(at.filter(|at| *at > now)),
    }
}

/// The files of a reply: as its event shows them, and as they are stored once they belong to the ticket.
async fn files(
    api: &Shared,
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    ids: &[AttachmentId],
) -> Result<(Vec<Attachment>, Vec<StoredFile>), Problem> {
    if ids.len() > MAX_FILES {
        let detail = format!("a reply has at most {MAX_FILES} files");
        return Err(Problem::invalid("too_many_attachments", "/attachments", detail));
    }
    let platform = ticket.answers_in().and_then(|thread| channels::platform(thread.channel.as_str()));
    let (mut shown, mut changed): (Vec<Attachment>, Vec<StoredFile>) = (Vec::new(), Vec::new());
    for (position, id) in ids.iter().enumerate() {
        let pointer = format!("/attachments/{position}");
        let unknown = || {
            Problem::invalid("unknown_attachment", &pointer, format!("there is no file {id} for this ticket"))
        };
        if shown.iter().any(|earlier| earlier.id == Some(*id)) {
            return Err(Problem::invalid("repeated_attachment", &pointer, "the file is named twice"));
        }
        // What is hidden must look like what is absent here, too.
        let file = match access.file(&id.to_string()).await {
            Ok(file) => file,
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => return Err(unknown()),
            Err(problem) => return Err(problem),
        };
        if file.ticket.is_some_and(|owner| owner != ticket.id) {
            return Err(unknown());
        }
        if file.state != FileState::Stored && api.blobs.size(&file.key).await? != Some(file.size) {
            return Err(Problem::invalid("not_uploaded", &pointer, "the file has not been uploaded yet"));
        }
        shown.push(Attachment {
            id: Some(*id),
            kind: platform
                .map_or(desk::message::AttachmentKind::File, |it| it.attachment_kind(&file.content_type)),
            name: Some(file.name.clone()),
            content_type: Some(file.content_type.clone()),
            size: Some(file.size),
            duration: None,
            source: None,
        });
        if file.ticket.is_none() || file.state != FileState::Stored {
            let version = file.version + 1;
            changed.push(StoredFile { ticket: Some(ticket.id), state: FileState::Stored, version, ..file });
        }
    }
    Ok((shown, changed))
}

/// The platform's id of the message that is answered.
async fn answered(
    api: &Shared,
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    thread: &ThreadKey,
    answered: Option<&Answered>,
) -> Result<Option<String>, Problem> {
    let unknown =
        || Problem::invalid("unknown_message", "/reply_to", "there is no such message in the conversation");
    match answered {
        None => Ok(None),
        Some(Answered::Message(message)) => {
            let present = api.desk.thread(thread).await?.map(|known| known.address().to_owned());
            let conversation = present.unwrap_or_else(|| thread.conversation.clone());
            let stands = ThreadKey { conversation, ..thread.clone() };
            let under = channels::platform(thread.channel.as_str())
                .map_or_else(|| stands.clone(), |platform| platform.messages_of(&stands));
            let found = api.desk.platform_message(&under, message).await?.ok_or_else(unknown)?;
            // Where ids are unique among several conversations, it may be one of another.
            let elsewhere = if under == thread.whole_connection() {
                found.ticket != ticket.id
            } else {
                found.conversation.is_some_and(|conversation| {
                    // An answer from before a group moved stands with the group's first id.
                    conversation != stands.conversation && conversation != thread.conversation
                })
            };
            if elsewhere {
                return Err(unknown());
            }
            Ok(Some(message.clone()))
        }
        Some(Answered::Event(seq)) => {
            let event = access.event(ticket, &seq.to_string()).await.map_err(|_| unknown())?;
            if ticket.thread_of(&event) != Some(thread) {
                // The conversation goes on in another place, where the message has no id.
                return Ok(None);
            }
            match event.fact {
                Fact::MessageReceived(received) => Ok(Some(received.message)),
                Fact::Replied(replied) => {
                    let reply = access.reply(ticket, replied.reply).await?;
                    let mut parts = reply.parts.into_iter();
                    Ok(Some(parts.find(|part| !part.is_empty()).ok_or_else(unknown)?))
                }
                _ => Err(unknown()),
            }
        }
    }
}

/// The name that the customer sees, as the connection has it.
pub(crate) async fn sender_name(
    api: &Shared,
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    thread: &ThreadKey,
) -> Result<Option<String>, Problem> {
    let Some(connection) = api.desk.connection(&thread.channel, thread.connection).await? else {
        let detail =
            "The connection that the customer wrote to was deleted; there is nowhere to send a reply.";
        return Err(Problem::conflict("connection_deleted", detail));
    };
    match connection.settings.get("sender_name").and_then(serde_json::Value::as_str) {
        Some("agent") => access.agent_name().await,
        Some("team") => {
            let settings = api.desk.settings().await?;
            let team = ticket.team.and_then(|id| settings.teams.iter().find(|team| team.id == id));
            Ok(team.map(|team| team.sender_name.clone().unwrap_or_else(|| team.name.clone())))
        }
        _ => Ok(None),
    }
}
