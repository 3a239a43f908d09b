//! Reports that a message of ours did not arrive after all.

use desk::channel::ThreadKey;
use desk::command::{Command, Refusal, Request};
use desk::event::{Actor, DeliveryProblem, Fact, Said};
use desk::inbound::{Happened, Inbound, Marked};
use desk::message::MessageContent;
use desk::reply::{Delivery, Reply};
use store::execute::ExecuteError;
use store::messages::put_delivery;
use store::suppressions::Suppression;
use store::table::TableError;

use crate::correspondence::own_id;
use crate::{RouteError, Router, cause};

/// How often a reply is read anew when somebody else writes it.
const ATTEMPTS: u32 = 4;

/// A report, as the platform gives it.
#[derive(Debug)]
pub(crate) struct Report {
    /// The platform's ids of the message, the most telling first.
    pub(crate) ids: Vec<String>,
    /// The addresses that were not reached.
    pub(crate) addresses: Vec<String>,
    /// Whether they never will be.
    pub(crate) permanent: bool,
    /// A stable word.
    pub(crate) reason: String,
    /// What the report says.
    pub(crate) detail: String,
    /// Whether the message may still arrive, or has arrived.
    pub(crate) delayed: bool,
    /// The reply that our own mark names.
    pub(crate) reply: Option<Marked>,
    /// The report as the message that it also is.
    pub(crate) content: Option<Box<MessageContent>>,
}

impl Router {
    /// Marks the reply as failed, and remembers addresses that are gone. What is about no message of ours is taken in
    /// as a message that no person wrote, if it has anything to say.
    pub(crate) async fn undelivered(&self, inbound: &Inbound, report: Report) -> Result<(), RouteError> {
        let Some(reply) = self.reported(inbound, &report).await? else {
            if inbound.letter.is_none() {
                return Ok(());
            }
            let message = Inbound { happened: as_message(inbound, report), ..inbound.clone() };
            return self.message(message, false).await;
        };
        if report.delayed {
            return self.note_report(inbound, &reply, report).await;
        }
        if report.permanent {
            // Only addresses that the reply went to: a report could otherwise be forged to silence others.
            let thread = self.desk.thread(&reply.thread).await?;
            let talk = thread.and_then(|thread| thread.correspondence).unwrap_or_default();
            for address in report.addresses.iter().filter(|address| talk.admits(address)) {
                let suppression = Suppression {
                    address: address.clone(),
                    reason: report.reason.clone(),
                    detail: report.detail.clone(),
                    since: self.desk.now(),
                };
                self.desk.suppress(&reply.thread.channel, &suppression).await?;
            }
        }
        if reply.state == Delivery::Failed {
            // Its ticket knows; and where it was sent again, somebody waits for that one.
            return Ok(());
        }
        self.fail(inbound, reply, report).await
    }

    /// The reply that a report is about. A mark names the very one, also while it is not noted as sent or nobody knows
    /// whether it was; the mails that it answered, which reports repeat, too, would lead to earlier ones.
    async fn reported(&self, inbound: &Inbound, report: &Report) -> Result<Option<Reply>, RouteError> {
        if let Some(Marked { conversation, reply }) = &report.reply {
            let thread = ThreadKey { conversation: conversation.clone(), ..inbound.thread.clone() };
            if let Some(reply) = self.desk.reply(&thread, *reply).await? {
                return Ok(Some(reply));
            }
        }
        let ids: Vec<String> = report.ids.iter().map(|id| own_id(id)).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let under = inbound.thread.whole_connection();
        let Some(stands) = self.desk.first_platform_message(&under, &ids).await? else { return Ok(None) };
        let Some(event) = self.desk.event(stands.ticket, stands.seq).await? else { return Ok(None) };
        let Fact::Replied(replied) = event.fact else { return Ok(None) };
        let thread = match stands.conversation {
            // A mail may be the copy of an answer that stands in another conversation.
            Some(conversation) => Some(ThreadKey { conversation, ..under }),
            None => self.desk.ticket(stands.ticket).await?.and_then(|ticket| ticket.thread),
        };
        let Some(thread) = thread else { return Ok(None) };
        Ok(self.desk.reply(&thread, replied.reply).await?)
    }

    /// Notes on the ticket what is reported about a reply that may have arrived all the same.
    async fn note_report(&self, inbound: &Inbound, reply: &Reply, report: Report) -> Result<(), RouteError> {
        let message = MessageContent::text(format!("A report about an answer: {}", report.detail));
        let said = Said { message, raw: inbound.raw.clone(), ..Said::default() };
        let command = Command::Note(Box::new(said));
        match self.execute_once(inbound, reply, command).await {
            // What is closed is no place for notes, and nobody has to act.
            Err(RouteError::Execute(ExecuteError::Refused(Refusal::Final(_)))) => Ok(()),
            noted => noted,
        }
    }

    /// Executes a command on a reply's ticket once for a report.
    async fn execute_once(
        &self,
        inbound: &Inbound,
        reply: &Reply,
        command: Command,
    ) -> Result<(), RouteError> {
        let request = Request { actor: Actor::System, cause: cause(inbound), command };
        let now = self.desk.now();
        let mark = format!("undelivered:{}", inbound.key);
        let done = self
            .desk
            .execute_with(reply.ticket, None, request, |_, _| {
                Ok(vec![put_delivery(&reply.thread, &mark, now)?])
            })
            .await;
        match done {
            Ok(_) | Err(ExecuteError::DoneBefore(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn fail(&self, inbound: &Inbound, reply: Reply, report: Report) -> Result<(), RouteError> {
        let (thread, id) = (reply.thread.clone(), reply.id);
        let problem = DeliveryProblem {
            reply: id,
            reason: report.reason.clone(),
            detail: Some(report.detail.clone()),
            automatic: reply.content.automatic,
            withdrawn: false,
        };
        self.execute_once(inbound, &reply, Command::FailReply(problem)).await?;
        let mut reply = reply;
        for _ in 0..ATTEMPTS {
            reply.state = Delivery::Failed;
            reply.reason = Some(report.reason.clone());
            reply.detail = Some(report.detail.clone());
            reply.lease = None;
            reply.due_at = None;
            match self.desk.save_reply(&mut reply).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed(_)) => {
                    let Some(now) = self.desk.reply(&thread, id).await? else { return Ok(()) };
                    reply = now;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Conflict.into())
    }
}

/// A report about nothing of ours, as the message that it also is.
fn as_message(inbound: &Inbound, report: Report) -> Happened {
    let content = report.content.filter(|content| !content.is_empty());
    let content = content.map_or_else(|| MessageContent::text(report.detail), |content| *content);
    Happened::Message { id: inbound.key.clone(), content, album: None }
}
