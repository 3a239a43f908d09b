//! Taking updates without a webhook: <https://core.telegram.org/bots/api#getupdates>.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::ALLOWED_UPDATES;
use super::api::{Api, TEXT_TIMEOUT};
use super::errors::connect_error;
use crate::Connection;
use crate::http::{Body, Http};
use crate::platform::{ConnectError, Polled};

/// How long Telegram holds the request when nothing has happened.
const WAIT: Duration = Duration::from_secs(25);

/// Waits for updates. Each body is the update's own JSON, byte for byte, so that no number changes on the way.
pub(super) async fn poll(
    http: &Http,
    connection: &Connection,
    position: Option<&str>,
) -> Result<Polled, ConnectError> {
    let api = Api::new(http, connection).map_err(connect_error)?;
    let mut request = json!({ "timeout": WAIT.as_secs(), "limit": 100, "allowed_updates": ALLOWED_UPDATES });
    if let (Some(offset), Some(request)) =
        (position.and_then(|text| text.parse::<i64>().ok()), request.as_object_mut())
    {
        request.insert("offset".to_owned(), offset.into());
    }
    let updates: Vec<Box<RawValue>> =
        api.call("getUpdates", Body::Json(request), WAIT + TEXT_TIMEOUT).await.map_err(connect_error)?;
    let ids = updates.iter().filter_map(|update| serde_json::from_str::<Numbered>(update.get()).ok());
    let last = ids.map(|update| update.update_id).max();
    Ok(Polled {
        bodies: updates.iter().map(|update| update.get().as_bytes().to_vec()).collect(),
        position: last.map(|id| id.saturating_add(1).to_string()),
    })
}

#[derive(Deserialize)]
struct Numbered {
    update_id: i64,
}
