//! Files that visitors upload: straight into the object store, by a form that the desk signs.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::ids::{AttachmentId, VisitorId};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use store::attachments::StoredFile;
use store::blobs::UploadForm;

use crate::Shared;
use crate::body::Body;
use crate::limits::Deed;
use crate::problem::Problem;
use crate::visitor::Visitor;

/// How long an upload form holds.
const UPLOAD_TIME: SignedDuration = SignedDuration::from_hours(1);

/// A file to upload.
#[derive(Deserialize)]
pub(crate) struct NewFile {
    name: String,
    size: u64,
    content_type: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Announced {
    id: AttachmentId,
    upload: Upload,
}

#[derive(Debug, Serialize)]
struct Upload {
    method: &'static str,
    #[serde(flatten)]
    form: UploadForm,
}

/// `POST /webchat/<connection>/attachments`
pub(crate) async fn announce(
    State(chat): State<Shared>,
    visitor: Visitor,
    Body(new): Body<NewFile>,
) -> Result<(StatusCode, Json<Announced>), Problem> {
    let own = visitor.pass.visitor;
    chat.limit(Deed::Upload, Some(&own.to_string()), visitor.line.from).await?;
    let (id, now) = (AttachmentId::new(chat.desk.environment().ulid()), chat.desk.now());
    let file = StoredFile::announced(id, place(own, id), new.name, new.size, &new.content_type, now)
        .map_err(|invalid| Problem::invalid(invalid.code(), invalid.to_string()))?;
    chat.desk.save_file(&file).await?;
    let until = now.checked_add(UPLOAD_TIME).map_err(Problem::internal)?;
    let form = chat.receiver.blobs.links.upload(&file.key, file.size, &file.content_type, until).await?;
    Ok((StatusCode::CREATED, Json(Announced { id, upload: Upload { method: "POST", form } })))
}

/// Whether a file was uploaded by this visitor: where it lies tells, and only this function puts it there.
pub(crate) fn is_of(file: &StoredFile, visitor: VisitorId) -> bool {
    file.key == place(visitor, file.id)
}

fn place(visitor: VisitorId, id: AttachmentId) -> String {
    format!("attachments/visitors/{visitor}/{id}")
}
