//! Problems as RFC 9457 has them: what the caller is told, and what only the log is told.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use channels::directory::DirectoryError;
use desk::command::Refusal;
use serde::Serialize;
use store::blobs::BlobError;
use store::execute::ExecuteError;
use store::opening::OpenError;
use store::queue::QueueError;
use store::table::TableError;
use utoipa::ToSchema;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// Seconds after which a caller may try again when something is unavailable.
const RETRY_SECONDS: u32 = 2;

/// Why a request was not done.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Invalid>,
    /// What went wrong inside. For the log only.
    cause: Option<String>,
}

/// A part of the request that is not as it should be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Invalid {
    /// Where in the body, as a JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    /// What is wrong there.
    pub(crate) detail: String,
}

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// Always `about:blank`: what a program needs to know is in `code`.
    #[serde(rename = "type")]
    type_: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong, for people.
    detail: &'a str,
    /// What went wrong, for programs: a word that never changes.
    code: &'static str,
    /// The parts of the body that are not as they should be.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Invalid],
    /// What to look for in the log, when the fault is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

impl Problem {
    /// A problem with a status, a stable word and a text for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), cause: None }
    }

    /// There is no such object, as far as the caller may know. Always the same, so that nobody can tell what is
    /// hidden from what is absent.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such object.")
    }

    /// The request asks for what cannot be at present.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// A part of the body is well-formed and wrong.
    pub(crate) fn invalid(code: &'static str, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let invalid = Invalid { pointer: pointer.into(), detail: detail.into() };
        Self::invalid_many(code, vec![invalid])
    }

    /// Parts of the body are well-formed and wrong.
    pub(crate) fn invalid_many(code: &'static str, errors: Vec<Invalid>) -> Self {
        let detail = errors.first().map(|first| first.detail.clone()).unwrap_or_default();
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// Something that the desk depends on is out of reach at the moment.
    pub(crate) fn unavailable(cause: impl ToString) -> Self {
        let detail = "Something that this needs is out of reach at the moment. Please try again.";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
    }

    /// The disk takes nothing more. Unlike other causes this one is told, because only the owner can mend it.
    pub(crate) fn unstorable(trouble: &str) -> Self {
        let detail = format!("The latest change could not be stored: {trouble}.");
        let cause = Some(trouble.to_owned());
        Self { cause, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable", detail) }
    }

    /// The fault is ours.
    pub(crate) fn internal(cause: impl ToString) -> Self {
        let detail = "Something went wrong on our side. The log tells more under the instance given here.";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
        }
    }

    /// The status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong inside, for the log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer. `instance` is what the log knows the fault by.
    pub(crate) fn render(&self, instance: Option<String>) -> Response {
        let document = ProblemDocument {
            type_: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            errors: &self.errors,
            instance,
        };
        let mut response = (self.status, axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, RETRY_SECONDS.into());
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Hands the problem to [`edge::finish`](crate::edge::finish), which renders it and knows the log.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        if error.is_transient() { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        if error.is_transient() { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) => Self::internal(error),
            BlobError::Unavailable(_) => Self::unavailable(error),
        }
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Table(error) => error.into(),
            DirectoryError::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (code, detail) = (refusal.code(), refusal.to_string());
        match refusal {
            Refusal::Stale { .. } => Self::new(StatusCode::PRECONDITION_FAILED, code, detail),
            Refusal::Final(_) | Refusal::Transition { .. } | Refusal::NoConversation => {
                Self::conflict(code, detail)
            }
            Refusal::UnknownTeam(_) => Self::invalid(code, "/team", detail),
            Refusal::UnknownAgent(_) => Self::invalid(code, "/assignee", detail),
            Refusal::Invalid(_) => Self::invalid(code, "", detail),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::NoTicket(_) => Self::not_found(),
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::DoneBefore(_) => Self::unavailable(error),
            ExecuteError::Table(error) => error.into(),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Raced | OpenError::DoneBefore(_) => Self::unavailable(error),
            OpenError::Refused(refusal) => refusal.into(),
            OpenError::Table(error) => error.into(),
        }
    }
}

/// The answer to paths that lead nowhere.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing under this path.")
}

/// The answer to methods that a path does not have.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not have that method.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let unavailable = Problem::from(TableError::Unavailable("secret".to_owned()));
        assert_eq!(unavailable.cause(), Some("the table is unavailable: secret"));
        let response = unavailable.render(Some("urn:ulid:1".to_owned()));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "2");
        assert!(!unavailable.detail.contains("secret"));
        let ours = Problem::from(TableError::Invalid("secret".to_owned()));
        assert_eq!((ours.status(), ours.code), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
        assert!(!ours.detail.contains("secret"));
    }
}
