//! The first minute of a newcomer: a shop's page with a chat that works, before anything was connected.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use channels::address::Address;
use channels::directory::place;
use desk::channel::Channel;
use desk::ids::ConnectionId;
use serde_json::Map;
use store::Desk;
use store::connections::{Health, StoredConnection};
use store::keys;
use store::seal::{SealingKey, Secret};
use store::table::{Condition, Item, TableError, Write};

/// The channel of the chat.
const CHANNEL: &str = "webchat";

/// Makes the chat that the demo shop shows, once: whoever deletes it does not get it back.
pub(crate) async fn install(desk: &Desk, key: &SealingKey) -> Result<(), Box<dyn std::error::Error>> {
    let channel = Channel::try_from(CHANNEL)?;
    if desk.connections().await?.iter().any(|connection| connection.channel == channel) {
        return Ok(());
    }
    let id = ConnectionId::new(desk.environment().ulid());
    let secret = Secret::new(desk.environment().secret());
    let sealed = key.seal(desk.environment(), &place(id, "secret"), &secret);
    let connection = StoredConnection {
        id,
        channel,
        version: 1,
        name: "Demo".to_owned(),
        settings: Map::new(),
        secrets: [("secret".to_owned(), sealed)].into(),
        health: Health::Ok,
        resuming: false,
        created_at: desk.now(),
    };
    let once = Item::new(keys::setting("demo", "@"), &serde_json::json!({}))?;
    match desk.save_connection(&connection, vec![Write::Put(once, Condition::Absent)]).await {
        Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Clone)]
struct Shop {
    desk: Desk,
    public_url: Option<String>,
}

/// `GET /`: the demo shop, while there is a chat to show.
pub(crate) fn handler(desk: Desk, public_url: Option<String>) -> Router {
    Router::new().route("/", get(show)).with_state(Shop { desk, public_url })
}

async fn show(State(shop): State<Shop>, headers: HeaderMap, uri: Uri) -> Response {
    let connections = match shop.desk.connections().await {
        Ok(connections) => connections,
        Err(error) => {
            tracing::error!(%error, "the demo shop cannot be shown");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let Some(chat) = connections.iter().find(|connection| connection.channel.as_str() == CHANNEL) else {
        let text = "This is Lambdesk, a help desk. The API is described under /api/v1/openapi.json\n";
        return ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
    };
    let url = Address::new(shop.public_url.as_deref(), &headers, &uri).url;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ];
    (headers, webchat::demo(&chat.id.to_string(), &url)).into_response()
}
