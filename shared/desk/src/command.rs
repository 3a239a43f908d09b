//! What one may ask of a ticket, and the answers that refuse.

use crate::channel::{ChannelClass, ThreadKey};
use crate::event::{Actor, ButtonPressed, DeliveryProblem, MessageReceived, Replied, Said};
use crate::ids::{AgentId, ContactId, ReplyId, TeamId, TicketId};
use crate::ticket::{Priority, Status};

/// A command with who gives it and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who asks.
    pub actor: Actor,
    /// What led to it: an inbound delivery, a request, a timer.
    pub cause: Option<String>,
    /// What is asked.
    pub command: Command,
}

/// What one may ask of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Take in a message of the customer.
    Receive(Box<MessageReceived>, Box<Said>),
    /// Note that the customer changed a message.
    Edit(String, Box<Said>),
    /// Note that the customer withdrew a message.
    Withdraw(String),
    /// Note that the customer reacted to a message.
    React(String, Box<Said>),
    /// Take in that the customer pressed a button.
    Press(ButtonPressed, Box<Said>),
    /// Note that the customer can no longer be written to, or can again.
    Reach(bool),
    /// Note that a delivery could not be processed.
    Gap {
        /// The platform's key of it.
        key: String,
        /// Whether it asks for an answer, as far as can be told.
        asks: bool,
    },
    /// Put what a newer parser makes of a kept original beside the event that kept it.
    Reinterpret {
        /// The event that kept the original.
        of: u64,
        /// Where it now stands, when that is another conversation.
        moved_to: Option<ThreadKey>,
        /// What it says.
        said: Box<Said>,
    },
    /// Write to the customer.
    Reply {
        /// The outbox entry and its kind.
        replied: Replied,
        /// What to say.
        said: Box<Said>,
        /// The status afterwards; by default an open ticket waits for the customer.
        status: Option<Status>,
    },
    /// Write a note for the team.
    Note(Box<Said>),
    /// Change fields.
    Update(Update),
    /// Note that the time of a scheduled reply has come.
    DueReply {
        /// The reply.
        reply: ReplyId,
        /// The event that announced it.
        seq: u64,
        /// The status afterwards; by default an open ticket waits for the customer.
        status: Option<Status>,
    },
    /// Note that a reply could not be delivered.
    FailReply(DeliveryProblem),
    /// Note that nobody knows whether a reply was delivered.
    DoubtReply(DeliveryProblem),
    /// Note that an uncertain reply did arrive.
    ConfirmReply {
        /// The reply.
        reply: ReplyId,
        /// The event that announced it.
        seq: u64,
        /// Whether a machine wrote it.
        automatic: bool,
        /// The status that it led to, where that was not the usual one.
        status: Option<Status>,
    },
    /// Do what time demands: warnings, breaches, closing.
    Tick,
    /// Compute the clocks anew, after policies or calendars changed.
    Recompute,
    /// Note that another ticket goes on from this one.
    FollowUp(TicketId),
}

/// Changes to what agents edit. An absent field is left alone; `Some(None)` clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Refuse when the ticket's revision is another one.
    pub expected: Option<u64>,
    /// The new status.
    pub status: Option<Status>,
    /// The new priority.
    pub priority: Option<Priority>,
    /// The new team.
    pub team: Option<Option<TeamId>>,
    /// The new assignee.
    pub assignee: Option<Option<AgentId>>,
    /// All tags that shall stand.
    pub tags: Option<Vec<String>>,
    /// The new subject.
    pub subject: Option<String>,
}

/// What a new ticket starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Its id.
    pub ticket: TicketId,
    /// Its number for people.
    pub number: u64,
    /// The customer.
    pub contact: ContactId,
    /// The conversation, if it has one.
    pub thread: Option<ThreadKey>,
    /// The class of the channel, if it has one.
    pub class: Option<ChannelClass>,
    /// The first priority.
    pub priority: Priority,
    /// The first team.
    pub team: Option<TeamId>,
    /// What it is about.
    pub subject: String,
    /// The closed ticket that it goes on from.
    pub follow_up_of: Option<TicketId>,
    /// Another ticket that it has to do with.
    pub related_to: Option<TicketId>,
}

/// Why a ticket does not do as asked. The text is fit for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It changed since the caller looked.
    #[error("the ticket is at revision {current}, not {expected}")]
    Stale {
        /// What the caller saw.
        expected: u64,
        /// What stands.
        current: u64,
    },
    /// It is closed or merged.
    #[error("the ticket is {} and cannot change any more", .0.as_str())]
    Final(Status),
    /// It cannot go to that status.
    #[error("a ticket cannot be set from {} to {}", from.as_str(), to.as_str())]
    Transition {
        /// Where it stands.
        from: Status,
        /// Where it was asked to go.
        to: Status,
    },
    /// It has no conversation to answer in.
    #[error("the ticket has no conversation to reply in")]
    NoConversation,
    /// There is no such team.
    #[error("there is no team {0}")]
    UnknownTeam(TeamId),
    /// There is no such agent.
    #[error("there is no agent {0}")]
    UnknownAgent(AgentId),
    /// A text is empty, too long or too many.
    #[error("{0}")]
    Invalid(String),
}

impl Refusal {
    /// A stable word for the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stale { .. } => "stale",
            Self::Final(_) => "ticket_closed",
            Self::Transition { .. } => "invalid_transition",
            Self::NoConversation => "no_conversation",
            Self::UnknownTeam(_) => "unknown_team",
            Self::UnknownAgent(_) => "unknown_agent",
            Self::Invalid(_) => "invalid",
        }
    }
}
