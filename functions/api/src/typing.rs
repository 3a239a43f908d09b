//! Who is writing just now: told to customers who have the conversation open, and asked of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use channels::platform::News;
use serde::Serialize;
use store::live::is_typing;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsRead, TicketsWrite};
use crate::parameters::Place;
use crate::problem::Problem;
use crate::replies::sender_name;
use crate::routes::{Routes, routes};

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(tell, ask))
}

/// Who is writing just now.
#[derive(Debug, Serialize, ToSchema)]
struct Typing {
    /// Whether the customer was writing in the last ten seconds. Only some channels tell.
    customer: bool,
}

/// Shows the customer that somebody is writing an answer, where the channel can. Repeat it every few seconds.
#[utoipa::path(
    post, path = "/tickets/{id}/typing", operation_id = "tell_typing", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number.")),
    responses((status = NO_CONTENT)),
    security(("token" = ["tickets:write"])),
)]
async fn tell(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    Place(id): Place<String>,
) -> Result<StatusCode, Problem> {
    let ticket = access.ticket(&id).await?;
    if let Some(thread) = ticket.answers_in()
        && let Some(platform) = channels::platform(thread.channel.as_str())
    {
        let name = sender_name(&api, &access, &ticket, thread).await?;
        if let Some(frame) = platform.frame(News::Typing(name.as_deref())) {
            api.live.push(thread, &frame).await;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the customer is writing just now.
#[utoipa::path(
    get, path = "/tickets/{id}/typing", operation_id = "get_typing", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id or number.")),
    responses((status = OK, body = Typing)),
    security(("token" = ["tickets:read"])),
)]
async fn ask(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place(id): Place<String>,
) -> Result<Json<Typing>, Problem> {
    let ticket = access.ticket(&id).await?;
    let customer = match &ticket.thread {
        Some(thread) => is_typing(&*api.index, thread, api.desk.now()).await?,
        None => false,
    };
    Ok(Json(Typing { customer }))
}
