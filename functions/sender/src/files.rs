//! The files of a reply.

use channels::platform::{File, FileInfo};
use desk::reply::Reply;
use store::attachments::StoredFile;

use crate::{Sender, SenderError};

impl Sender {
    /// The records of a reply's files, in order; or which one is missing.
    pub(crate) async fn files(&self, reply: &Reply) -> Result<Result<Vec<StoredFile>, String>, SenderError> {
        let wanted = &reply.content.attachments;
        let mut found = self.desk.files(wanted).await?;
        let mut files = Vec::with_capacity(wanted.len());
        for id in wanted {
            match found.iter().position(|file| file.id == *id) {
                Some(position) => files.push(found.swap_remove(position)),
                None => return Ok(Err(format!("there is no attachment {id}"))),
            }
        }
        Ok(Ok(files))
    }

    /// A file with its bytes.
    pub(crate) async fn load(&self, file: &StoredFile) -> Result<File, SenderError> {
        let bytes = self.blobs.get(&file.key).await?;
        Ok(File { name: file.name.clone(), content_type: file.content_type.clone(), bytes })
    }
}

/// What a channel needs to know of a file to cut a reply into parts.
pub(crate) fn info(file: &StoredFile) -> FileInfo {
    FileInfo { content_type: file.content_type.clone(), size: file.size }
}
