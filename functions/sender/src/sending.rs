//! Sending one reply, part by part, each under a durable claim.

use std::time::Duration;

use channels::platform::{
    Accepted, Destination, File, Link, Message, NO_SUCH_ADDRESS, News, Part, SendError, SendFailure,
};
use desk::channel::ThreadKey;
use desk::command::{Command, Request};
use desk::event::Actor;
use desk::reply::{Delivery, Reply};
use jiff::SignedDuration;
use store::blobs::BlobError;
use store::execute::ExecuteError;
use store::replies::next_version;
use store::table::{TableError, Write};

use crate::target::Target;
use crate::{Line, Progress, Sender, SenderError};

/// How long a claim holds: longer than the requests of one part may take, a second and third form of it included.
const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// Why a reply that was sent did not reach everybody.
const COPIES_REFUSED: &str = "copies_refused";

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
            let mut loaded = Vec::with_capacity(part.files.len());
            for file in part.files.iter().filter_map(|position| files.get(*position)) {
                match self.load(file).await {
                    Err(SenderError::Blob(BlobError::Missing(key))) => {
                        return self.fail(reply, "attachment_missing", &format!("no object {key}")).await;
                    }
                    file => loaded.push(file?),
                }
            }
            let mut links = Vec::with_capacity(part.links.len());
            for file in part.links.iter().filter_map(|position| files.get(*position)) {
                match self.link(file).await? {
                    Ok(link) => links.push(link),
                    Err(none) => return self.fail(reply, "files_too_large", &none).await,
                }
            }
            let target = match self.target(&reply).await? {
                Ok(target) => target,
                Err(nobody) => return self.fail(reply, nobody.reason, &nobody.detail).await,
            };
            reply.of = Some(parts.len());
            if !self.claim(&mut reply).await? {
                // Another sender has it, or an agent changed it: look again.
                return Ok(Progress::Wait(Duration::from_secs(1)));
            }
            match self.attempt(line, &reply, &target, part, loaded, &links).await {
                Ok((conversation, accepted)) => {
                    let stands = ThreadKey { conversation, ..reply.thread.clone() };
                    reply.parts.push(accepted.message.clone());
                    self.accepted(line, &mut reply, &stands, &accepted, parts.len()).await?;
                }
                Err(error) => {
                    if error.reason == NO_SUCH_ADDRESS {
                        self.suppress(&reply, &target, &error).await;
                    }
                    return self.failed(line, reply, error).await;
                }
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
        let scheduled = reply.is_scheduled();
        let lease = self.desk.now().saturating_add(LEASE).ok();
        reply.state = Delivery::Sending;
        reply.attempts += 1;
        reply.lease = lease;
        reply.due_at = lease;
        reply.held = false;
        if scheduled {
            return self.claim_due(reply).await;
        }
        match self.desk.save_reply(reply).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the claim of a reply whose time has come, and tells its ticket, in one transaction.
    async fn claim_due(&self, reply: &mut Reply) -> Result<bool, SenderError> {
        let command = Command::DueReply { reply: reply.id, seq: reply.seq, status: reply.status };
        let request = Request { actor: Actor::System, cause: Some("sender".to_owned()), command };
        let mut claimed = reply.clone();
        let claim = next_version(&mut claimed)?;
        match self.desk.execute_with(reply.ticket, None, request, |_, _| Ok(vec![claim.clone()])).await {
            Ok(_) => {
                *reply = claimed;
                Ok(true)
            }
            Err(ExecuteError::DoneBefore(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes one request, or two when the platform says that the conversation has another id now. Returns that id
    /// with what was accepted: a conversation that got another id numbers its messages anew.
    async fn attempt(
        &self,
        line: &Line,
        reply: &Reply,
        target: &Target,
        part: &Part,
        files: Vec<File>,
        links: &[Link],
    ) -> Result<(String, Accepted), SendError> {
        let send = async |conversation: &str, files| {
            let to = Destination {
                conversation,
                correspondence: target.correspondence.as_ref(),
                reply: reply.id,
                number: target.number,
                sender_name: reply.content.sender_name.as_deref(),
                automatic: reply.content.automatic,
                written_at: reply.created_at,
                links,
            };
            line.platform.send(&self.outlets, &line.known.open, &to, part, files).await
        };
        let (conversation, accepted) = match send(&target.address, files.clone()).await {
            Err(SendError { class: SendFailure::Moved { conversation }, reason, detail }) => {
                if let Err(error) = self.desk.move_thread(&reply.thread, &conversation).await {
                    tracing::warn!(%error, "a conversation's new id was not noted");
                    return Err(SendError { class: SendFailure::Transient, reason, detail });
                }
                let accepted = send(&conversation, files).await?;
                (conversation, accepted)
            }
            sent => (target.address.clone(), sent?),
        };
        Ok((conversation, accepted))
    }

    /// The writes of the copy that goes on by mail, where the channel has such and the reply was sent.
    async fn copy(&self, line: &Line, reply: &mut Reply) -> Result<Vec<Write>, TableError> {
        if reply.state != Delivery::Sent || !line.platform.goes_on_by_mail() {
            return Ok(Vec::new());
        }
        let Some(copied) = self.desk.copy_by_mail(&line.known.stored, reply).await? else {
            return Ok(Vec::new());
        };
        reply.copied_to = Some(copied.thread);
        Ok(copied.writes)
    }

    /// Notes that the platform accepted a part. The request cannot be taken back, so the note must not be lost:
    /// it is tried again as long as the table may come back.
    async fn accepted(
        &self,
        line: &Line,
        reply: &mut Reply,
        stands: &ThreadKey,
        accepted: &Accepted,
        of: usize,
    ) -> Result<(), SenderError> {
        let last = reply.parts.len() == of;
        reply.state = if last { Delivery::Sent } else { Delivery::Queued };
        reply.sent_at = last.then(|| self.desk.now());
        reply.lease = None;
        let left_out = (!accepted.left_out.is_empty()).then(|| accepted.left_out.join("; "));
        reply.reason = left_out.as_ref().map(|_| COPIES_REFUSED.to_owned());
        reply.detail = left_out;
        if last {
            reply.due_at = None;
        }
        let under = line.platform.messages_of(stands);
        let noted = reply.clone();
        for _ in 0..3 {
            *reply = noted.clone();
            let noted = match self.copy(line, reply).await {
                Ok(copy) => self.desk.save_reply_part(reply, &under, &accepted.message, copy).await,
                Err(error) => Err(error),
            };
            match noted {
                Ok(()) => return Ok(()),
                // Only the copy's conversation changed: the reply and its message come first.
                Err(TableError::ConditionFailed(failed)) if !failed.contains(&0) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Unavailable("a sent part could not be noted".to_owned()).into())
    }
}
