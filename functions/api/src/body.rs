//! JSON bodies: bounded, checked, and refused with the place of the fault.

use axum::body::to_bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The largest JSON body, in bytes.
const LIMIT: usize = 1024 * 1024;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T> {
    /// What it says.
    pub(crate) value: T,
    /// A hash of the method, the path and the bytes: what makes two requests the same.
    pub(crate) digest: String,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let detail = "The body must be JSON, with the header `Content-Type: application/json`.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        if length(&parts.headers).is_some_and(|length| length > LIMIT) {
            return Err(too_large());
        }
        let bytes = to_bytes(body, LIMIT).await.map_err(|error| unreadable(&error))?;
        let digest = Sha256::new()
            .chain_update(parts.method.as_str())
            .chain_update(" ")
            .chain_update(parts.uri.path())
            .chain_update("\n")
            .chain_update(&bytes)
            .finalize();
        let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { value: parse(&bytes)?, digest })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    /// `None` when there is no body at all.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let headers = request.headers();
        if !headers.contains_key(CONTENT_TYPE) && length(headers).unwrap_or_default() == 0 {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// Reads JSON: 400 for what is no JSON, 422 with the place for what is not what we asked for.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // The form comes first, so that a body that is no JSON is never blamed for its content.
    if let Err(error) = serde_json::from_slice::<Value>(bytes) {
        let detail = format!("The body is not JSON that can be read: {error}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let at = pointer(error.path());
        // Line and column help nobody who has the pointer.
        let detail = error.inner().to_string();
        let detail = detail.rsplit_once(" at line ").map_or(detail.as_str(), |(text, _)| text);
        Problem::invalid("invalid_body", at, detail)
    })
}

/// A path into JSON as RFC 6901 writes it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    let detail = format!("A JSON body has at most {LIMIT} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn unreadable(error: &axum::Error) -> Problem {
    let over = std::error::Error::source(error)
        .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
    if over {
        return too_large();
    }
    Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "The body ended before it was complete.")
}
