//! Problems as RFC 9457 has them.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use channels::directory::DirectoryError;
use channels::receiver::ReceiveError;
use store::blobs::BlobError;
use store::queue::QueueError;
use store::table::TableError;

/// Why a request was not done.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry: Option<Duration>,
}

impl Problem {
    /// A problem with a status, a stable word and a text for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry: None }
    }

    /// There is no such thing, as far as the visitor may know.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such object.")
    }

    /// The body is well-formed and wrong.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// Who asks is not proved.
    pub(crate) fn invalid_token() -> Self {
        let detail = "The visitor's token does not hold. Begin a new session.";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", detail)
    }

    /// Too much at once.
    pub(crate) fn too_many(wait: Duration) -> Self {
        let detail = "That was too much at once. Please wait a moment.";
        Self { retry: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail) }
    }

    /// Something that this needs is out of reach. The cause is for the log alone.
    pub(crate) fn unavailable(cause: impl ToString) -> Self {
        tracing::error!(cause = cause.to_string(), "a request of the chat was not done");
        let detail = "Something that this needs is out of reach at the moment. Please try again.";
        let retry = Some(Duration::from_secs(2));
        Self { retry, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail) }
    }

    /// The fault is ours. The cause is for the log alone.
    pub(crate) fn internal(cause: impl ToString) -> Self {
        tracing::error!(cause = cause.to_string(), "a request of the chat failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = channels::problem::answer(self.status, self.code, Some(&self.detail));
        if let Some(wait) = self.retry {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
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

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Directory(error) => error.into(),
            ReceiveError::Queue(error) => error.into(),
            ReceiveError::Blob(error) => error.into(),
        }
    }
}

/// The answer to methods that a path does not have.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not have that method.")
}
