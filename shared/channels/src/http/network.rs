//! Requests over the network.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;

use super::guard::Guarded;
use super::{Answer, Body, Call, HttpError, Reach, Reached, Transport, tls};

/// How long a connection may take to stand: name, TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept. Platforms close theirs after a minute or so, and a frozen Lambda function
/// does not notice; a request written to such a connection is lost with its fate unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Two clients, so that no guarded call finds an open connection of the other.
pub(super) struct Network {
    resolver: Arc<dyn Resolve>,
    /// Reaches public addresses alone.
    guarded: OnceLock<reqwest::Client>,
    /// Reaches every address.
    trusting: OnceLock<reqwest::Client>,
}

impl Network {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, guarded: OnceLock::new(), trusting: OnceLock::new() }
    }

    /// The client, made when it is first needed: a function may start without.
    fn client(&self, destination: Reach) -> Result<&reqwest::Client, HttpError> {
        let client = match destination {
            Reach::Public => &self.guarded,
            Reach::Everywhere => &self.trusting,
        };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let resolver = Arc::clone(&self.resolver);
        let resolver: Arc<dyn Resolve> = match destination {
            Reach::Public => Arc::new(Guarded::new(resolver)),
            Reach::Everywhere => resolver,
        };
        let tls = tls().map_err(|error| HttpError {
            reached: Reached::No,
            reason: "unreachable",
            detail: format!("TLS is not to be had: {error}"),
        })?;
        let made = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("Lambdesk/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .dns_resolver(resolver)
            .build()
            .map_err(HttpError::of_request)?;
        Ok(client.get_or_init(|| made))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Network {
    async fn carry(&self, call: Call, destination: Reach) -> Result<Answer, HttpError> {
        let request = self.client(destination)?.request(call.method, call.url).timeout(call.timeout);
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
