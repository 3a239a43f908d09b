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
