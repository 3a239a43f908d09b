//! Replies whose delivery a person settles: it did arrive, it is to be sent again, or not at all.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use desk::command::Command;
use desk::event::{DeliveryProblem, Event, Fact};
use desk::ids::ReplyId;
use desk::reply::{Delivery, Reply};
use serde::Deserialize;
use store::answering::Answer;
use store::execute::ExecuteError;
use store::replies::next_version;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsWrite, Visible};
use crate::body::Body;
use crate::once::{IdempotencyKey, Once};
use crate::parameters::Place;
use crate::problem::Problem;
use crate::replies::{Made, ReplyView, created};
use crate::routes::{Routes, routes};

/// The reason of a reply that was sent again.
const REPLACED: &str = "replaced";
/// The reason of a reply that is not to be sent after all.
const CANCELLED: &str = "cancelled";
/// How often a resolution looks again when the reply changes under it.
const ATTEMPTS: usize = 4;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(resolve))
}

/// What became of a reply, as a person says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolution {
    /// The outcome.
    outcome: Outcome,
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It reached the customer. For uncertain replies; what the reply still has to send goes on.
    Arrived,
    /// It is to be sent once more, as a new reply, without the parts that are known to have arrived. For uncertain and
    /// failed ones.
    SendAgain,
    /// It is not to be sent after all, or no further. For queued ones: the customer waits for an answer again. One whose
    /// scheduled time has not come has answered nothing, and leaves the ticket as it is.
    Cancelled,
}

/// Settles a reply that is uncertain or failed, or cancels one that is still queued.
#[utoipa::path(
    post, path = "/tickets/{id}/replies/{reply}/resolve", operation_id = "resolve_reply", tag = "tickets",
    params(
        ("id" = String, Path, description = "The ticket's id or number."),
        ("reply" = ReplyId, Path, description = "The reply."),
        IdempotencyKey,
    ),
    request_body = Resolution,
    responses(
        (status = OK, body = ReplyView, description = "It arrived, or is cancelled."),
        (status = CREATED, body = ReplyView, description = "The new reply."),
        (status = CONFLICT, description = "There is nothing to settle."),
    ),
    security(("token" = ["tickets:write"])),
)]
async fn resolve(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    Place((id, reply)): Place<(String, String)>,
    key: IdempotencyKey,
    Body { value: Resolution { outcome }, digest }: Body<Resolution>,
) -> Result<Response, Problem> {
    let reply = reply.parse().map_err(|_| Problem::not_found())?;
    let once = Once::new(&api.desk, &access, &key, &digest);
    for _ in 0..ATTEMPTS {
        let ticket = access.ticket(&id).await?;
        let old = access.reply(&ticket, reply).await?;
        if let Some(Made { reply }) = once.before().await? {
            let reply = access.reply(&ticket, reply).await?;
            return match outcome {
                Outcome::Arrived | Outcome::Cancelled => Ok(Json(ReplyView::from(&reply)).into_response()),
                Outcome::SendAgain => Ok(created(&reply)?.into_response()),
            };
        }
        let done = match outcome {
            Outcome::Arrived => arrived(&api, &access, &ticket, old, &once).await?,
            Outcome::SendAgain => send_again(&access, &ticket, &old, &once).await?,
            Outcome::Cancelled => cancelled(&access, &ticket, old, &once).await?,
        };
        if let Some(response) = done {
            return Ok(response);
        }
    }
    Err(Problem::unavailable("a reply changed at every attempt to settle it"))
}

/// Notes that an uncertain reply arrived. `None` when the reply changed meanwhile.
async fn arrived(
    api: &Shared,
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    old: Reply,
    once: &Once<'_>,
) -> Result<Option<Response>, Problem> {
    if old.state != Delivery::Uncertain {
        return Err(not_resolvable(&old));
    }
    let mut settled = old;
    settled.confirm(api.desk.now());
    let command = Command::ConfirmReply {
        reply: settled.id,
        seq: settled.seq,
        automatic: settled.content.automatic,
        status: settled.status,
    };
    settle(access, ticket, settled, command, once).await
}

