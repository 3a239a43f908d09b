//! The firm's accounts on channels.

mod draft;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use channels::directory::place;
use channels::platform::ConnectError;
use channels::{Connection, Platform};
use desk::channel::Channel;
use desk::ids::ConnectionId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::connections::{Health, StoredConnection};
use store::seal::{Sealed, Secret};
use store::table::TableError;
use utoipa::ToSchema;

use self::draft::Draft;
use self::view::ConnectionView;
pub(crate) use self::view::{PUBLIC_URL, RECEIVES, Receives, webhook_url};
use crate::Shared;
use crate::access::{Access, SettingsRead, SettingsWrite};
use crate::address::Address;
use crate::body::Body;
use crate::once::{IdempotencyKey, Once};
use crate::page::{Page, Paging};
use crate::parameters::{Parameters, Place};
use crate::problem::Problem;
use crate::revision::{IfMatch, etag};
use crate::routes::{Routes, routes};
use crate::settings::valid_name;

/// How often a change is tried anew when somebody else was faster.
const ATTEMPTS: usize = 4;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(show, change, remove))
}

/// A new connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    /// The channel.
    #[schema(example = "telegram")]
    channel: String,
    /// The name inside the firm.
    #[schema(max_length = 200)]
    name: String,
    /// The channel's own settings, and `api_url`, `team`, `sender_name` (`brand`, `team` or `agent`).
    #[serde(default)]
    settings: Map<String, Value>,
}

/// What to change. What is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionChanges {
    /// The new name.
    #[serde(default)]
    #[schema(max_length = 200)]
    name: Option<String>,
    /// Settings to change; `null` removes one.
    #[serde(default)]
    settings: Map<String, Value>,
}

/// What a request for a connection made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    connection: ConnectionId,
    /// The secrets that were made up, as the answer tells them.
    secrets: Option<Sealed>,
}

