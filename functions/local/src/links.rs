//! Signed links of the local desk to itself: uploads by the same form as S3's, and downloads for whoever gets a mail.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderName,
};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::json;
use store::Desk;
use store::blobs::{BlobError, Blobs, Links, UploadForm};
use store::seal::SealingKey;

use crate::downloads;

/// The largest upload, with the form around it, in bytes.
const LIMIT: usize = 51 * 1024 * 1024;
const PURPOSE: &str = "upload";
/// The signed form is what authorises an upload, so that any page may post it, as with S3.
const ANY_PAGE: [(HeaderName, &str); 1] = [(ACCESS_CONTROL_ALLOW_ORIGIN, "*")];

/// Makes links to the desk's own object store.
#[derive(Debug)]
pub(crate) struct LocalLinks {
    /// The desk's URL.
    pub(crate) base: String,
    /// What signs them.
    pub(crate) key: Arc<SealingKey>,
}

#[async_trait]
impl Links for LocalLinks {
    async fn upload(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires: Timestamp,
    ) -> Result<UploadForm, BlobError> {
        let expires = expires.as_second().to_string();
        let signature = self.key.sign(PURPOSE, &signed(key, &size.to_string(), content_type, &expires));
        let fields = json!({
            "key": key, "size": size.to_string(), "Content-Type": content_type, "expires": expires,
            "signature": signature,
        });
        let serde_json::Value::Object(fields) = fields else {
            return Err(BlobError::Missing(key.to_owned()));
        };
        Ok(UploadForm { url: format!("{}/uploads", self.base), fields })
    }

    async fn download(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn mailed(&self, key: &str, name: &str, expires: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(Some(downloads::link(self, key, name, expires)))
    }
}

/// Takes uploads in.
#[derive(Clone)]
pub(crate) struct Uploads {
    pub(crate) desk: Desk,
    pub(crate) blobs: Blobs,
    pub(crate) key: Arc<SealingKey>,
}

/// `POST /uploads`: a form that [`LocalLinks`] signed, with the file as the last field.
pub(crate) fn handler(uploads: Uploads) -> Router {
    let route = post(async |uploads, form| (ANY_PAGE, upload(uploads, form).await)).options(preflight);
    Router::new()
        .route("/uploads", route)
        .layer(DefaultBodyLimit::max(LIMIT))
        .route("/downloads", get(downloads::download))
        .with_state(uploads)
}

/// What a browser asks before it shows a page how far an upload is.
async fn preflight() -> impl IntoResponse {
    let allowed = [(ACCESS_CONTROL_ALLOW_METHODS, "POST"), (ACCESS_CONTROL_ALLOW_HEADERS, "*")];
    (StatusCode::NO_CONTENT, ANY_PAGE, allowed)
}

async fn upload(State(uploads): State<Uploads>, mut form: Multipart) -> Result<StatusCode, Refused> {
    let bad = |what: &str| Refused(StatusCode::BAD_REQUEST, what.to_owned());
    let unreadable = |error: MultipartError| Refused(error.status(), error.body_text());
    let mut fields = std::collections::HashMap::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let Some(name) = field.name().map(str::to_owned) else { return Err(bad("a field has no name")) };
        if name != "file" {
            let value = field.text().await.map_err(unreadable)?;
            fields.insert(name, value);
            continue;
        }
        let get = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (key, size, expires) = (get("key"), get("size"), get("expires"));
        let text = signed(key, size, get("Content-Type"), expires);
        if !uploads.key.verify(PURPOSE, &text, get("signature")) {
            return Err(Refused(StatusCode::FORBIDDEN, "the form was not signed by this desk".to_owned()));
        }
        if expires.parse::<i64>().is_ok_and(|expires| uploads.desk.now().as_second() > expires) {
            return Err(Refused(StatusCode::FORBIDDEN, "the form has expired".to_owned()));
        }
        let bytes = field.bytes().await.map_err(unreadable)?;
        if bytes.len().to_string() != size {
            return Err(bad("the file does not have the announced size"));
        }
        return match uploads.blobs.put(key, bytes).await {
            Ok(()) => Ok(StatusCode::NO_CONTENT),
            Err(error) => {
                tracing::error!(%error, "an upload was not stored");
                Err(Refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the upload was not stored; try again".to_owned(),
                ))
            }
        };
    }
    Err(bad("the form has no field named `file`"))
}

/// Why a file was not taken, or not given.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let code = match status {
            StatusCode::FORBIDDEN => "bad_form",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::GONE => "link_expired",
            StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "unreadable_body",
        };
        channels::problem::answer(status, code, Some(&detail))
    }
}

fn signed(key: &str, size: &str, content_type: &str, expires: &str) -> String {
    format!("{key}\n{size}\n{content_type}\n{expires}")
}
