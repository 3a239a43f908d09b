//! Refusals as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) has them.

use ::http::StatusCode;
use ::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// A refusal with a stable word, and with a text for people where there is more to say than the status does.
pub fn answer(status: StatusCode, code: &str, detail: Option<&str>) -> Response {
    let mut problem = Map::new();
    let mut tell = |name: &str, value: Value| problem.insert(name.to_owned(), value);
    tell("type", "about:blank".into());
    tell("title", status.canonical_reason().unwrap_or("Refused").into());
    tell("status", status.as_u16().into());
    if let Some(detail) = detail {
        tell("detail", detail.into());
    }
    tell("code", code.into());
    let body = Value::Object(problem).to_string();
    (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
}
