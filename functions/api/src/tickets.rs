//! Tickets: the list, one of them, its changes; opening is in [`open`].

mod open;
pub(crate) mod view;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use desk::channel::{Channel, ChannelClass};
use desk::command::{Command, Update};
use desk::ids::{AgentId, ContactId, TeamId};
use desk::ticket::{Priority, Status};
use serde::{Deserialize, Deserializer};
use store::tickets::Summary;
use utoipa::{IntoParams, ToSchema};

use self::view::{TicketSummary, TicketView};
use crate::Shared;
use crate::access::{Access, TicketsRead, TicketsWrite};
use crate::body::Body;
use crate::page::{Page, Paging, cursor};
use crate::parameters::{OrNone, Parameters, Place, Several, parsed};
use crate::problem::Problem;
use crate::revision::{IfMatch, etag};
use crate::routes::{Routes, routes};

/// The list in whose name cursors are made.
const LIST: &str = "tickets";

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list, open::open)).routes(routes!(show, change))
}

/// Which tickets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Statuses, with commas between them or repeated; all when absent.
    #[param(value_type = Option<String>, example = "new,open")]
    status: Option<Several<Status>>,
    /// Teams, with commas between them or repeated; `none` for tickets without one.
    #[param(value_type = Option<String>)]
    team: Option<Several<OrNone<TeamId>>>,
    /// The agent; `none` for tickets that nobody works on.
    #[param(value_type = Option<String>)]
    assignee: Option<OrNone<AgentId>>,
    /// The channel.
    channel: Option<Channel>,
    /// The customer.
    contact: Option<ContactId>,
    /// How many entries, 1 to 100; 25 by default.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Where an earlier page ended.
    cursor: Option<String>,
}

impl Filter {
    fn statuses(&self) -> Vec<Status> {
        let Some(Several(asked)) = &self.status else { return Status::ALL.to_vec() };
        Status::ALL.into_iter().filter(|status| asked.contains(status)).collect()
    }

    fn teams(&self) -> Option<Vec<Option<TeamId>>> {
        let mut teams: Vec<_> = self.team.as_ref()?.0.iter().map(|team| team.0).collect();
        teams.sort_unstable();
        teams.dedup();
        Some(teams)
    }

    fn lets_through(&self, ticket: &Summary) -> bool {
        let channel = ticket.thread.as_ref().map(|thread| &thread.channel);
        self.assignee.is_none_or(|agent| ticket.assignee == agent.0)
            && self.channel.as_ref().is_none_or(|wanted| channel == Some(wanted))
            && self.contact.is_none_or(|contact| ticket.contact == contact)
    }
}

/// Tickets, the last changed first.
#[utoipa::path(
    get, path = "/tickets", operation_id = "list_tickets", tag = "tickets",
    params(Filter),
    responses((status = OK, body = Page<TicketSummary>)),
    security(("token" = ["tickets:read"])),
)]
async fn list(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page<TicketSummary>>, Problem> {
    let paging = Paging { limit: filter.limit, cursor: filter.cursor.clone() };
    let (limit, position) = (paging.limit()?, paging.position(&api.key, LIST)?);
    let keep = |ticket: &Summary| filter.lets_through(ticket);
    let found = access.list_tickets(&filter.statuses(), filter.teams(), position, limit, keep).await?;
    Ok(Json(Page {
        items: found.items.into_iter().map(TicketSummary::from).collect(),
        next_cursor: found.next.map(|next| cursor(&api.key, LIST, &next)),
    }))
}

/// One ticket, by its id or its number.
#[utoipa::path(
    get, path = "/tickets/{id}", operation_id = "get_ticket", tag = "tickets",
    params(("id" = String, Path, description = "The id, or the number with or without `#`.")),
    responses((status = OK, body = TicketView, headers(("ETag" = String, description = "The revision.")))),
    security(("token" = ["tickets:read"])),
)]
async fn show(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place(id): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    let ticket = access.ticket(&id).await?;
    let mut view = TicketView::from(&*ticket);
    if let Some(thread) = ticket.thread.as_ref().filter(|_| ticket.class == Some(ChannelClass::Email)) {
        let talk = api.desk.thread(thread).await?.and_then(|thread| thread.correspondence);
        view.next_answer = talk.map(Into::into);
    }
    Ok((etag(ticket.revision), Json(view)))
}

/// What to change. What is absent stays; `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TicketChanges {
    /// The new status.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    status: Option<Status>,
    /// The new priority.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    priority: Option<Priority>,
    /// The new team, or none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<TeamId>)]
    team: Option<Option<TeamId>>,
    /// The new assignee, or nobody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<AgentId>)]
    assignee: Option<Option<AgentId>>,
    /// All tags that shall stand.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, max_items = 20)]
    tags: Option<Vec<String>>,
    /// The new subject.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false, max_length = 200)]
    subject: Option<String>,
}

/// Tells a present `null` from an absent field.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Changes a ticket.
#[utoipa::path(
    patch, path = "/tickets/{id}", operation_id = "change_ticket", tag = "tickets",
    params(("id" = String, Path, description = "The id, or the number with or without `#`."), IfMatch),
    request_body = TicketChanges,
    responses(
        (status = OK, body = TicketView, headers(("ETag" = String, description = "The new revision."))),
        (status = CONFLICT, description = "The ticket is closed, or cannot go to that status."),
    ),
    security(("token" = ["tickets:write"])),
)]
async fn change(
    access: Access<TicketsWrite>,
    Place(id): Place<String>,
    seen: IfMatch,
    Body { value: changes, .. }: Body<TicketChanges>,
) -> Result<impl IntoResponse, Problem> {
    let ticket = access.ticket(&id).await?;
    let update = Update {
        expected: seen.expected,
        status: changes.status,
        priority: changes.priority,
        team: changes.team,
        assignee: changes.assignee,
        tags: changes.tags,
        subject: changes.subject,
    };
    let after = access.execute(&ticket, Command::Update(update), |_, _| Ok(Vec::new())).await?.ticket;
    Ok((etag(after.revision), Json(TicketView::from(&after))))
}
