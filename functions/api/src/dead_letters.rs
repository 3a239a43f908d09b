//! Messages that could not be processed: to look at, and to send again.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::blobs::BlobError;
use store::dead_letters::{DeadLetters, Letter, Redriven};
use store::envelope::Envelope;
use utoipa::{IntoParams, ToSchema};

use crate::Shared;
use crate::access::{Access, Operations};
use crate::body::Body;
use crate::page::{Page, Paging};
use crate::parameters::{Parameters, Place, parsed};
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// The most letters of a queue that are looked at.
const MOST: usize = 1000;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(redrive))
}

/// Which letters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// The queue that could not process them; all when absent.
    #[param(example = "inbound")]
    queue: Option<String>,
    /// How many entries, 1 to 100; 25 by default.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Where an earlier page ended.
    cursor: Option<String>,
}

/// A dead letter with what it says.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedLetter {
    #[serde(flatten)]
    letter: Letter,
    /// The body of the queue's message.
    body: String,
    /// What the body only names, because it was too large for the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// What to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redrive {
    /// One letter; all of the queue when absent.
    #[serde(default)]
    id: Option<String>,
}

/// Dead letters, oldest first.
#[utoipa::path(
    get, path = "/dead-letters", operation_id = "list_dead_letters", tag = "operations",
    params(Filter),
    responses((status = OK, body = Page<Letter>)),
    security(("token" = ["operations"])),
)]
async fn list(
    State(api): State<Shared>,
    _: Access<Operations>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page<Letter>>, Problem> {
    let mut letters = Vec::new();
    match &filter.queue {
        Some(name) => letters.extend(queue(&api, name)?.list(MOST).await?),
        None => {
            for queue in &api.dead_letters {
                letters.extend(queue.list(MOST).await?);
            }
        }
    }
    let place = |letter: &Letter| format!("{:.3}#{}#{}", letter.sent_at, letter.queue, letter.id);
    letters.sort_by_key(place);
    let paging = Paging { limit: filter.limit, cursor: filter.cursor };
    Ok(Json(paging.cut(&api.key, "dead letters", letters, place)?))
}

/// One dead letter with its body.
#[utoipa::path(
    get, path = "/dead-letters/{queue}/{id}", operation_id = "get_dead_letter", tag = "operations",
    params(
        ("queue" = String, Path, description = "The queue that could not process it."),
        ("id" = String, Path, description = "The letter."),
    ),
    responses((status = OK, body = OpenedLetter)),
    security(("token" = ["operations"])),
)]
async fn show(
    State(api): State<Shared>,
    _: Access<Operations>,
    Place((name, id)): Place<(String, String)>,
) -> Result<Json<OpenedLetter>, Problem> {
    let found = queue(&api, &name)?.show(&id).await?;
    let (letter, body) = found.ok_or_else(Problem::not_found)?;
    let content = match Envelope::kept(&body, &api.blobs).await {
        // A letter outlives what it names by months at most; it can be looked at all the same.
        Err(BlobError::Missing(_)) => None,
        kept => kept?.map(|kept| String::from_utf8_lossy(&kept).into_owned()),
    };
    Ok(Json(OpenedLetter { letter, body, content }))
}

/// Sends dead letters back to where they failed.
#[utoipa::path(
    post, path = "/dead-letters/{queue}/redrive", operation_id = "redrive_dead_letters", tag = "operations",
    params(("queue" = String, Path, description = "The queue that could not process them.")),
    request_body = Option<Redrive>,
    responses(
        (status = OK, body = Redriven),
        (status = CONFLICT, description = "Letters of this queue cannot be sent again; something else repeats the work."),
    ),
    security(("token" = ["operations"])),
)]
async fn redrive(
    State(api): State<Shared>,
    _: Access<Operations>,
    Place(name): Place<String>,
    body: Option<Body<Redrive>>,
) -> Result<Json<Redriven>, Problem> {
    let queue = queue(&api, &name)?;
    if queue.source.is_none() {
        let detail = "Letters of this queue cannot be sent again; something else repeats the work.";
        return Err(Problem::conflict("not_redrivable", detail));
    }
    let id = body.and_then(|body| body.value.id);
    Ok(Json(queue.redrive(id.as_deref()).await?))
}

fn queue<'a>(api: &'a Shared, name: &str) -> Result<&'a DeadLetters, Problem> {
    api.dead_letters.iter().find(|queue| queue.name == name).ok_or_else(Problem::not_found)
}
