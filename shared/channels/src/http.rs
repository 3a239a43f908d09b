//! The one HTTP client by which channels talk to their platforms.
//!
//! It follows no redirect, uses no proxy, bounds every answer by the bytes that arrive, and goes only where a call
//! allows it to go: see [`Origin`]. A failure tells whether the request can have reached the platform, because a
//! message that may have been accepted must not be sent again.

mod guard;

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use reqwest::dns::Resolve;
use reqwest::multipart::Form;
use reqwest::redirect::Policy;
use serde_json::Value;
use url::Url;

use self::guard::{Guarded, System};
pub use self::guard::{Origin, is_public};

/// How long a connection may take to stand: name, TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept. Platforms close theirs after a minute or so, and a frozen Lambda function
/// does not notice; a request written to such a connection is lost with its fate unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    /// Reaches public addresses alone.
    guarded: reqwest::Client,
    /// Reaches every address. A client of its own, so that no guarded call finds one of its open connections.
    trusting: reqwest::Client,
}

/// A client that cannot be built, such as for want of root certificates.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct Unbuildable(#[source] reqwest::Error);

/// One request.
pub struct Call {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// What to send.
    pub body: Body,
    /// The time for everything, the answer's last byte included.
    pub timeout: Duration,
    /// The most bytes that the answer's body may have.
    pub limit: u64,
}

/// The body of a request.
pub enum Body {
    /// None.
    Empty,
    /// JSON.
    Json(Value),
    /// `multipart/form-data`.
    Form(Form),
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status. Redirects are not followed, so it may be one.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A call without a whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct HttpError {
    /// Whether the request can have reached the other side.
    pub reached: Reached,
    /// A stable word: `forbidden_address`, `unreachable`, `timeout`, `broken` or `too_large`.
    pub reason: &'static str,
    /// What went wrong, without the URL: it may hold a secret.
    pub detail: String,
}

/// Whether a request can have reached the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Certainly not: no connection stood.
    No,
    /// Perhaps, in part or as a whole.
    Maybe,
}

/// Chooses the TLS implementation of the process.
pub fn install_tls() {
    // Somebody else may have installed a provider first; theirs will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Http {
    /// Builds the client.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, Unbuildable> {
        Self::with_resolver(Arc::new(System))
    }

    fn with_resolver(resolver: Arc<dyn Resolve>) -> Result<Self, Unbuildable> {
        install_tls();
        let build = |resolver: Arc<dyn Resolve>| {
            reqwest::Client::builder()
                .user_agent(concat!("Lambdesk/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .dns_resolver(resolver)
                .build()
                .map_err(Unbuildable)
        };
        let guarded = build(Arc::new(Guarded::new(Arc::clone(&resolver))))?;
        Ok(Self { guarded, trusting: build(resolver)? })
    }

    /// Makes one request to one of the allowed origins.
    ///
    /// # Errors
    /// When the URL leads elsewhere, or no whole answer came.
    pub async fn call(&self, call: Call, allowed: &[Origin]) -> Result<Answer, HttpError> {
        let origin =
            allowed.iter().find(|origin| origin.holds(&call.url)).ok_or_else(HttpError::forbidden)?;
        let client = if origin.is_trusted() { &self.trusting } else { &self.guarded };
        let request = client.request(call.method, call.url).timeout(call.timeout);
        let request = match call.body {
            Body::Empty => request,
            Body::Json(value) => request.json(&value),
            Body::Form(form) => request.multipart(form),
        };
        let response = request.send().await.map_err(HttpError::of_request)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = collect(response, call.limit).await?;
        Ok(Answer { status, headers, body })
    }
}

/// Reads a body of at most `limit` bytes. The declared length saves the reading; the counted one decides.
async fn collect(response: reqwest::Response, limit: u64) -> Result<Bytes, HttpError> {
    let too_large = || HttpError {
        reached: Reached::Maybe,
        reason: "too_large",
        detail: format!("the answer has more than {limit} bytes"),
    };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(HttpError::of_request)?;
        if (body.len() as u64).saturating_add(chunk.len() as u64) > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl HttpError {
    fn forbidden() -> Self {
        let detail = "the address is not one that this connection may call".to_owned();
        Self { reached: Reached::No, reason: "forbidden_address", detail }
    }

    /// Sorts a failure. Resolving, connecting and the TLS handshake come before the first byte of a request; behind
    /// them nothing is certain, not even where a timeout struck.
    fn of_request(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let (reached, reason) = match &error {
            error if guard::refused(error) => return Self::forbidden(),
            error if error.is_connect() || error.is_builder() => (Reached::No, "unreachable"),
            error if error.is_timeout() => (Reached::Maybe, "timeout"),
            _ => (Reached::Maybe, "broken"),
        };
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Writing into a string cannot fail.
            let _ = write!(detail, ": {cause}");
            source = cause.source();
        }
        Self { reached, reason, detail }
    }
}

#[cfg(test)]
mod tests;
