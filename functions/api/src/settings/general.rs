//! Settings of the whole desk.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use desk::settings::General;
use store::settings::Versioned;
use store::table::TableError;

use super::{ATTEMPTS, View};
use crate::Shared;
use crate::access::{Access, SettingsRead, SettingsWrite};
use crate::body::Body;
use crate::problem::Problem;
use crate::revision::{IfMatch, etag, stale};
use crate::routes::{Routes, routes};

pub(super) fn routes() -> Routes {
    Routes::new().routes(routes!(show, replace))
}

/// Settings of the whole desk.
#[utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "settings",
    responses((status = OK, body = View<General>, headers(("ETag" = String, description = "The version.")))),
    security(("token" = ["settings:read"])),
)]
async fn show(State(api): State<Shared>, _: Access<SettingsRead>) -> Result<impl IntoResponse, Problem> {
    let found = api.desk.general().await?;
    Ok((etag(found.version), Json(View::from(found))))
}

/// Replaces the settings of the whole desk.
#[utoipa::path(
    put, path = "/settings", operation_id = "replace_settings", tag = "settings",
    params(IfMatch),
    request_body = General,
    responses((status = OK, body = View<General>, headers(("ETag" = String, description = "The new version.")))),
    security(("token" = ["settings:write"])),
)]
async fn replace(
    State(api): State<Shared>,
    _: Access<SettingsWrite>,
    seen: IfMatch,
    Body { value, .. }: Body<General>,
) -> Result<impl IntoResponse, Problem> {
    for _ in 0..ATTEMPTS {
        let found = api.desk.general().await?;
        seen.check(found.version)?;
        let changed = Versioned { version: found.version + 1, value: value.clone() };
        match api.desk.save_general(&changed).await {
            Ok(()) => return Ok((etag(changed.version), Json(View::from(changed)))),
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(stale())
}
