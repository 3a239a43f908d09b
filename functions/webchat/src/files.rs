//! Links to files, for visitors: signed, for some minutes, and without a token, so that a browser can follow them.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use channels::webchat::item::Download;
use desk::ids::AttachmentId;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::attachments::StoredFile;
use store::blobs::BlobError;

use crate::edge::Line;
use crate::problem::Problem;
use crate::{Shared, Webchat};

/// How long a link holds.
const HOLDS: SignedDuration = SignedDuration::from_mins(10);
const PURPOSE: &str = "visitor's download";

#[derive(Deserialize)]
pub(crate) struct Signed {
    expires: i64,
    signature: String,
}

impl Webchat {
    /// A file as the visitor sees it, with a link: the object store's own, or the desk's where it has none.
    pub(crate) async fn link(&self, line: &Line, file: StoredFile) -> Result<Download, Problem> {
        let expires = self.desk.now().checked_add(HOLDS).map_err(Problem::internal)?;
        let url = match self.receiver.blobs.links.download(&file.key, &file.name, expires).await? {
            Some(url) => url,
            None => {
                let (connection, expires) = (line.known.open.id, expires.as_second());
                let signature = self.key.sign(PURPOSE, &signed(&connection.to_string(), file.id, expires));
                format!(
                    "{}/webchat/{connection}/files/{}?expires={expires}&signature={signature}",
                    line.base, file.id
                )
            }
        };
        let (name, content_type) = (file.name, file.content_type);
        Ok(Download { id: file.id, name, size: file.size, content_type, url })
    }
}

/// `GET /webchat/<connection>/files/<file>?expires=…&signature=…`
pub(crate) async fn download(
    State(chat): State<Shared>,
    Path((connection, file)): Path<(String, String)>,
    query: Result<Query<Signed>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let id: AttachmentId = file.parse().map_err(|_| Problem::not_found())?;
    let Query(link) = query.map_err(|_| Problem::not_found())?;
    let holds = Timestamp::from_second(link.expires).is_ok_and(|expires| chat.desk.now() < expires);
    if !holds || !chat.key.verify(PURPOSE, &signed(&connection, id, link.expires), &link.signature) {
        let detail = "The link does not hold any more.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "link_expired", detail));
    }
    let file = chat.desk.file(id).await?.ok_or_else(Problem::not_found)?;
    let bytes = match chat.receiver.blobs.get(&file.key).await {
        Ok(bytes) => bytes,
        Err(BlobError::Missing(_)) => return Err(Problem::not_found()),
        Err(error) => return Err(error.into()),
    };
    // Nobody's file may act in the desk's name, whatever it is; but the shop's page may show a picture.
    let headers = [
        (CONTENT_TYPE, file.harmless_type().to_owned()),
        (CONTENT_DISPOSITION, file.disposition()),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, [("cross-origin-resource-policy", "cross-origin")], bytes).into_response())
}

fn signed(connection: &str, file: AttachmentId, expires: i64) -> String {
    format!("{connection}\n{file}\n{expires}")
}