/// All connections.
#[utoipa::path(
    get, path = "/connections", operation_id = "list_connections", tag = "connections",
    params(Paging),
    responses((status = OK, body = Page<ConnectionView>)),
    security(("token" = ["settings:read"])),
)]
async fn list(
    State(api): State<Shared>,
    _: Access<SettingsRead>,
    address: Address,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<Page<ConnectionView>>, Problem> {
    let connections = api.desk.connections().await?;
    let views = connections.iter().map(|stored| ConnectionView::new(stored, &address)).collect();
    Ok(Json(paging.cut(&api.key, "connections", views, ConnectionView::id)?))
}

/// Connects an account. The platform is asked whether its credentials are good, and told the webhook where the desk
/// can be reached; nothing is stored otherwise.
#[utoipa::path(
    post, path = "/connections", operation_id = "create_connection", tag = "connections",
    params(IdempotencyKey),
    request_body = NewConnection,
    responses(
        (status = CREATED, body = ConnectionView),
        (status = BAD_GATEWAY, description = "The platform is out of reach."),
    ),
    security(("token" = ["settings:write"])),
)]
async fn create(
    State(api): State<Shared>,
    access: Access<SettingsWrite>,
    address: Address,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewConnection>,
) -> Result<impl IntoResponse, Problem> {
    let once = Once::new(&api.desk, &access, &key, &digest);
    if let Some(made) = once.before().await? {
        return answer(&api, &address, made).await;
    }
    let unknown = || {
        let detail = format!("there is no channel `{}`", new.channel);
        Problem::invalid("unknown_channel", "/channel", detail)
    };
    let platform = channels::platform(&new.channel).ok_or_else(unknown)?;
    let channel = Channel::try_from(platform.name()).map_err(Problem::internal)?;
    let name = valid_name(new.name, "/name")?;
    let draft = Draft::default().merge(&api, platform, new.settings).await?;
    let id = ConnectionId::new(api.desk.environment().ulid());
    let base = address.public.then(|| address.url.clone());
    let made_up = draft.made_up_secrets();
    let open = Connection { id, channel, name, settings: draft.settings, secrets: draft.secrets };
    let settings = connect(&api, platform, &open, base.as_deref()).await?;
    let stored = StoredConnection {
        id,
        channel: open.channel,
        version: 1,
        name: open.name,
        settings,
        secrets: draft::seal(&api, id, &open.secrets),
        health: Health::Ok,
        resuming: false,
        created_at: api.desk.now(),
    };
    let secrets = (!made_up.is_empty()).then(|| {
        let text = Secret::new(Value::Object(made_up).to_string());
        api.key.seal(api.desk.environment(), &answered_place(id), &text)
    });
    let made = Made { connection: id, secrets };
    let companions = once.remember(&made)?.into_iter().collect();
    match api.desk.save_connection(&stored, companions).await {
        Ok(()) => answer(&api, &address, made).await,
        Err(TableError::ConditionFailed(_) | TableError::Conflict) => {
            let made: Made = once.before().await?.ok_or_else(|| Problem::unavailable("a lost race"))?;
            // The platform knows one webhook, and by now it is this request's, which came to nothing.
            reconnect(&api, platform, &stored.channel, made.connection).await;
            answer(&api, &address, made).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the platform, and returns the settings with what it told and how messages will come.
async fn connect(
    api: &Shared,
    platform: &dyn Platform,
    open: &Connection,
    base: Option<&str>,
) -> Result<Map<String, Value>, Problem> {
    let webhook = base.map(|base| webhook_url(base, &open.channel, open.id));
    let told = platform.connect(&api.http, open, webhook.as_deref()).await.map_err(refused)?;
    let mut settings = open.settings.clone();
    settings.extend(told);
    let receives = if base.is_none() && platform.can_poll() { Receives::Polling } else { Receives::Webhook };
    settings.insert(RECEIVES.to_owned(), receives.word().into());
    match base {
        Some(base) => settings.insert(PUBLIC_URL.to_owned(), base.into()),
        None => settings.shift_remove(PUBLIC_URL),
    };
    Ok(settings)
}

fn refused(error: ConnectError) -> Problem {
    if error.transient {
        return Problem::new(StatusCode::BAD_GATEWAY, "platform_unavailable", error.detail);
    }
    let pointer = if error.reason == "bad_token" { "/settings/token" } else { "/settings" };
    Problem::invalid(error.reason, pointer, error.detail)
}

/// Tells the platform the webhook of a connection that is stored already.
async fn reconnect(api: &Shared, platform: &dyn Platform, channel: &Channel, id: ConnectionId) {
    let Ok(Some(known)) = api.directory.fresh(channel, id).await else { return };
    let base = known.open.text(PUBLIC_URL);
    let webhook = base.map(|base| webhook_url(base, channel, id));
    if let Err(error) = platform.connect(&api.http, &known.open, webhook.as_deref()).await {
        tracing::warn!(connection = %id, %error, "the webhook could not be set again");
    }
}

/// The answer to a request that made a connection: the only one with secrets.
async fn answer(api: &Shared, address: &Address, made: Made) -> Result<impl IntoResponse + use<>, Problem> {
    let stored = api.desk.connection_by_id(made.connection).await?.ok_or_else(Problem::not_found)?;
    let secrets = match &made.secrets {
        Some(sealed) => {
            let text = api.key.open(&answered_place(made.connection), sealed).map_err(Problem::internal)?;
            serde_json::from_str(text.expose()).map_err(Problem::internal)?
        }
        None => Map::new(),
    };
    let location = [(LOCATION, format!("/api/v1/connections/{}", stored.id))];
    let created = ConnectionView::new(&stored, address).showing(secrets);
    Ok((StatusCode::CREATED, location, Json(created)))
}

/// What the secrets of an answer are sealed for while its request may be repeated.
fn answered_place(id: ConnectionId) -> String {
    place(id, "answered")
}

/// One connection.
#[utoipa::path(
    get, path = "/connections/{id}", operation_id = "get_connection", tag = "connections",
    params(("id" = ConnectionId, Path, description = "The connection.")),
    responses((status = OK, body = ConnectionView)),
    security(("token" = ["settings:read"])),
)]
async fn show(
    State(api): State<Shared>,
    _: Access<SettingsRead>,
    address: Address,
    Place(id): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    let stored = read(&api, &id).await?;
    Ok((etag(stored.version), Json(ConnectionView::new(&stored, &address))))
}

async fn read(api: &Shared, id: &str) -> Result<StoredConnection, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    api.desk.connection_by_id(id).await?.ok_or_else(Problem::not_found)
}

fn platform_of(stored: &StoredConnection) -> Result<&'static dyn Platform, Problem> {
    let absent =
        || Problem::conflict("unknown_channel", "This version does not speak the connection's channel.");
    channels::platform(stored.channel.as_str()).ok_or_else(absent)
}

