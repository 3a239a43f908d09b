//! Revisions in headers: `ETag` tells them, `If-Match` demands them (RFC 9110, section 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use utoipa::IntoParams;

use crate::problem::Problem;

/// The revision that the caller has seen, if they say so.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// The revision that was seen, as the `ETag` gave it; refused with 412 when another one stands.
    #[param(rename = "If-Match", value_type = Option<String>)]
    pub(crate) expected: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(IF_MATCH) else { return Ok(Self { expected: None }) };
        let tag = given.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return Ok(Self { expected: None });
        }
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
        // What was never a revision of ours cannot be the one that stands.
        let expected = tag.parse().map_err(|_| stale())?;
        Ok(Self { expected: Some(expected) })
    }
}

impl IfMatch {
    /// Checks the version that stands.
    pub(crate) fn check(self, current: u64) -> Result<(), Problem> {
        if self.expected.is_none_or(|expected| expected == current) { Ok(()) } else { Err(stale()) }
    }
}

/// The header that tells a revision.
pub(crate) fn etag(revision: u64) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{revision}\""))]
}

/// Something changed since the caller looked.
pub(crate) fn stale() -> Problem {
    let detail = "It changed since you looked; read it again.";
    Problem::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
}
