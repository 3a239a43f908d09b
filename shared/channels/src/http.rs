//! The one HTTP client by which channels talk to their platforms.
//!
//! It follows no redirect, uses no proxy, bounds every answer by the bytes that arrive, and goes only where a call
//! allows it to go: see [`Origin`]. A failure tells whether the request can have reached the platform, because a
//! message that may have been accepted must not be sent again.

mod guard;
mod network;
mod tls;

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use reqwest::dns::Resolve;
use reqwest::multipart::Form;
use serde_json::Value;
use url::Url;

use self::guard::System;
pub use self::guard::{Origin, is_public};
use self::network::Network;
pub use self::tls::tls;

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    transport: Arc<dyn Transport>,
}

/// What carries a request: the network, or whatever stands in for it where there is none.
#[async_trait]
pub trait Transport: std::fmt::Debug + Send + Sync + 'static {
    /// Carries a request to where it may go: to public addresses alone, or, where the owner chose the address, to any.
    async fn carry(&self, call: Call, destination: Reach) -> Result<Answer, HttpError>;
}

/// Which addresses a request may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public Internet.
    Public,
    /// All.
    Everywhere,
}

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

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Http {
    /// A client on the network.
    pub fn new() -> Self {
        Self::with_resolver(Arc::new(System))
    }

    /// A client on another way than the network.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    fn with_resolver(resolver: Arc<dyn Resolve>) -> Self {
        Self::over(Arc::new(Network::new(resolver)))
    }

    /// Makes one request to one of the allowed origins.
    ///
    /// # Errors
    /// When the URL leads elsewhere, or no whole answer came.
    pub async fn call(&self, call: Call, allowed: &[Origin]) -> Result<Answer, HttpError> {
        let origin =
            allowed.iter().find(|origin| origin.holds(&call.url)).ok_or_else(HttpError::forbidden)?;
        let reach = if origin.is_trusted() { Reach::Everywhere } else { Reach::Public };
        self.transport.carry(call, reach).await
    }
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
