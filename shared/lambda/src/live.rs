//! Pushing to connections that API Gateway holds: "Use @connections commands in your backend service" in its guide.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use desk::channel::ThreadKey;
use jiff::SignedDuration;
use reqwest::StatusCode;
use store::environment::Environment;
use store::live::{Live, Open, closed, open_of};
use store::table::Table;

use crate::client::{Client, ONCE};
use crate::{Error, sdk};

/// How long one push may take in all: who pushes has other work, and a push is a hint.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nothing is pushed after a push took too long, so that a batch does not wait for each of its own.
const REST: SignedDuration = SignedDuration::from_secs(30);

/// Pushes to connections that API Gateway holds, as the `index` table knows them.
///
/// Signed by hand: the SDK of its management API would be a tenth of a binary for this one request.
pub struct GatewayLive {
    config: SdkConfig,
    index: Arc<dyn Table>,
    environment: Arc<dyn Environment>,
    client: Client,
    /// Until when nothing is pushed, in seconds since 1970.
    rests_until: AtomicI64,
}

impl GatewayLive {
    /// Pushes with the function's own credentials.
    pub fn new(config: &SdkConfig, index: Arc<dyn Table>, environment: Arc<dyn Environment>) -> Self {
        let (config, client, rests_until) = (config.clone(), Client::new(ONCE), AtomicI64::new(i64::MIN));
        Self { config, index, environment, client, rests_until }
    }

    /// Pushes to one connection. False when it is gone.
    async fn post(&self, open: &Open, frame: &str) -> Result<bool, Error> {
        let region = self.config.region().ok_or("no region")?.to_string();
        let provider = self.config.credentials_provider().ok_or("no credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let url = format!("{}/@connections/{}", open.endpoint.trim_end_matches('/'), escaped(&open.id));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name("execute-api")
            .time(SystemTime::from(self.environment.now()))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let body = frame.as_bytes();
        let mut request = axum::http::Request::post(&url).body(body.to_vec())?;
        let signable = SignableRequest::new("POST", &url, std::iter::empty(), SignableBody::Bytes(body))?;
        sign(signable, &parameters)?.into_parts().0.apply_to_request_http1x(&mut request);
        let mut request: reqwest::Request = request.try_into()?;
        *request.timeout_mut() = Some(sdk::ATTEMPT_TIMEOUT);
        let response = self.client.get()?.execute(request).await?;
        if response.status() == StatusCode::GONE {
            return Ok(false);
        }
        response.error_for_status()?;
        Ok(true)
    }
}

#[async_trait]
impl Live for GatewayLive {
    async fn push(&self, thread: &ThreadKey, frame: &str) {
        let now = self.environment.now();
        if now.as_second() < self.rests_until.load(Ordering::Relaxed) {
            return;
        }
        if tokio::time::timeout(PATIENCE, self.push_to_all(thread, frame)).await.is_err() {
            tracing::warn!("pushing took too long and rests for a while");
            let until = now.saturating_add(REST).unwrap_or(now);
            self.rests_until.store(until.as_second(), Ordering::Relaxed);
        }
    }
}

impl GatewayLive {
    async fn push_to_all(&self, thread: &ThreadKey, frame: &str) {
        let open = match open_of(&*self.index, thread).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "open connections could not be read");
                return;
            }
        };
        for open in open {
            match self.post(&open, frame).await {
                Ok(true) => {}
                Ok(false) => {
                    if let Err(error) = closed(&*self.index, &open).await {
                        tracing::info!(%error, "a connection that is gone could not be forgotten");
                    }
                }
                Err(error) => tracing::warn!(%error, "an open connection was not told"),
            }
        }
    }
}

impl std::fmt::Debug for GatewayLive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayLive").finish_non_exhaustive()
    }
}

/// A connection's id as a part of a path: they end with `=`.
fn escaped(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
