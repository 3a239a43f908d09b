//! What the owner configures. Every kind has the same five operations: see [`endpoints`].

mod agents;
mod calendars;
mod general;
mod policies;
mod teams;

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use desk::ids::Ulid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::settings::{Setting, Versioned};
use store::table::TableError;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, SettingsWrite};
use crate::once::{IdempotencyKey, Once};
use crate::page::{Page, Paging, cursor};
use crate::problem::Problem;
use crate::revision::{IfMatch, etag, stale};
use crate::routes::Routes;

/// The longest name of anything, in characters.
const MAX_NAME: usize = 200;
/// How often a change is tried anew when somebody else was faster.
const ATTEMPTS: usize = 4;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .merge(teams::routes())
        .merge(agents::routes())
        .merge(calendars::routes())
        .merge(policies::routes())
        .merge(general::routes())
}

/// A kind of setting that there can be many of, as the API takes it.
trait Kind: Setting + Clone + Sized {
    /// What the caller says about one.
    type Body: DeserializeOwned + Send;

    /// Whether active tickets must follow a change.
    const RECOMPUTE: bool;

    /// Makes one, if what the caller says can stand.
    async fn make(api: &Shared, id: Ulid, body: Self::Body) -> Result<Self, Problem>;

    /// The part of an id that follows the prefix.
    fn ulid(id: &str) -> Option<Ulid>;

    /// What stands in the way of removing one.
    async fn in_use(api: &Shared, id: Ulid) -> Result<Option<&'static str>, Problem>;
}

/// A setting with its version.
#[derive(Debug, Serialize, ToSchema)]
struct View<T> {
    /// The setting.
    #[serde(flatten)]
    value: T,
    /// Counts the writes; what `If-Match` compares.
    version: u64,
}

impl<T> From<Versioned<T>> for View<T> {
    fn from(Versioned { version, value }: Versioned<T>) -> Self {
        Self { value, version }
    }
}

async fn list<T: Kind>(api: &Shared, paging: &Paging) -> Result<Json<Page<View<T>>>, Problem> {
    let (limit, position) = (paging.limit()?, paging.position(&api.key, T::KIND)?);
    let found = api.desk.list_settings::<T>(position.as_deref(), limit).await?;
    Ok(Json(Page {
        items: found.items.into_iter().map(View::from).collect(),
        next_cursor: found.next.map(|next| cursor(&api.key, T::KIND, &next)),
    }))
}