/// Ends a reply that is still queued. `None` when the reply changed meanwhile: its sender may have been faster.
async fn cancelled(
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    old: Reply,
    once: &Once<'_>,
) -> Result<Option<Response>, Problem> {
    if old.state != Delivery::Queued {
        return Err(not_resolvable(&old));
    }
    let withdrawn = old.is_scheduled();
    let ended = Reply {
        state: Delivery::Failed,
        reason: Some(CANCELLED.to_owned()),
        detail: None,
        due_at: None,
        held: false,
        ..old
    };
    let command = Command::FailReply(DeliveryProblem {
        reply: ended.id,
        reason: CANCELLED.to_owned(),
        detail: None,
        automatic: ended.content.automatic,
        withdrawn,
    });
    settle(access, ticket, ended, command, once).await
}

/// Writes how a reply ended, with the event of it. `None` when the reply changed meanwhile.
async fn settle(
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    settled: Reply,
    command: Command,
    once: &Once<'_>,
) -> Result<Option<Response>, Problem> {
    let done = access
        .execute(ticket, command, |_, _| {
            let mut companions = vec![next_version(&mut settled.clone())?];
            companions.extend(once.remember(&Made { reply: settled.id })?);
            Ok(companions)
        })
        .await;
    match done {
        Ok(_) => Ok(Some((StatusCode::OK, Json(ReplyView::from(&settled))).into_response())),
        Err(ExecuteError::DoneBefore(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sends the content of a reply once more. `None` when the reply changed meanwhile.
async fn send_again(
    access: &Access<TicketsWrite>,
    ticket: &Visible,
    old: &Reply,
    once: &Once<'_>,
) -> Result<Option<Response>, Problem> {
    let replaced = old.reason.as_deref() == Some(REPLACED);
    if !matches!(old.state, Delivery::Uncertain | Delivery::Failed) || replaced {
        return Err(not_resolvable(old));
    }
    let event = access.event(ticket, &old.seq.to_string()).await?;
    let answer = Answer { again: Some(old.id), author: Some(access.author().await?), ..same(old, &event) };
    // The old one can be replaced once only, whether it was uncertain or failed.
    let ended =
        Reply { state: Delivery::Failed, reason: Some(REPLACED.to_owned()), due_at: None, ..old.clone() };
    let done = access
        .answer(ticket, answer, |reply| {
            let mut companions = vec![next_version(&mut ended.clone())?];
            companions.extend(once.remember(&Made { reply: reply.id })?);
            Ok(companions)
        })
        .await;
    let event = match done {
        Ok(done) => done.event,
        Err(ExecuteError::DoneBefore(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match event.map(|event| event.fact) {
        Some(Fact::Replied(new)) => {
            let reply = access.reply(ticket, new.reply).await?;
            Ok(Some(created(&reply)?.into_response()))
        }
        _ => Err(Problem::internal("a reply without an event")),
    }
}

/// An answer that says what an earlier reply said.
fn same(old: &Reply, event: &Event) -> Answer {
    let said = event.content.said();
    Answer {
        text: old.content.text.clone(),
        attachments: said.map(|said| said.message.attachments.clone()).unwrap_or_default(),
        reply_to: old.content.reply_to.clone(),
        sender_name: old.content.sender_name.clone(),
        automatic: old.content.automatic,
        status: old.status,
        arrived: there_already(old),
        ..Answer::default()
    }
}

/// The parts of a reply that are known to have arrived: none, where the platform had taken all of it and told afterwards
/// that it could not deliver it.
fn there_already(old: &Reply) -> Vec<String> {
    let taken = old.of.is_some_and(|of| old.parts.len() >= of);
    if taken { Vec::new() } else { old.parts.clone() }
}

fn not_resolvable(reply: &Reply) -> Problem {
    let word = serde_json::to_value(reply.state).ok().and_then(|word| word.as_str().map(str::to_owned));
    let detail =
        format!("The reply is {}; there is nothing of this kind to settle.", word.unwrap_or_default());
    Problem::conflict("not_resolvable", detail)
}
