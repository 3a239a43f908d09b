//! Tickets as the API shows them.

use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::correspondence::{Correspondence, Mailbox};
use desk::ids::{AgentId, ConnectionId, ContactId, TeamId, TicketId};
use desk::sla::Clock;
use desk::ticket::{Priority, Status, Ticket};
use jiff::Timestamp;
use serde::Serialize;
use store::tickets::Summary;
use utoipa::ToSchema;

/// A ticket as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketSummary {
    /// The id.
    id: TicketId,
    /// The number for people, as in `#1024`.
    number: u64,
    /// Counts the changes to what agents edit; what `If-Match` compares.
    revision: u64,
    /// What the ticket is about.
    subject: String,
    /// Where it stands.
    status: Status,
    /// How urgent it is.
    priority: Priority,
    /// The team that works on it.
    team: Option<TeamId>,
    /// The agent who works on it.
    assignee: Option<AgentId>,
    /// Its tags.
    tags: Vec<String>,
    /// The customer.
    contact: ContactId,
    /// The channel that the customer writes on; `null` for a ticket without a conversation.
    channel: Option<Channel>,
    /// The account of the firm that the customer writes to.
    connection: Option<ConnectionId>,
    /// The platform's id of the conversation.
    conversation: Option<String>,
    /// How fast people expect an answer on the channel.
    class: Option<ChannelClass>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When anything last happened.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When the oldest question came that nobody has answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    waiting_since: Option<Timestamp>,
    /// The service-level clocks: the latest run of each metric.
    sla: Vec<Clock>,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketView {
    #[serde(flatten)]
    summary: TicketSummary,
    /// When a human first answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_reply_at: Option<Timestamp>,
    /// When it was last solved; `null` unless it is solved or closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    solved_at: Option<Timestamp>,
    /// The closed ticket that this one goes on from.
    follow_up_of: Option<TicketId>,
    /// Another ticket that it has to do with, such as that of the same mail to another department.
    related_to: Option<TicketId>,
    /// The ticket that goes on from this one.
    followed_up_by: Option<TicketId>,
    /// Whom the next answer goes to, where mails say so; told only when one ticket is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_answer: Option<Recipients>,
}

/// Whom a mail goes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recipients {
    /// Who is answered.
    to: Vec<Mailbox>,
    /// Who gets a copy.
    cc: Vec<Mailbox>,
}

impl From<Correspondence> for Recipients {
    fn from(talk: Correspondence) -> Self {
        Self { to: talk.answer_to, cc: talk.copies }
    }
}

impl From<Summary> for TicketSummary {
    fn from(ticket: Summary) -> Self {
        let (channel, connection, conversation) = match ticket.thread {
            Some(ThreadKey { channel, connection, conversation }) => {
                (Some(channel), Some(connection), Some(conversation))
            }
            None => (None, None, None),
        };
        Self {
            id: ticket.id,
            number: ticket.number,
            revision: ticket.revision,
            subject: ticket.subject,
            status: ticket.status,
            priority: ticket.priority,
            team: ticket.team,
            assignee: ticket.assignee,
            tags: ticket.tags,
            contact: ticket.contact,
            channel,
            connection,
            conversation,
            class: ticket.class,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            waiting_since: ticket.waiting_since,
            sla: ticket.sla.clocks().to_vec(),
        }
    }
}

impl From<&Ticket> for TicketView {
    fn from(ticket: &Ticket) -> Self {
        Self {
            summary: Summary::from(ticket.clone()).into(),
            first_reply_at: ticket.first_reply_at,
            solved_at: ticket.solved_at,
            follow_up_of: ticket.follow_up_of,
            related_to: ticket.related_to,
            followed_up_by: ticket.followed_up_by,
            next_answer: None,
        }
    }
}
