//! Files of messages: what became of each, and where its bytes are.

use desk::ids::{AttachmentId, TicketId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It is being fetched or uploaded.
    Pending,
    /// Its bytes are in the object store.
    Stored,
    /// Its bytes could not be had; the reason tells why.
    Failed,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The id.
    pub id: AttachmentId,
    /// Counts the writes.
    pub version: u64,
    /// The ticket that it belongs to; absent for an upload that no reply has named yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketId>,
    /// What became of it.
    pub state: FileState,
    /// The name that the sender gave.
    pub name: String,
    /// The media type: declared, or seen in the bytes.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 of the bytes, in hexadecimal; absent for uploads until they are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the bytes are in the object store.
    pub key: String,
    /// Why it failed: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When this was written.
    pub created_at: Timestamp,
}

/// What a browser may be told of what it downloads: nothing here can run a script.
const HARMLESS: [&str; 14] = [
    "audio/aac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "application/pdf",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/quicktime",
    "video/webm",
];

/// The reason of a file that could not be had in time, though nothing is known against it.
pub const UNAVAILABLE: &str = "unavailable";

/// The largest file that can be uploaded, in bytes.
const MAX_SIZE: u64 = 50 * 1024 * 1024;
/// The longest name, in characters.
const MAX_NAME: usize = 255;

/// A file that cannot be uploaded as it was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFile {
    /// Its name is empty, too long or could be taken for a path.
    #[error("a file's name has 1 to {MAX_NAME} characters, no control characters and no slashes")]
    Name,
    /// It is empty or too large.
    #[error("a file has 1 to {MAX_SIZE} bytes")]
    Size,
    /// Its media type is none.
    #[error("must be a media type, such as image/png")]
    ContentType,
}

impl InvalidFile {
    /// A stable word for APIs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "invalid_name",
            Self::Size => "invalid_size",
            Self::ContentType => "invalid_content_type",
        }
    }

    /// Where in the announcement, as a JSON pointer.
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Name => "/name",
            Self::Size => "/size",
            Self::ContentType => "/content_type",
        }
    }
}

impl StoredFile {
    /// The record of a file that is to be uploaded to `key`.
    ///
    /// # Errors
    /// When it cannot be uploaded as it is announced.
    pub fn announced(
        id: AttachmentId,
        key: String,
        name: String,
        size: u64,
        content_type: &str,
        created_at: Timestamp,
    ) -> Result<Self, InvalidFile> {
        let file = Self {
            id,
            version: 1,
            ticket: None,
            state: FileState::Pending,
            name: valid_name(name)?,
            content_type: valid_type(content_type)?,
            size: valid_size(size)?,
            sha256: None,
            key,
            reason: None,
            created_at,
        };
        Ok(file)
    }

    /// Whether it was given up though it may be had another time.
    pub fn is_unavailable(&self) -> bool {
        self.state == FileState::Failed && self.reason.as_deref() == Some(UNAVAILABLE)
    }

    /// The media type that a browser may be told: that of the file where nothing can run in it.
    pub fn harmless_type(&self) -> &'static str {
        let essence = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match HARMLESS.iter().find(|harmless| **harmless == essence) {
            Some(&"text/plain") => "text/plain; charset=utf-8",
            Some(harmless) => harmless,
            None => "application/octet-stream",
        }
    }

    /// The `Content-Disposition` of a download under the file's name.
    pub fn disposition(&self) -> String {
        disposition(&self.name)
    }
}

impl Desk {
    /// A file.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn file(&self, id: AttachmentId) -> Result<Option<StoredFile>, TableError> {
        self.table.get(&keys::attachment(id)).await?.map(Item::read).transpose()
    }

    /// Several files, in any order.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn files(&self, ids: &[AttachmentId]) -> Result<Vec<StoredFile>, TableError> {
        let mut files = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(100) {
            let keys: Vec<_> = chunk.iter().map(|id| keys::attachment(*id)).collect();
            for item in self.table.get_many(&keys).await? {
                files.push(item.read()?);
            }
        }
        Ok(files)
    }

    /// Writes a file's record. The first write must find none, later ones the version before.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when somebody else wrote it, or the table is unavailable.
    pub async fn save_file(&self, file: &StoredFile) -> Result<(), TableError> {
        self.table.write(vec![put_file(file)?]).await
    }
}

/// The write of a file's record. The first one must find none, later ones the version before.
///
/// # Errors
/// Never in practice: when the record does not serialise.
pub fn put_file(file: &StoredFile) -> Result<Write, TableError> {
    let condition = match file.version {
        0 | 1 => Condition::Absent,
        version => Condition::Version(version - 1),
    };
    Ok(Write::Put(Item::new(keys::attachment(file.id), file)?, condition))
}

/// A download under a name (RFC 6266): in plain ASCII for old clients, and as it is (RFC 8187).
pub fn disposition(name: &str) -> String {
    let plain: String =
        name.chars()
            .map(|c| {
                if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '/' | '%') {
                    c
                } else {
                    '_'
                }
            })
            .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn valid_name(name: String) -> Result<String, InvalidFile> {
    let length = name.chars().count();
    if name.trim().is_empty()
        || length > MAX_NAME
        || name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'))
    {
        return Err(InvalidFile::Name);
    }
    Ok(name)
}

fn valid_size(size: u64) -> Result<u64, InvalidFile> {
    if (1..=MAX_SIZE).contains(&size) { Ok(size) } else { Err(InvalidFile::Size) }
}

/// The media type without its parameters, which the object store has no use for.
fn valid_type(content_type: &str) -> Result<String, InvalidFile> {
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match content_type.split_once('/') {
        Some((kind, form)) if token(kind) && token(form) && content_type.len() <= 127 => {
            Ok(content_type.to_ascii_lowercase())
        }
        _ => Err(InvalidFile::ContentType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("Счёт \"1\".pdf\r\nX: y"),
            "attachment; filename=\"____ _1_.pdf__X: y\"; \
             filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82%20%221%22.pdf%0D%0AX%3A%20y"
        );
    }
}
