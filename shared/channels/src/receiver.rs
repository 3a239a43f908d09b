//! What every receiving function does: prove the origin, normalise, make it durable, and only then acknowledge.

use std::sync::Arc;

use ::http::{HeaderMap, StatusCode};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use desk::channel::Channel;
use desk::event::Raw;
use desk::ids::ConnectionId;
use desk::inbound::Inbound;
use sha2::{Digest, Sha256};
use store::blobs::{BlobError, Blobs};
use store::envelope::Envelope;
use store::queue::{Queue, QueueError};

use crate::directory::{Directory, DirectoryError, Known};
use crate::{Connection, Platform};

/// Originals beyond this many bytes go to the object store.
const LARGE_ORIGINAL: usize = 32 * 1024;

/// Where a receiver hands in what it received.
#[derive(Clone)]
pub struct Receiver {
    /// The connections.
    pub directory: Directory,
    /// The inbound queue.
    pub inbound: Arc<dyn Queue>,
    /// The object store, for what is too large for the queue.
    pub blobs: Blobs,
}

/// Why something received is not durable.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The connection could not be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The queue did not take it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The object store did not take it.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Receiver {
    /// Makes everything durable that an authentic body of a connection tells.
    ///
    /// # Errors
    /// When it is not durable: the platform must send it again.
    pub async fn receive(
        &self,
        platform: &dyn Platform,
        connection: &Connection,
        body: &[u8],
    ) -> Result<(), ReceiveError> {
        let mut happened: Vec<Inbound> = platform.parse(connection, body, self.directory.now());
        let mut cut = false;
        for inbound in &mut happened {
            cut |= inbound.fit();
        }
        // What was cut is whole there.
        let original = if cut || platform.keeps_originals() && !happened.is_empty() {
            Some(Raw::Object(self.keep_original(Bytes::copy_from_slice(body)).await?))
        } else {
            None
        };
        let mut messages = Vec::with_capacity(happened.len());
        for mut inbound in happened {
            inbound.raw = match inbound.raw {
                Some(raw) => Some(self.keep(raw).await?),
                None => original.clone(),
            };
            messages.push(Envelope::pack(inbound, &self.blobs).await?);
        }
        if !messages.is_empty() {
            self.inbound.send(messages).await?;
        }
        Ok(())
    }

    /// Keeps a large original in the object store, where it may stay as long as its ticket.
    async fn keep(&self, raw: Raw) -> Result<Raw, BlobError> {
        let bytes: Bytes = match raw {
            Raw::Text(text) if text.len() > LARGE_ORIGINAL => text.into(),
            Raw::Base64(text) if text.len() > LARGE_ORIGINAL => match BASE64.decode(&text) {
                Ok(bytes) => bytes.into(),
                Err(_) => text.into(),
            },
            small => return Ok(small),
        };
        self.keep_original(bytes).await.map(Raw::Object)
    }

    /// Keeps an original under a name made of its content, so that a repeated delivery overwrites it with itself.
    async fn keep_original(&self, bytes: Bytes) -> Result<String, BlobError> {
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("originals/{digest}");
        self.blobs.put(&key, bytes).await?;
        Ok(key)
    }

    async fn webhook(
        &self,
        platform: &dyn Platform,
        connection: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<StatusCode, ReceiveError> {
        let (Ok(channel), Ok(id)) = (Channel::try_from(platform.name()), connection.parse::<ConnectionId>())
        else {
            return Ok(StatusCode::NOT_FOUND);
        };
        let Some(known) = self.directory.connection(&channel, id).await? else {
            return Ok(StatusCode::NOT_FOUND);
        };
        let Some(known) = self.authentic(platform, known, headers, body).await? else {
            tracing::warn!(connection = %id, "a webhook without proof of origin was refused");
            return Ok(StatusCode::UNAUTHORIZED);
        };
        self.receive(platform, &known.open, &platform.handed_in(body)).await?;
        Ok(StatusCode::OK)
    }

    /// The connection, if the request proves its origin. Secrets may have changed since the connection was read, so
    /// a failed proof is tried once more with what now stands.
    async fn authentic(
        &self,
        platform: &dyn Platform,
        known: Arc<Known>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Option<Arc<Known>>, DirectoryError> {
        if platform.verify(&known.open, headers, body).is_ok() {
            return Ok(Some(known));
        }
        let Some(fresh) = self.directory.fresh(&known.stored.channel, known.stored.id).await? else {
            return Ok(None);
        };
        let proved = fresh.stored.version != known.stored.version
            && platform.verify(&fresh.open, headers, body).is_ok();
        Ok(proved.then_some(fresh))
    }
}

/// The webhook of a channel: `POST /webhooks/<channel>/<connection>`.
///
/// Answers 200 once everything is durable, 401 without proof of origin, 404 for an unknown connection, 413 above
/// the platform's [limit](Platform::max_body), 503 when it could not be made durable and must be sent again; errors as RFC 9457 problems.
pub fn webhook(platform: &'static dyn Platform, receiver: Receiver) -> Router {
    let handler = move |State(receiver): State<Receiver>,
                        path: Result<Path<String>, PathRejection>,
                        headers: HeaderMap,
                        body: Result<Bytes, BytesRejection>| async move {
        let Ok(Path(connection)) = path else { return problem(StatusCode::NOT_FOUND) };
        let body = match body {
            Ok(body) => body,
            Err(rejection) => return problem(rejection.status()),
        };
        match receiver.webhook(platform, &connection, &headers, &body).await {
            Ok(StatusCode::OK) => StatusCode::OK.into_response(),
            Ok(refused) => problem(refused),
            Err(error) => {
                tracing::error!(connection, %error, "a webhook could not be made durable");
                problem(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    };
    let route = post(handler).fallback(async || problem(StatusCode::METHOD_NOT_ALLOWED));
    Router::new()
        .route(&format!("/webhooks/{}/{{connection}}", platform.name()), route)
        .layer(DefaultBodyLimit::max(platform.max_body()))
        .with_state(receiver)
}

/// A refusal that tells what is wrong and nothing else.
fn problem(status: StatusCode) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => "unauthentic",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "unreadable_body",
    };
    crate::problem::answer(status, code, None)
}
