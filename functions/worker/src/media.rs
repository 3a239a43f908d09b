//! Files of messages: from the platform into the object store, before the platform forgets them.

use channels::platform::{FetchError, Fetched};
use desk::event::Raw;
use desk::ids::{AttachmentId, TicketId};
use desk::message::Attachment;
use sha2::{Digest, Sha256};
use store::attachments::{FileState, StoredFile};
use store::table::TableError;

use crate::{Context, WorkError, Worker};

/// The largest file that is taken over, in bytes: what fits into a function's memory beside everything else.
const LIMIT: u64 = 50 * 1024 * 1024;

impl Worker {
    /// Fetches all files of a message that are not there yet. After the `last` try, what failed is noted as failed.
    pub(crate) async fn fetch_files(
        &self,
        ticket: TicketId,
        context: &Context,
        last: bool,
    ) -> Result<(), WorkError> {
        let files =
            context.event.content.said().map(|said| said.message.attachments.as_slice()).unwrap_or_default();
        let mut failure = None;
        for file in files {
            let (Some(id), Some(source)) = (file.id, &file.source) else { continue };
            // One file that cannot be had must not keep the others away.
            match self.fetch_file(ticket, context, id, file, source).await {
                Ok(()) => {}
                Err(error) if last => {
                    tracing::warn!(%ticket, attachment = %id, %error, "a file was given up");
                    self.note(failed(ticket, id, file, "unavailable", self.desk.now())).await?;
                }
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn fetch_file(
        &self,
        ticket: TicketId,
        context: &Context,
        id: AttachmentId,
        file: &Attachment,
        source: &str,
    ) -> Result<(), WorkError> {
        match self.desk.file(id).await? {
            Some(upload) if upload.ticket.is_none() => return self.take_over(ticket, upload).await,
            Some(_) => return Ok(()),
            None => {}
        }
        if file.size.is_some_and(|size| size > LIMIT) {
            return self.note(failed(ticket, id, file, "too_large", self.desk.now())).await;
        }
        if context.platform.keeps_originals() || file.is_whole_text() {
            return self.extract(ticket, context, id, file, source).await;
        }
        match context.platform.fetch(&self.http, &context.known.open, source, LIMIT).await {
            Ok(fetched) => self.keep(ticket, id, file, fetched).await,
            Err(FetchError { transient: false, reason, detail }) => {
                tracing::warn!(%ticket, attachment = %id, reason, detail, "a file cannot be fetched");
                self.note(failed(ticket, id, file, reason, self.desk.now())).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a file, or the whole text, out of the original that was kept with its message.
    async fn extract(
        &self,
        ticket: TicketId,
        context: &Context,
        id: AttachmentId,
        file: &Attachment,
        source: &str,
    ) -> Result<(), WorkError> {
        let Some(Raw::Object(key)) = context.event.content.said().and_then(|said| said.raw.as_ref()) else {
            return self.note(failed(ticket, id, file, "gone", self.desk.now())).await;
        };
        let original = self.blobs.get(key).await?;
        let part = match file.is_whole_text() {
            true => context.whole_text(&original).map(Into::into),
            false => context.platform.extract(&original, source),
        };
        match part {
            Some(bytes) => {
                self.keep(ticket, id, file, Fetched { bytes, name: None, content_type: None }).await
            }
            None => self.note(failed(ticket, id, file, "unreadable", self.desk.now())).await,
        }
    }

    /// Makes a file that the customer uploaded to the desk itself one of the ticket's.
    async fn take_over(&self, ticket: TicketId, upload: StoredFile) -> Result<(), WorkError> {
        let there = self.blobs.size(&upload.key).await? == Some(upload.size);
        let state = if there { FileState::Stored } else { FileState::Failed };
        let reason = (!there).then(|| "not_uploaded".to_owned());
        let version = upload.version + 1;
        self.note(StoredFile { ticket: Some(ticket), state, reason, version, ..upload }).await
    }

    /// Bytes first, record second: a record never names bytes that are not there.
    async fn keep(
        &self,
        ticket: TicketId,
        id: AttachmentId,
        file: &Attachment,
        fetched: Fetched,
    ) -> Result<(), WorkError> {
        let key = format!("attachments/{id}");
        let sha256 = Sha256::digest(&fetched.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        // What the bytes are counts more than what anybody declares.
        let seen = infer::get(&fetched.bytes).map(|kind| kind.mime_type().to_owned());
        let declared = file.content_type.clone().or(fetched.content_type);
        let size = u64::try_from(fetched.bytes.len()).unwrap_or(u64::MAX);
        self.blobs.put(&key, fetched.bytes).await?;
        self.note(StoredFile {
            state: FileState::Stored,
            name: file.name.clone().or(fetched.name).unwrap_or_else(|| file.kind.label().to_owned()),
            content_type: seen.or(declared).unwrap_or_else(|| "application/octet-stream".to_owned()),
            size,
            sha256: Some(sha256),
            reason: None,
            ..failed(ticket, id, file, "", self.desk.now())
        })
        .await
    }

    async fn note(&self, file: StoredFile) -> Result<(), WorkError> {
        match self.desk.save_file(&file).await {
            // A repetition of this work was faster.
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The record of a file that could not be had.
fn failed(
    ticket: TicketId,
    id: AttachmentId,
    file: &Attachment,
    reason: &str,
    created_at: jiff::Timestamp,
) -> StoredFile {
    StoredFile {
        id,
        version: 1,
        ticket: Some(ticket),
        state: FileState::Failed,
        name: file.name.clone().unwrap_or_else(|| file.kind.label().to_owned()),
        content_type: file.content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
        size: file.size.unwrap_or_default(),
        sha256: None,
        key: format!("attachments/{id}"),
        reason: Some(reason.to_owned()),
        created_at,
    }
}
