//! What follows when a reply was not accepted.

use std::time::Duration;

use channels::platform::{SendError, SendFailure};
use desk::command::{Command, Request};
use desk::event::{Actor, DeliveryProblem};
use desk::reply::{Delivery, Reply};
use jiff::SignedDuration;
use store::connections::Health;
use store::execute::ExecuteError;
use store::replies::{look_again, next_version};
use store::suppressions::Suppression;
use store::table::TableError;

use crate::target::Target;
use crate::{Line, Progress, Sender, SenderError};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

impl Sender {
    /// Takes the path that a failed attempt demands.
    pub(crate) async fn failed(
        &self,
        line: &Line,
        reply: Reply,
        error: SendError,
    ) -> Result<Progress, SenderError> {
        tracing::warn!(reply = %reply.id, reason = error.reason, attempts = reply.attempts, "a reply was not accepted");
        match error.class {
            SendFailure::Unreachable | SendFailure::Rejected => {
                self.fail(reply, error.reason, &error.detail).await
            }
            SendFailure::Uncertain => self.doubt(reply, error.reason, &error.detail).await,
            SendFailure::Unauthorized => {
                if !self.mark_broken(line, &error).await? {
                    // The owner mended it meanwhile; the next attempt is made with what now stands.
                    return self.again(reply, Duration::from_secs(1), &error.detail, error.reason).await;
                }
                let mut reply = reply;
                reply.reason = Some(error.reason.to_owned());
                reply.detail = Some(error.detail);
                self.hold(&mut reply).await
            }
            SendFailure::Throttled(wait) => self.again(reply, wait, &error.detail, error.reason).await,
            // A conversation that moves twice within one attempt is a platform's error; it settles.
            SendFailure::Transient | SendFailure::Moved { .. } => {
                let pause = Duration::from_secs(1 << reply.attempts.min(10)).min(LONGEST_PAUSE);
                self.again(reply, pause, &error.detail, error.reason).await
            }
        }
    }

    /// Writes no more to the address that a reply went to first: it does not exist. What this is noted with may fail;
    /// that the reply failed must be said all the same.
    pub(crate) async fn suppress(&self, reply: &Reply, target: &Target, error: &SendError) {
        let Some(talk) = &target.correspondence else { return };
        let people = if reply.content.automatic { &talk.participants } else { &talk.answer_to };
        let Some(first) = people.first() else { return };
        let suppression = Suppression {
            address: first.address.clone(),
            reason: error.reason.to_owned(),
            detail: error.detail.clone(),
            since: self.desk.now(),
        };
        if let Err(error) = self.desk.suppress(&reply.thread.channel, &suppression).await {
            tracing::warn!(reply = %reply.id, %error, "an address that does not exist was not noted");
        }
    }

    /// Puts a reply back, to be tried again after `wait`.
    async fn again(
        &self,
        mut reply: Reply,
        wait: Duration,
        detail: &str,
        reason: &'static str,
    ) -> Result<Progress, SenderError> {
        let now = self.desk.now();
        if reply.is_too_late(now) {
            return self.fail(reply, "gave_up", detail).await;
        }
        let pause = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_mins(15));
        reply.state = Delivery::Queued;
        reply.lease = None;
        reply.not_before = now.saturating_add(pause).ok();
        // Short waits are the queue's as long as it has deliveries left; then the clock looks later, in case the queue forgot.
        reply.due_at = if wait > crate::SHORT_WAIT || reply.attempts > crate::SHORT_WAITS {
            reply.not_before
        } else {
            reply.not_before.and_then(look_again)
        };
        reply.reason = Some(reason.to_owned());
        reply.detail = Some(detail.to_owned());
        self.desk.save_reply(&mut reply).await?;
        Ok(Progress::Wait(wait))
    }

    /// Lets a reply wait until its connection is mended.
    pub(crate) async fn hold(&self, reply: &mut Reply) -> Result<Progress, SenderError> {
        reply.state = Delivery::Queued;
        reply.lease = None;
        reply.held = true;
        reply.due_at = Some(self.desk.now());
        self.desk.save_reply(reply).await?;
        // Whoever mended it in between may have let go on what was held before this one was.
        let thread = &reply.thread;
        let known = self.directory.fresh(&thread.channel, thread.connection).await?;
        if known.is_none_or(|known| known.stored.health != Health::Ok) {
            return Ok(Progress::Stop);
        }
        reply.held = false;
        reply.due_at = look_again(self.desk.now());
        self.desk.save_reply(reply).await?;
        Ok(Progress::Wait(Duration::from_secs(1)))
    }

    /// Ends a reply that can never be delivered, and tells its ticket, in one transaction.
    pub(crate) async fn fail(
        &self,
        reply: Reply,
        reason: &str,
        detail: &str,
    ) -> Result<Progress, SenderError> {
        self.end(reply, Delivery::Failed, reason, detail, Command::FailReply).await
    }

    /// Ends a reply that may or may not have been delivered, and asks on its ticket, in one transaction.
    pub(crate) async fn doubt(
        &self,
        reply: Reply,
        reason: &str,
        detail: &str,
    ) -> Result<Progress, SenderError> {
        self.end(reply, Delivery::Uncertain, reason, detail, Command::DoubtReply).await
    }

    async fn end(
        &self,
        mut reply: Reply,
        state: Delivery,
        reason: &str,
        detail: &str,
        command: fn(DeliveryProblem) -> Command,
    ) -> Result<Progress, SenderError> {
        reply.state = state;
        reply.lease = None;
        reply.due_at = None;
        reply.held = false;
        reply.reason = Some(reason.to_owned());
        reply.detail = Some(detail.to_owned());
        let problem = DeliveryProblem {
            reply: reply.id,
            reason: reason.to_owned(),
            detail: Some(detail.to_owned()),
            automatic: reply.content.automatic,
            withdrawn: false,
        };
        let request =
            Request { actor: Actor::System, cause: Some("sender".to_owned()), command: command(problem) };
        let ticket = reply.ticket;
        let ended = self
            .desk
            .execute_with(ticket, None, request, |_, _| Ok(vec![next_version(&mut reply.clone())?]))
            .await;
        match ended {
            Ok(_) => Ok(Progress::GoOn),
            // Somebody else settled the reply meanwhile.
            Err(ExecuteError::DoneBefore(_)) => Ok(Progress::Wait(Duration::from_secs(1))),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops the connection's sends until the owner mends it. Whether it is broken.
    async fn mark_broken(&self, line: &Line, error: &SendError) -> Result<bool, SenderError> {
        let stored = &line.known.stored;
        let Some(known) = self.directory.fresh(&stored.channel, stored.id).await? else { return Ok(false) };
        let mut connection = known.stored.clone();
        if connection.health != Health::Ok {
            return Ok(true);
        }
        // The secrets may have been changed since this attempt began; then the refusal says nothing about them.
        if connection.version != stored.version {
            return Ok(false);
        }
        tracing::error!(connection = %connection.id, reason = error.reason, "a connection's credentials are refused");
        connection.health = Health::Broken {
            reason: error.reason.to_owned(),
            detail: error.detail.clone(),
            since: self.desk.now(),
        };
        connection.version += 1;
        match self.desk.save_connection(&connection, Vec::new()).await {
            Ok(()) => {}
            // Somebody else wrote it just now: marked as broken, or mended.
            Err(TableError::ConditionFailed(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.directory.fresh(&connection.channel, connection.id).await?;
        Ok(true)
    }
}
