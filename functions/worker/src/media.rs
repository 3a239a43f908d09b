//! Files of messages: from the platform into the object store, before the platform forgets them.

use channels::platform::{FetchError, Fetched};
use desk::event::Raw;
use desk::ids::{AttachmentId, TicketId};
use desk::message::Attachment;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::attachments::{FileState, StoredFile, UNAVAILABLE};
use store::table::TableError;

use crate::{Context, WorkError, Worker};

/// The largest file that is taken over, in bytes: what fits into a function's memory beside everything else.
const LIMIT: u64 = 50 * 1024 * 1024;

/// A file of a message that is to be had.
struct Wanted<'a> {
    id: AttachmentId,
    ticket: TicketId,
    file: &'a Attachment,
    /// Where the platform has it.
    source: &'a str,
    /// The version that its record gets.
    version: u64,
}

impl Worker {
    /// Fetches all files of a message that are not there yet.
    ///
    /// What the platform says of a file decides about it. Where it, or the desk itself, was at fault up to the `last`
    /// try, the file is noted as unavailable, for whoever reads the ticket, and the work becomes a dead letter: to send it
    /// again fetches the file after all.
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
            let wanted = Wanted { id, ticket, file, source, version: 1 };
            // One file that cannot be had must not keep the others away.
            if let Err(error) = self.take(wanted, context, last).await {
                tracing::warn!(%ticket, attachment = %id, %error, last, "a file was not fetched");
                failure = Some(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn take(&self, mut wanted: Wanted<'_>, context: &Context, last: bool) -> Result<(), WorkError> {
        match self.desk.file(wanted.id).await? {
            Some(upload) if upload.ticket.is_none() => return self.take_over(wanted.ticket, upload).await,
            Some(given_up) if given_up.is_unavailable() => wanted.version = given_up.version + 1,
            Some(_) => return Ok(()),
            None => {}
        }
        match self.fetch(&wanted, context).await {
            Err(error) if last => {
                self.note(wanted.failed(UNAVAILABLE, self.desk.now())).await?;
                Err(error)
            }
            fetched => fetched,
        }
    }

    async fn fetch(&self, wanted: &Wanted<'_>, context: &Context) -> Result<(), WorkError> {
        if wanted.file.size.is_some_and(|size| size > LIMIT) {
            return self.note(wanted.failed("too_large", self.desk.now())).await;
        }
        if context.platform.keeps_originals() || wanted.file.is_whole_text() {
            return self.extract(wanted, context).await;
        }
        match context.platform.fetch(&self.http, &context.known.open, wanted.source, LIMIT).await {
            Ok(fetched) => self.keep(wanted, fetched).await,
            Err(FetchError { transient: false, reason, detail }) => {
                tracing::warn!(ticket = %wanted.ticket, attachment = %wanted.id, reason, detail, "a file cannot be fetched");
                self.note(wanted.failed(reason, self.desk.now())).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a file, or the whole text, out of the original that was kept with its message.
    async fn extract(&self, wanted: &Wanted<'_>, context: &Context) -> Result<(), WorkError> {
        let Some(Raw::Object(key)) = context.event.content.said().and_then(|said| said.raw.as_ref()) else {
            return self.note(wanted.failed("gone", self.desk.now())).await;
        };
        let original = self.blobs.get(key).await?;
        let part = match wanted.file.is_whole_text() {
            true => context.whole_text(&original).map(Into::into),
            false => context.platform.extract(&original, wanted.source),
        };
        match part {
            Some(bytes) => self.keep(wanted, Fetched { bytes, name: None, content_type: None }).await,
            None => self.note(wanted.failed("unreadable", self.desk.now())).await,
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
    async fn keep(&self, wanted: &Wanted<'_>, fetched: Fetched) -> Result<(), WorkError> {
        let record = wanted.record(self.desk.now());
        let sha256 = Sha256::digest(&fetched.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        // What the bytes are counts more than what anybody declares.
        let seen = infer::get(&fetched.bytes).map(|kind| kind.mime_type().to_owned());
        let declared = wanted.file.content_type.clone().or(fetched.content_type);
        let size = u64::try_from(fetched.bytes.len()).unwrap_or(u64::MAX);
        self.blobs.put(&record.key, fetched.bytes).await?;
        self.note(StoredFile {
            name: wanted.file.name.clone().or(fetched.name).unwrap_or(record.name),
            content_type: seen.or(declared).unwrap_or(record.content_type),
            size,
            sha256: Some(sha256),
            ..record
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

impl Wanted<'_> {
    /// Its record, as far as the message tells.
    fn record(&self, created_at: Timestamp) -> StoredFile {
        StoredFile {
            id: self.id,
            version: self.version,
            ticket: Some(self.ticket),
            state: FileState::Stored,
            name: self.file.name.clone().unwrap_or_else(|| self.file.kind.label().to_owned()),
            content_type: self
                .file
                .content_type
                .clone()
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
            size: self.file.size.unwrap_or_default(),
            sha256: None,
            key: format!("attachments/{}", self.id),
            reason: None,
            created_at,
        }
    }

    /// The record of a file that could not be had.
    fn failed(&self, reason: &str, created_at: Timestamp) -> StoredFile {
        StoredFile { state: FileState::Failed, reason: Some(reason.to_owned()), ..self.record(created_at) }
    }
}
