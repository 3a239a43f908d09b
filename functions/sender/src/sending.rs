//! Sending one reply, part by part, each under a durable claim.

use std::time::Duration;

use channels::platform::{File, Message, News, Part, SendError, SendFailure};
use desk::channel::ThreadKey;
use desk::reply::{Delivery, Reply};
use jiff::SignedDuration;
use store::blobs::BlobError;
use store::table::TableError;

use crate::{Line, Progress, Sender, SenderError};

/// How long a claim holds: longer than the requests of one part may take, a second and third form of it included.
const LEASE: SignedDuration = SignedDuration::from_mins(3);

impl Sender {
    /// Sends the parts of a reply that are still to be sent.
    pub(crate) async fn send(&self, line: &Line, mut reply: Reply) -> Result<Progress, SenderError> {
        let files = match self.files(&reply).await? {
            Ok(files) => files,
            Err(missing) => return self.fail(reply, "attachment_missing", &missing).await,
        };
        let message = Message {
            text: reply.content.text.clone(),
            files: files.iter().map(crate::files::info).collect(),
            reply_to: reply.content.reply_to.clone(),
            sender_name: reply.content.sender_name.clone(),
        };
        let parts = match line.platform.split(&message) {
            Ok(parts) => parts,
            Err(unsendable) => return self.fail(reply, unsendable.reason, &unsendable.detail).await,
        };
        let already = reply.parts.len();
        for part in parts.iter().skip(already) {
            // Everything that can fail without a request comes before the claim: a claim that is left behind says
            // that a request may have been made.
            let file = match part.file.and_then(|position| files.get(position)) {
                Some(file) => match self.load(file).await {
                    Err(SenderError::Blob(BlobError::Missing(key))) => {
                        return self.fail(reply, "attachment_missing", &format!("no object {key}")).await;
                    }
                    loaded => Some(loaded?),
                },
                None => None,
            };
            let thread = self.desk.thread(&reply.thread).await?;
            let address = thread
                .map_or_else(|| reply.thread.conversation.clone(), |thread| thread.address().to_owned());
            if !self.claim(&mut reply).await? {
                // Another sender has it, or an agent changed it: look again.
                return Ok(Progress::Wait(Duration::from_secs(1)));
            }
            match self.attempt(line, &reply.thread, &address, part, file).await {
                Ok(message) => {
                    reply.parts.push(message.clone());
                    self.accepted(&mut reply, &message, parts.len()).await?;
                }
                Err(error) => return self.failed(line, reply, error).await,
            }
        }
        tracing::info!(reply = %reply.id, parts = reply.parts.len(), "a reply was sent");
        if let Some(frame) = line.platform.frame(News::Sent(&reply)) {
            self.live.push(&reply.thread, &frame).await;
        }
        Ok(Progress::GoOn)
    }

    /// Claims the next part. Whether nobody else has.
    async fn claim(&self, reply: &mut Reply) -> Result<bool, SenderError> {
        let lease = self.desk.now().saturating_add(LEASE).ok();
        reply.state = Delivery::Sending;
        reply.attempts += 1;
        reply.lease = lease;
        reply.due_at = lease;
        reply.held = false;
        match self.desk.save_reply(reply).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes one request, or two when the platform says that the conversation has another id now.
    async fn attempt(
        &self,
        line: &Line,
        thread: &ThreadKey,
        address: &str,
        part: &Part,
        file: Option<File>,
    ) -> Result<String, SendError> {
        let send = async |address: &str, file| {
            line.platform.send(&self.http, &line.known.open, address, part, file).await
        };
        let accepted = match send(address, file.clone()).await {
            Err(SendError { class: SendFailure::Moved { conversation }, reason, detail }) => {
                if let Err(error) = self.desk.move_thread(thread, &conversation).await {
                    tracing::warn!(%error, "a conversation's new id was not noted");
                    return Err(SendError { class: SendFailure::Transient, reason, detail });
                }
                send(&conversation, file).await?
            }
            sent => sent?,
        };
        Ok(accepted.message)
    }

    /// Notes that the platform accepted a part. The request cannot be taken back, so the note must not be lost:
    /// it is tried again as long as the table may come back.
    async fn accepted(&self, reply: &mut Reply, message: &str, of: usize) -> Result<(), SenderError> {
        let last = reply.parts.len() == of;
        reply.state = if last { Delivery::Sent } else { Delivery::Queued };
        reply.sent_at = last.then(|| self.desk.now());
        reply.lease = None;
        reply.reason = None;
        reply.detail = None;
        if last {
            reply.due_at = None;
        }
        let noted = reply.clone();
        for _ in 0..3 {
            *reply = noted.clone();
            match self.desk.save_reply_part(reply, message).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Unavailable("a sent part could not be noted".to_owned()).into())
    }
}