async fn create<T: Kind>(
    api: &Shared,
    access: &Access<SettingsWrite>,
    key: &IdempotencyKey,
    body: T::Body,
    digest: &str,
) -> Result<impl IntoResponse + use<T>, Problem> {
    let once = Once::new(&api.desk, access, key, digest);
    let made = match once.before::<Versioned<T>>().await? {
        Some(made) => made,
        None => {
            let value = T::make(api, api.desk.environment().ulid(), body).await?;
            let new = Versioned { version: 1, value };
            let companions = once.remember(&new)?.into_iter().collect();
            match api.desk.save_setting(&new, T::RECOMPUTE, companions).await {
                Ok(()) => new,
                Err(TableError::ConditionFailed(_) | TableError::Conflict) => {
                    once.before().await?.ok_or_else(|| Problem::unavailable("a lost race"))?
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    Ok((StatusCode::CREATED, etag(made.version), Json(View::from(made))))
}

async fn read<T: Kind>(api: &Shared, id: &str) -> Result<Versioned<T>, Problem> {
    api.desk.setting(id).await?.ok_or_else(Problem::not_found)
}

async fn show<T: Kind>(api: &Shared, id: &str) -> Result<impl IntoResponse + use<T>, Problem> {
    let found = read::<T>(api, id).await?;
    Ok((etag(found.version), Json(View::from(found))))
}

async fn replace<T: Kind>(
    api: &Shared,
    id: &str,
    seen: IfMatch,
    body: T::Body,
) -> Result<impl IntoResponse + use<T>, Problem> {
    let ulid = T::ulid(id).ok_or_else(Problem::not_found)?;
    read::<T>(api, id).await?;
    let value = T::make(api, ulid, body).await?;
    for _ in 0..ATTEMPTS {
        let found = read::<T>(api, id).await?;
        seen.check(found.version)?;
        let changed = Versioned { version: found.version + 1, value: value.clone() };
        match api.desk.save_setting(&changed, T::RECOMPUTE, Vec::new()).await {
            Ok(()) => return Ok((etag(changed.version), Json(View::from(changed)))),
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(stale())
}

async fn remove<T: Kind>(api: &Shared, id: &str, seen: IfMatch) -> Result<StatusCode, Problem> {
    let ulid = T::ulid(id).ok_or_else(Problem::not_found)?;
    for _ in 0..ATTEMPTS {
        let found = read::<T>(api, id).await?;
        seen.check(found.version)?;
        if let Some(by) = T::in_use(api, ulid).await? {
            return Err(Problem::conflict("in_use", by));
        }
        match api.desk.delete_setting::<T>(id, found.version, T::RECOMPUTE).await {
            Ok(()) => return Ok(StatusCode::NO_CONTENT),
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(stale())
}

/// Checks a name of anything.
pub(crate) fn valid_name(name: String, pointer: &str) -> Result<String, Problem> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let detail = format!("a name has 1 to {MAX_NAME} characters and no control characters");
        return Err(Problem::invalid("invalid_name", pointer, detail));
    }
    Ok(name)
}

/// The five operations of a kind of setting.
macro_rules! endpoints {
    ($kind:ty, $body:ty, $id:ty, $all:literal, $one:literal, $plural:literal, $singular:literal) => {
        use axum::extract::State;
        use axum::http::StatusCode;
        use axum::response::IntoResponse;

        use crate::Shared;
        use crate::access::{Access, SettingsRead, SettingsWrite};
        use crate::body::Body;
        use crate::once::IdempotencyKey;
        use crate::page::{Page, Paging};
        use crate::parameters::{Parameters, Place};
        use crate::problem::Problem;
        use crate::revision::IfMatch;
        use crate::routes::{Routes, routes};
        use crate::settings::View;

        pub(super) fn routes() -> Routes {
            Routes::new().routes(routes!(list, create)).routes(routes!(show, replace, remove))
        }

        #[utoipa::path(
            get, path = $all, operation_id = concat!("list_", $plural), tag = "settings",
            summary = "All of them.",
            params(Paging),
            responses((status = OK, body = Page<View<$kind>>)),
            security(("token" = ["settings:read"])),
        )]
        async fn list(
            State(api): State<Shared>,
            _: Access<SettingsRead>,
            Parameters(paging): Parameters<Paging>,
        ) -> Result<axum::Json<Page<View<$kind>>>, Problem> {
            super::list(&api, &paging).await
        }

        #[utoipa::path(
            post, path = $all, operation_id = concat!("create_", $singular), tag = "settings",
            summary = "Makes one.",
            params(IdempotencyKey),
            request_body = $body,
            responses((status = CREATED, body = View<$kind>, headers(("ETag" = String, description = "The version.")))),
            security(("token" = ["settings:write"])),
        )]
        async fn create(
            State(api): State<Shared>,
            access: Access<SettingsWrite>,
            key: IdempotencyKey,
            Body { value, digest }: Body<$body>,
        ) -> Result<impl IntoResponse, Problem> {
            super::create::<$kind>(&api, &access, &key, value, &digest).await
        }

        #[utoipa::path(
            get, path = $one, operation_id = concat!("get_", $singular), tag = "settings",
            summary = "One of them.",
            params(("id" = $id, Path, description = "Which one.")),
            responses((status = OK, body = View<$kind>, headers(("ETag" = String, description = "The version.")))),
            security(("token" = ["settings:read"])),
        )]
        async fn show(
            State(api): State<Shared>,
            _: Access<SettingsRead>,
            Place(id): Place<String>,
        ) -> Result<impl IntoResponse, Problem> {
            super::show::<$kind>(&api, &id).await
        }

        #[utoipa::path(
            put, path = $one, operation_id = concat!("replace_", $singular), tag = "settings",
            summary = "Replaces one as a whole.",
            params(("id" = $id, Path, description = "Which one."), IfMatch),
            request_body = $body,
            responses((status = OK, body = View<$kind>, headers(("ETag" = String, description = "The new version.")))),
            security(("token" = ["settings:write"])),
        )]
        async fn replace(
            State(api): State<Shared>,
            _: Access<SettingsWrite>,
            Place(id): Place<String>,
            seen: IfMatch,
            Body { value, .. }: Body<$body>,
        ) -> Result<impl IntoResponse, Problem> {
            super::replace::<$kind>(&api, &id, seen, value).await
        }

        #[utoipa::path(
            delete, path = $one, operation_id = concat!("delete_", $singular), tag = "settings",
            summary = "Removes one that nothing depends on.",
            params(("id" = $id, Path, description = "Which one."), IfMatch),
            responses((status = NO_CONTENT), (status = CONFLICT, description = "Something depends on it.")),
            security(("token" = ["settings:write"])),
        )]
        async fn remove(
            State(api): State<Shared>,
            _: Access<SettingsWrite>,
            Place(id): Place<String>,
            seen: IfMatch,
        ) -> Result<StatusCode, Problem> {
            super::remove::<$kind>(&api, &id, seen).await
        }
    };
}

use endpoints;
