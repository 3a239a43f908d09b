//! The formatted form of a message, safe to be shown.

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::access::{Access, TicketsRead};
use crate::events::original;
use crate::parameters::{Parameters, Place, parsed};
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// Whatever slipped through: no script runs, nothing is loaded but the images within the answer itself, and a frame of
/// it reaches nothing around it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-popups";
/// The same where remote images are asked for. Where the desk itself is reached by HTTPS, browsers ask for those of
/// `http:` by HTTPS, too.
const POLICY_WITH_IMAGES: &str =
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; sandbox allow-popups";

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(formatted))
}

/// What to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Shown {
    /// Whether images on other servers are loaded, which tells those that the mail is read. By default they are not.
    #[serde(default, deserialize_with = "parsed")]
    remote_images: Option<bool>,
}

/// The formatted form of a mail as HTML that can do no harm, for a frame.
#[utoipa::path(
    get, path = "/tickets/{id}/events/{seq}/html", operation_id = "get_event_html", tag = "tickets",
    params(
        ("id" = String, Path, description = "The ticket's id or number."),
        ("seq" = u64, Path, description = "The event's position."),
        Shown,
    ),
    responses((status = OK, body = String, content_type = "text/html")),
    security(("token" = ["tickets:read"])),
)]
async fn formatted(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place((id, seq)): Place<(String, String)>,
    Parameters(shown): Parameters<Shown>,
) -> Result<impl IntoResponse, Problem> {
    let ticket = access.ticket(&id).await?;
    let event = access.event(&ticket, &seq).await?;
    let channel = ticket.thread_of(&event).map(|thread| thread.channel.as_str()).unwrap_or_default();
    let platform = channels::platform(channel).ok_or_else(Problem::not_found)?;
    let original = original(&api, &event).await?.ok_or_else(Problem::not_found)?;
    let remote = shown.remote_images.unwrap_or_default();
    let html = platform.formatted(&original, remote).ok_or_else(Problem::not_found)?;
    let policy = if remote { POLICY_WITH_IMAGES } else { POLICY };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, html))
}
