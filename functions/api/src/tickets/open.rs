//! Tickets that the team opens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::command::{Command, Request, Update};
use desk::decide::valid_subject;
use desk::event::Said;
use desk::ids::{AgentId, ConnectionId, ContactId, TeamId, TicketId};
use desk::message::MessageContent;
use desk::ticket::{Priority, Ticket};
use serde::{Deserialize, Serialize};
use store::opening::{Customer, OpenError, Start};
use store::threads::Thread;
use utoipa::ToSchema;

use super::view::TicketView;
use crate::Shared;
use crate::access::{Access, Right, TicketsWrite};
use crate::body::Body;
use crate::notes::valid_text;
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::revision::etag;

/// How often the opening looks again when others change the conversation under it.
const ATTEMPTS: usize = 6;

/// A new ticket.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTicket {
    /// The customer.
    contact: ContactId,
    /// What it is about.
    #[schema(max_length = 200)]
    subject: String,
    /// A first note for the team.
    #[serde(default)]
    #[schema(max_length = 32768)]
    text: Option<String>,
    /// Together with `conversation`: an existing conversation of the customer that has no active ticket, to answer in.
    #[serde(default)]
    connection: Option<ConnectionId>,
    /// The platform's id of the conversation.
    #[serde(default)]
    conversation: Option<String>,
    /// How urgent it is; `normal` by default.
    #[serde(default)]
    priority: Option<Priority>,
    /// The team.
    #[serde(default)]
    team: Option<TeamId>,
    /// The agent.
    #[serde(default)]
    assignee: Option<AgentId>,
    /// Tags.
    #[serde(default)]
    #[schema(max_items = 20)]
    tags: Vec<String>,
}

/// What an opening made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    ticket: TicketId,
}

/// A conversation to open a ticket in, as it was just seen.
struct Conversation {
    thread: Thread,
    class: Option<ChannelClass>,
    previous: Option<Ticket>,
}