/// Changes a connection. Its credentials are checked again, and replies that waited for it go on.
#[utoipa::path(
    patch, path = "/connections/{id}", operation_id = "change_connection", tag = "connections",
    params(("id" = ConnectionId, Path, description = "The connection."), IfMatch),
    request_body = ConnectionChanges,
    responses(
        (status = OK, body = ConnectionView, description = "With secrets only where new ones were made up."),
        (status = BAD_GATEWAY, description = "The platform is out of reach."),
    ),
    security(("token" = ["settings:write"])),
)]
async fn change(
    State(api): State<Shared>,
    _: Access<SettingsWrite>,
    address: Address,
    Place(id): Place<String>,
    seen: IfMatch,
    Body { value: changes, .. }: Body<ConnectionChanges>,
) -> Result<impl IntoResponse, Problem> {
    let name = changes.name.map(|name| valid_name(name, "/name")).transpose()?;
    for _ in 0..ATTEMPTS {
        let before = read(&api, &id).await?;
        seen.check(before.version)?;
        let platform = platform_of(&before)?;
        let draft = Draft::of(&api, &before).merge(&api, platform, changes.settings.clone()).await?;
        let made_up = draft.made_up_secrets();
        let open = Connection {
            id: before.id,
            channel: before.channel.clone(),
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            settings: draft.settings,
            secrets: draft.secrets,
        };
        let known = before.settings.get(PUBLIC_URL).and_then(Value::as_str);
        let base = if address.public { Some(address.url.as_str()) } else { known };
        let settings = connect(&api, platform, &open, base).await?;
        let connected = Connection { settings: settings.clone(), ..open.clone() };
        let account = platform.account(&open).filter(|account| !account.is_empty());
        if account.is_some() && platform.account(&connected) != account {
            return Err(another_account(&api, platform, &connected).await);
        }
        let stored = StoredConnection {
            version: before.version + 1,
            name: open.name,
            settings,
            secrets: draft::seal(&api, before.id, &open.secrets),
            health: Health::Ok,
            // Replies that were held for it have yet to go on: the clock sees to that.
            resuming: before.resuming || before.health != Health::Ok,
            ..before
        };
        match api.desk.save_connection(&stored, Vec::new()).await {
            Ok(()) => {
                api.directory.fresh(&stored.channel, stored.id).await?;
                let connection = ConnectionView::new(&stored, &address);
                return Ok((etag(stored.version), Json(connection.showing(made_up))));
            }
            Err(TableError::ConditionFailed(_) | TableError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::unavailable("a connection changed at every attempt"))
}

/// Refuses the credentials of another account of the platform, and takes back what connecting to it set up. Its
/// conversations have the same ids as those of the account that the connection is for.
async fn another_account(api: &Shared, platform: &dyn Platform, open: &Connection) -> Problem {
    if let Err(error) = platform.disconnect(&api.http, open).await {
        tracing::warn!(connection = %open.id, %error, "the webhook of another account could not be taken back");
    }
    let detail = "These are the credentials of another account. Make a connection of its own for it.";
    Problem::invalid("another_account", "/settings", detail)
}

/// Deletes a connection. Its tickets stay; nothing can be sent on it any more.
#[utoipa::path(
    delete, path = "/connections/{id}", operation_id = "delete_connection", tag = "connections",
    params(("id" = ConnectionId, Path, description = "The connection."), IfMatch),
    responses((status = NO_CONTENT)),
    security(("token" = ["settings:write"])),
)]
async fn remove(
    State(api): State<Shared>,
    _: Access<SettingsWrite>,
    Place(id): Place<String>,
    seen: IfMatch,
) -> Result<StatusCode, Problem> {
    let stored = read(&api, &id).await?;
    seen.check(stored.version)?;
    if let Some(platform) = channels::platform(stored.channel.as_str()) {
        release(&api, platform, &stored).await?;
    }
    api.desk.delete_connection(&stored).await?;
    api.directory.fresh(&stored.channel, stored.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the webhook back, or gives it to another connection with the same account. A platform that does not answer
/// must not keep a connection alive.
async fn release(api: &Shared, platform: &dyn Platform, stored: &StoredConnection) -> Result<(), Problem> {
    let open = Draft::of(api, stored).open(stored);
    let account = platform.account(&open).filter(|account| !account.is_empty());
    for other in api.desk.connections().await? {
        let shares = other.id != stored.id
            && other.channel == stored.channel
            && account.is_some()
            && platform.account(&Draft::of(api, &other).open(&other)) == account;
        if shares {
            reconnect(api, platform, &other.channel, other.id).await;
            return Ok(());
        }
    }
    if let Err(error) = platform.disconnect(&api.http, &open).await {
        tracing::warn!(connection = %stored.id, %error, "the webhook could not be taken back");
    }
    Ok(())
}
