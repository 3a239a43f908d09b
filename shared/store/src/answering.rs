//! Answers to customers: the event and the outbox entry in one transaction.

use desk::command::{Command, Request};
use desk::event::{Actor, Replied, Said};
use desk::ids::{ReplyId, TicketId};
use desk::message::{Attachment, MessageContent, Quote};
use desk::reply::{Delivery, Reply, ReplyContent};
use desk::ticket::{Status, Ticket};
use jiff::Timestamp;

use crate::desk::Desk;
use crate::execute::{ExecuteError, Executed};
use crate::replies::{look_after, put_reply};
use crate::table::{TableError, Write};

/// An answer to a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The text.
    pub text: Option<String>,
    /// The files, as the event shows them; each with its id.
    pub attachments: Vec<Attachment>,
    /// The platform's id of the message that it answers.
    pub reply_to: Option<String>,
    /// The name that the customer sees, where it is not the brand's own.
    pub sender_name: Option<String>,
    /// The author's name inside the firm.
    pub author: Option<String>,
    /// Whether a machine wrote it.
    pub automatic: bool,
    /// The failed or uncertain reply that this one sends again.
    pub again: Option<ReplyId>,
    /// The parts of that one which arrived: they are not sent again.
    pub arrived: Vec<String>,
    /// The ticket's status afterwards, when it is not the usual one.
    pub status: Option<Status>,
    /// Not to be sent before.
    pub not_before: Option<Timestamp>,
}

impl Desk {
    /// Writes an answer: the reply's event and its outbox entry. Sending follows from the change feed.
    ///
    /// # Errors
    /// As [`execute_with`](Desk::execute_with).
    pub async fn answer(
        &self,
        ticket: TicketId,
        loaded: Option<Ticket>,
        answer: Answer,
        actor: Actor,
        cause: Option<String>,
        companions: impl Fn(&Reply) -> Result<Vec<Write>, TableError>,
    ) -> Result<Executed, ExecuteError> {
        let id = ReplyId::new(self.environment.ulid());
        let replied = Replied {
            reply: id,
            automatic: answer.automatic,
            again: answer.again,
            thread: None,
            not_before: answer.not_before.filter(|_| !answer.automatic),
        };
        let message = MessageContent {
            text: answer.text.clone(),
            attachments: answer.attachments.clone(),
            reply_to: answer.reply_to.clone().map(|message| Quote { message, text: None }),
            ..MessageContent::default()
        };
        let said = Said { author: answer.author.clone(), message, ..Said::default() };
        let command = Command::Reply { replied, said: Box::new(said), status: answer.status };
        self.execute_with(ticket, loaded, Request { actor, cause, command }, |event, head| {
            let Some(thread) = head.thread_of(event).cloned() else { return Ok(Vec::new()) };
            let mut reply = Reply {
                id,
                thread,
                ticket,
                seq: event.seq,
                content: ReplyContent {
                    text: answer.text.clone(),
                    attachments: answer.attachments.iter().filter_map(|file| file.id).collect(),
                    reply_to: answer.reply_to.clone(),
                    sender_name: answer.sender_name.clone(),
                    automatic: answer.automatic,
                },
                state: Delivery::Queued,
                version: 1,
                attempts: 0,
                parts: answer.arrived.clone(),
                of: None,
                lease: None,
                status: answer.status,
                scheduled_for: answer.not_before.filter(|_| !answer.automatic),
                not_before: answer.not_before,
                due_at: None,
                reason: None,
                detail: None,
                held: false,
                created_at: event.at,
                sent_at: None,
                copied_to: None,
                copy_of: None,
            };
            reply.due_at = look_after(&reply);
            let mut writes = companions(&reply)?;
            writes.insert(0, put_reply(&reply)?);
            Ok(writes)
        })
        .await
    }
}