/// Opens a ticket.
#[utoipa::path(
    post, path = "/tickets", operation_id = "open_ticket", tag = "tickets",
    params(IdempotencyKey),
    request_body = NewTicket,
    responses(
        (status = CREATED, body = TicketView, headers(("ETag" = String, description = "The revision."))),
        (status = CONFLICT, description = "The conversation has an active ticket."),
    ),
    security(("token" = ["tickets:write"])),
)]
pub(super) async fn open(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewTicket>,
) -> Result<impl IntoResponse, Problem> {
    let once = Once::new(&api.desk, &access, &key, &digest);
    let mut opened = None;
    for _ in 0..ATTEMPTS {
        if let Some(Made { ticket }) = once.before().await? {
            opened = Some(Ticket::clone(&*access.ticket_by_id(ticket).await?));
            break;
        }
        match attempt(&api, &access, &new, &once).await? {
            Ok(ticket) => {
                opened = Some(ticket);
                break;
            }
            Err(OpenError::Raced | OpenError::DoneBefore(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ticket = opened.ok_or_else(|| Problem::unavailable(OpenError::Raced))?;
    let location = [(LOCATION, format!("/api/v1/tickets/{}", ticket.id))];
    Ok((StatusCode::CREATED, location, etag(ticket.revision), Json(TicketView::from(&ticket))))
}

/// One attempt. The outer result is for the caller, the inner one tells whether another attempt makes sense.
async fn attempt(
    api: &Shared,
    access: &Access<TicketsWrite>,
    new: &NewTicket,
    once: &Once<'_>,
) -> Result<Result<Ticket, OpenError>, Problem> {
    let subject = valid_subject(new.subject.clone())
        .map_err(|refusal| Problem::invalid(refusal.code(), "/subject", refusal.to_string()))?;
    let team = team(api, access, new).await?;
    if access.contact_if_any(new.contact).await?.is_none() {
        let detail = format!("there is no contact {}", new.contact);
        return Err(Problem::invalid("unknown_contact", "/contact", detail));
    }
    let conversation = conversation(api, new).await?;
    let (thread, class, previous) = match conversation {
        Some(Conversation { thread, class, previous }) => {
            (Some((thread.key.clone(), Some(thread))), class, previous)
        }
        None => (None, None, None),
    };
    let start = Start {
        customer: Customer::Known(new.contact),
        thread,
        class,
        priority: new.priority.unwrap_or_default(),
        team,
        subject,
        previous,
        related: None,
        correspondence: None,
        actor: Some(access.actor()),
        cause: None,
    };
    let commands = commands(access, new).await?;
    let opened = api
        .desk
        .open_ticket(
            start,
            |_| commands.clone(),
            |_, ticket| Ok(once.remember(&Made { ticket: ticket.id })?.into_iter().collect()),
        )
        .await;
    Ok(opened)
}

/// What happens to the ticket right after the opening.
async fn commands<R: Right>(access: &Access<R>, new: &NewTicket) -> Result<Vec<Request>, Problem> {
    let mut commands = Vec::new();
    if new.assignee.is_some() || !new.tags.is_empty() {
        let tags = (!new.tags.is_empty()).then(|| new.tags.clone());
        commands.push(Command::Update(Update {
            assignee: new.assignee.map(Some),
            tags,
            ..Update::default()
        }));
    }
    if let Some(text) = &new.text {
        let message = MessageContent::text(valid_text(text, "/text")?);
        let author = Some(access.author().await?);
        commands.push(Command::Note(Box::new(Said { author, message, ..Said::default() })));
    }
    let request = |command| Request { actor: access.actor(), cause: None, command };
    Ok(commands.into_iter().map(request).collect())
}

/// The team of the new ticket: a token that sees some teams only opens tickets where it can see them.
async fn team<R: Right>(
    api: &Shared,
    access: &Access<R>,
    new: &NewTicket,
) -> Result<Option<TeamId>, Problem> {
    let team = match (new.team, access.teams()) {
        (None, []) => return Ok(None),
        (None, [only]) => *only,
        (None, _) => {
            let detail = "the token is limited to teams, so one of them must be named";
            return Err(Problem::invalid("team_required", "/team", detail));
        }
        (Some(team), sight) if sight.is_empty() || sight.contains(&team) => team,
        (Some(team), _) => return Err(unknown_team(team)),
    };
    let known = |settings: &desk::settings::Settings| settings.teams.iter().any(|known| known.id == team);
    if known(&*api.desk.settings().await?) || known(&*api.desk.reload_settings().await?) {
        return Ok(Some(team));
    }
    Err(unknown_team(team))
}

fn unknown_team(team: TeamId) -> Problem {
    Problem::invalid("unknown_team", "/team", format!("there is no team {team}"))
}

/// The conversation that the ticket is to be answered in.
async fn conversation(api: &Shared, new: &NewTicket) -> Result<Option<Conversation>, Problem> {
    let (connection, conversation) = match (new.connection, &new.conversation) {
        (Some(connection), Some(conversation)) => (connection, conversation.clone()),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(Problem::invalid(
                "invalid_body",
                "/conversation",
                "is needed together with `connection`",
            ));
        }
        (None, Some(_)) => {
            return Err(Problem::invalid(
                "invalid_body",
                "/connection",
                "is needed together with `conversation`",
            ));
        }
    };
    let unknown = || {
        let detail = "the customer has no such conversation on that connection";
        Problem::invalid("unknown_conversation", "/conversation", detail)
    };
    let connection = api.desk.connection_by_id(connection).await?.ok_or_else(unknown)?;
    let key = ThreadKey { channel: connection.channel, connection: connection.id, conversation };
    let thread =
        api.desk.thread(&key).await?.filter(|thread| thread.contact == new.contact).ok_or_else(unknown)?;
    // Only the head's state is looked at, to keep one conversation with one active ticket; nothing of it is shown.
    let latest = api.desk.ticket(thread.ticket).await?;
    if latest.as_ref().is_some_and(|latest| latest.status.is_active()) {
        let detail = "The conversation has an active ticket; answer there.";
        return Err(Problem::conflict("conversation_has_ticket", detail));
    }
    let class = class(&key.channel).or_else(|| latest.as_ref().and_then(|latest| latest.class));
    let previous = latest.filter(|latest| latest.followed_up_by.is_none());
    Ok(Some(Conversation { thread, class, previous }))
}

fn class(channel: &Channel) -> Option<ChannelClass> {
    channels::platform(channel.as_str()).map(|platform| platform.class())
}
