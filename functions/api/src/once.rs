//! Creating requests that may be repeated: with the same `Idempotency-Key` they are done once.
//!
//! What a request made is remembered in the same transaction as the effect, by ids alone, so that nothing that a
//! customer said is kept a second time.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Desk;
use store::keys;
use store::table::{Condition, Item, Key, TableError, Write};
use utoipa::IntoParams;

use crate::access::{Access, Right};
use crate::problem::Problem;

/// How long a request is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(48);
/// The longest key, in characters.
const MAX_KEY: usize = 255;

/// The key that the caller gave the request, if any.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters. For two days the same request with the same key is done once and answered
    /// the same; another request with it is refused.
    #[param(rename = "Idempotency-Key", max_length = 255)]
    pub(crate) key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get("idempotency-key") else { return Ok(Self { key: None }) };
        let key = given.as_bytes();
        if key.is_empty() || key.len() > MAX_KEY || !key.iter().all(u8::is_ascii_graphic) {
            let detail = format!("An Idempotency-Key has 1 to {MAX_KEY} visible ASCII characters.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail));
        }
        Ok(Self { key: Some(String::from_utf8_lossy(key).into_owned()) })
    }
}

/// A request that is to be done once, if it has a key.
#[derive(Debug)]
pub(crate) struct Once<'a> {
    desk: &'a Desk,
    key: Option<Key>,
    digest: &'a str,
}

/// What is remembered of a request.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered<T> {
    /// What made the request the same.
    digest: String,
    /// What it made.
    made: T,
}

impl<'a> Once<'a> {
    /// A request of who asks.
    pub(crate) fn new<R: Right>(
        desk: &'a Desk,
        access: &Access<R>,
        key: &IdempotencyKey,
        digest: &'a str,
    ) -> Self {
        let token = access.token().id.to_string();
        let key = key.key.as_ref().map(|key| keys::idempotency(&token, key));
        Self { desk, key, digest }
    }

    /// What the same request made before, if it was made before.
    pub(crate) async fn before<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let Some(key) = &self.key else { return Ok(None) };
        let Some(item) = self.desk.table().get(key).await? else { return Ok(None) };
        let remembered: Remembered<serde_json::Value> = item.read()?;
        if remembered.digest != self.digest {
            let detail = "Another request was made with this Idempotency-Key.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", detail));
        }
        serde_json::from_value(remembered.made).map(Some).map_err(Problem::internal)
    }

    /// The write that remembers what the request made, and fails when it was made before. None without a key.
    pub(crate) fn remember<T: Serialize>(&self, made: &T) -> Result<Option<Write>, TableError> {
        let Some(key) = &self.key else { return Ok(None) };
        let mut item = Item::new(key.clone(), &Remembered { digest: self.digest.to_owned(), made })?;
        let forgotten = self.desk.now().checked_add(REMEMBERED);
        item.expires_at = forgotten.ok().map(Timestamp::as_second);
        Ok(Some(Write::Put(item, Condition::Absent)))
    }
}
