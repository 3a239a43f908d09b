//! Addresses that cannot be reached any more.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::channel::Channel;
use serde::Deserialize;
use store::suppressions::Suppression;
use utoipa::IntoParams;

use crate::Shared;
use crate::access::{Access, SettingsRead, SettingsWrite};
use crate::page::{Page, Paging, cursor};
use crate::parameters::{Parameters, Place, parsed};
use crate::problem::Problem;
use crate::routes::{Routes, routes};

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(lift))
}

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// How many entries, 1 to 100; 25 by default.
    #[serde(default, deserialize_with = "parsed")]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Where an earlier page ended.
    cursor: Option<String>,
}

/// Addresses of a channel that are not written to any more, because what was sent there came back for good.
#[utoipa::path(
    get, path = "/suppressions/{channel}", operation_id = "list_suppressions", tag = "settings",
    params(("channel" = String, Path, description = "The channel, such as `email`."), Filter),
    responses((status = OK, body = Page<Suppression>)),
    security(("token" = ["settings:read"])),
)]
async fn list(
    State(api): State<Shared>,
    _: Access<SettingsRead>,
    Place(channel): Place<String>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Page<Suppression>>, Problem> {
    let channel = Channel::try_from(channel).map_err(|_| Problem::not_found())?;
    let list = format!("suppressions of {channel}");
    let paging = Paging { limit: filter.limit, cursor: filter.cursor };
    let (limit, position) = (paging.limit()?, paging.position(&api.key, &list)?);
    let found = api.desk.suppressions(&channel, position, limit).await?;
    let next_cursor = found.next.map(|next| cursor(&api.key, &list, &next));
    Ok(Json(Page { items: found.items, next_cursor }))
}

/// Lets an address be written to again.
#[utoipa::path(
    delete, path = "/suppressions/{channel}/{address}", operation_id = "lift_suppression", tag = "settings",
    params(
        ("channel" = String, Path, description = "The channel, such as `email`."),
        ("address" = String, Path, description = "The address."),
    ),
    responses((status = NO_CONTENT)),
    security(("token" = ["settings:write"])),
)]
async fn lift(
    State(api): State<Shared>,
    _: Access<SettingsWrite>,
    Place((channel, address)): Place<(String, String)>,
) -> Result<StatusCode, Problem> {
    let channel = Channel::try_from(channel).map_err(|_| Problem::not_found())?;
    api.desk.lift_suppression(&channel, &address).await?;
    Ok(StatusCode::NO_CONTENT)
}
