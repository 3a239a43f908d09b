//! Signed uploads of the local desk: the same form as S3's, posted to the desk itself.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::json;
use store::Desk;
use store::blobs::{BlobError, Blobs, Links, UploadForm};
use store::seal::SealingKey;

/// The largest upload, with the form around it, in bytes.
const LIMIT: usize = 51 * 1024 * 1024;
const PURPOSE: &str = "upload";

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
    Router::new().route("/uploads", post(upload)).layer(DefaultBodyLimit::max(LIMIT)).with_state(uploads)
}

async fn upload(
    State(uploads): State<Uploads>,
    mut form: Multipart,
) -> Result<StatusCode, (StatusCode, String)> {
    let bad = |what: &str| (StatusCode::BAD_REQUEST, what.to_owned());
    let mut fields = std::collections::HashMap::new();
    while let Some(field) = form.next_field().await.map_err(|error| (error.status(), error.body_text()))? {
        let Some(name) = field.name().map(str::to_owned) else { return Err(bad("a field has no name")) };
        if name != "file" {
            let value = field.text().await.map_err(|error| (error.status(), error.body_text()))?;
            fields.insert(name, value);
            continue;
        }
        let get = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (key, size, expires) = (get("key"), get("size"), get("expires"));
        let text = signed(key, size, get("Content-Type"), expires);
        if !uploads.key.verify(PURPOSE, &text, get("signature")) {
            return Err((StatusCode::FORBIDDEN, "the form was not signed by this desk".to_owned()));
        }
        if expires.parse::<i64>().is_ok_and(|expires| uploads.desk.now().as_second() > expires) {
            return Err((StatusCode::FORBIDDEN, "the form has expired".to_owned()));
        }
        let bytes = field.bytes().await.map_err(|error| (error.status(), error.body_text()))?;
        if bytes.len().to_string() != size {
            return Err(bad("the file does not have the announced size"));
        }
        return match uploads.blobs.put(key, bytes).await {
            Ok(()) => Ok(StatusCode::NO_CONTENT),
            Err(error) => {
                tracing::error!(%error, "an upload was not stored");
                Err((StatusCode::SERVICE_UNAVAILABLE, "the upload was not stored; try again".to_owned()))
            }
        };
    }
    Err(bad("the form has no field named `file`"))
}

fn signed(key: &str, size: &str, content_type: &str, expires: &str) -> String {
    format!("{key}\n{size}\n{content_type}\n{expires}")
}
