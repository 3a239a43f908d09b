//! Files: uploads, and what came with messages.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use desk::ids::{AttachmentId, TicketId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::attachments::{FileState, StoredFile, put_file};
use store::blobs::{BlobError, UploadForm};
use store::table::TableError;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TicketsRead, TicketsWrite};
use crate::body::Body;
use crate::once::{IdempotencyKey, Once};
use crate::parameters::Place;
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// How long an upload form holds.
const UPLOAD_TIME: SignedDuration = SignedDuration::from_hours(1);
/// How long a link for a download holds.
const DOWNLOAD_TIME: SignedDuration = SignedDuration::from_mins(5);

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(upload)).routes(routes!(show)).routes(routes!(content))
}

/// Where a file's bytes are.
pub(crate) fn content_url(id: AttachmentId) -> String {
    format!("/api/v1/attachments/{id}/content")
}

/// A file to upload.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAttachment {
    /// The name that the customer will see.
    #[schema(max_length = 255)]
    name: String,
    /// The size in bytes, at most 50 MB.
    #[schema(minimum = 1, maximum = 52_428_800)]
    size: u64,
    /// The media type.
    #[schema(example = "image/png")]
    content_type: String,
}

/// A file that can now be uploaded.
#[derive(Debug, Serialize, ToSchema)]
struct Upload {
    /// The id, for replies to name it by.
    id: AttachmentId,
    /// Where and how to upload it.
    upload: UploadForm,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// A file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredAttachment)]
struct AttachmentView {
    /// The id.
    id: AttachmentId,
    /// The ticket that it belongs to; `null` for an upload that no reply has named yet.
    ticket: Option<TicketId>,
    /// What became of it.
    state: FileState,
    /// Why it failed: a stable word.
    reason: Option<String>,
    /// The name that the sender gave.
    name: String,
    /// The media type.
    content_type: String,
    /// The size in bytes.
    size: u64,
    /// The SHA-256 of the bytes, in hexadecimal, where it is known.
    sha256: Option<String>,
    /// Where the bytes are.
    url: String,
    /// When it came, or was announced.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// What a request for an upload made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    attachment: AttachmentId,
}

/// Announces a file, and says where to upload it.
#[utoipa::path(
    post, path = "/attachments", operation_id = "create_attachment", tag = "tickets",
    params(IdempotencyKey),
    request_body = NewAttachment,
    responses((status = CREATED, body = Upload)),
    security(("token" = ["tickets:write"])),
)]
async fn upload(
    State(api): State<Shared>,
    access: Access<TicketsWrite>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewAttachment>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    let once = Once::new(&api.desk, &access, &key, &digest);
    let file = match once.before().await? {
        Some(Made { attachment }) => access.file(&attachment.to_string()).await?,
        None => {
            let id = AttachmentId::new(api.desk.environment().ulid());
            let key = format!("attachments/{id}");
            let now = api.desk.now();
            let file = StoredFile::announced(id, key, new.name, new.size, &new.content_type, now).map_err(
                |invalid| Problem::invalid(invalid.code(), invalid.pointer(), invalid.to_string()),
            )?;
            let mut writes = vec![put_file(&file)?];
            writes.extend(once.remember(&Made { attachment: id })?);
            match api.desk.table().write(writes).await {
                Ok(()) => file,
                Err(TableError::ConditionFailed(_) | TableError::Conflict) => {
                    let Made { attachment } =
                        once.before().await?.ok_or_else(|| Problem::unavailable("a lost race"))?;
                    access.file(&attachment.to_string()).await?
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let expires_at = api.desk.now().checked_add(UPLOAD_TIME).map_err(Problem::internal)?;
    let upload = api.blobs.links.upload(&file.key, file.size, &file.content_type, expires_at).await?;
    Ok((StatusCode::CREATED, Json(Upload { id: file.id, upload, expires_at })))
}

/// One file.
#[utoipa::path(
    get, path = "/attachments/{id}", operation_id = "get_attachment", tag = "tickets",
    params(("id" = AttachmentId, Path, description = "The file.")),
    responses((status = OK, body = AttachmentView)),
    security(("token" = ["tickets:read"])),
)]
async fn show(
    access: Access<TicketsRead>,
    Place(id): Place<String>,
) -> Result<Json<AttachmentView>, Problem> {
    let file = access.file(&id).await?;
    Ok(Json(AttachmentView {
        id: file.id,
        ticket: file.ticket,
        state: file.state,
        reason: file.reason,
        name: file.name,
        content_type: file.content_type,
        size: file.size,
        sha256: file.sha256,
        url: content_url(file.id),
        created_at: file.created_at,
    }))
}

/// The bytes of a file, or where they are.
#[utoipa::path(
    get, path = "/attachments/{id}/content", operation_id = "get_attachment_content", tag = "tickets",
    params(("id" = AttachmentId, Path, description = "The file.")),
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/octet-stream", description = "The bytes."),
        (status = FOUND, description = "Where the bytes are, for some minutes.", headers(("Location" = String))),
        (status = CONFLICT, description = "The bytes are not there, or not yet."),
    ),
    security(("token" = ["tickets:read"])),
)]
async fn content(
    State(api): State<Shared>,
    access: Access<TicketsRead>,
    Place(id): Place<String>,
) -> Result<Response, Problem> {
    let file = access.file(&id).await?;
    if file.state == FileState::Failed {
        let reason = file.reason.unwrap_or_default();
        return Err(Problem::conflict("file_not_stored", format!("The file could not be had: {reason}.")));
    }
    // An upload is `pending` until a reply names it, but its bytes may be there.
    if file.state == FileState::Pending && api.blobs.size(&file.key).await?.is_none() {
        return Err(not_there());
    }
    if let Some(link) = download_link(&api, &file.key, &file.name).await? {
        return Ok((StatusCode::FOUND, [(LOCATION, link)]).into_response());
    }
    let bytes = match api.blobs.get(&file.key).await {
        Ok(bytes) => bytes,
        Err(BlobError::Missing(_)) => return Err(not_there()),
        Err(error) => return Err(error.into()),
    };
    Ok((headers(&file), bytes).into_response())
}

/// A link to an object for the present caller; `None` where the desk serves it itself.
pub(crate) async fn download_link(api: &Shared, key: &str, name: &str) -> Result<Option<String>, Problem> {
    let expires = api.desk.now().checked_add(DOWNLOAD_TIME).map_err(Problem::internal)?;
    Ok(api.blobs.links.download(key, name, expires).await?)
}

fn not_there() -> Problem {
    Problem::conflict("file_not_stored", "The bytes of the file are not here yet.")
}

/// Headers that let nobody's file act in the desk's name, whatever it is.
fn headers(file: &StoredFile) -> [(HeaderName, String); 3] {
    [
        (CONTENT_TYPE, file.harmless_type().to_owned()),
        (CONTENT_DISPOSITION, file.disposition()),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ]
}
