//! The files of a reply.

use channels::platform::{File, FileInfo, Link};
use desk::reply::Reply;
use jiff::{SignedDuration, Timestamp};
use store::attachments::StoredFile;

use crate::{Sender, SenderError};

/// How long a link to a file holds: as long as S3 signs any.
const LINKS_HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);

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

    /// A link to a file that is too large to go along; or what to tell the agent where there are no links.
    pub(crate) async fn link(&self, file: &StoredFile) -> Result<Result<Link, String>, SenderError> {
        let until = self.desk.now().saturating_add(LINKS_HOLD).unwrap_or(Timestamp::MAX);
        Ok(match self.blobs.links.mailed(&file.key, &file.name, until).await? {
            Some(url) => Ok(Link { name: file.name.clone(), size: file.size, url, until }),
            None => Err(format!("{} is too large to go along, and there are no links to files.", file.name)),
        })
    }
}

/// What a channel needs to know of a file to cut a reply into parts.
pub(crate) fn info(file: &StoredFile) -> FileInfo {
    FileInfo { content_type: file.content_type.clone(), size: file.size }
}
