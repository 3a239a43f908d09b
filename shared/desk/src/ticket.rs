//! The head of a ticket: the small fold of its events that decisions and list views need.

mod fold;
mod status;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::status::{Priority, Status};

use crate::channel::{ChannelClass, ThreadKey};
use crate::event::{Event, Fact, MessageReceived};
use crate::ids::{AgentId, ContactId, TeamId, TicketId};
use crate::sla::Sla;

/// A question of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The event that brought it.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
}

/// The head of a ticket.
///
/// Holds no messages and no delivery states, and only bounded lists: it is read and written with every message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The id.
    pub id: TicketId,
    /// The number for people, as in `#1024`.
    pub number: u64,
    /// Counts the writes; every write is conditional on it.
    pub version: u64,
    /// Counts the changes to what agents edit; what `If-Match` compares.
    pub revision: u64,
    /// The last event's position.
    pub seq: u64,
    /// What the ticket is about.
    pub subject: String,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// The team that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The agent who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<AgentId>,
    /// At most [`Ticket::MAX_TAGS`] words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The customer.
    pub contact: ContactId,
    /// The conversation; absent when the ticket was opened without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadKey>,
    /// Other conversations that the customer went on in, such as of mails after a chat; at most
    /// [`Ticket::MAX_CONVERSATIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub went_on_in: Vec<ThreadKey>,
    /// The one of these in which the customer asked last; absent while that is the ticket's own conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<ThreadKey>,
    /// The class of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ChannelClass>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything last happened.
    pub updated_at: Timestamp,
    /// When the oldest question came that nobody has answered; absent while nobody waits for us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// The questions that nobody has answered, oldest first; of more than [`Ticket::MAX_QUESTIONS`] the first ones and the
    /// latest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Question>,
    /// While it is solved: since when somebody waited as it was solved without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// When a human first answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_reply_at: Option<Timestamp>,
    /// When it was last solved; absent unless it is solved or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved_at: Option<Timestamp>,
    /// The closed ticket that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up_of: Option<TicketId>,
    /// Another ticket that it has to do with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_to: Option<TicketId>,
    /// The ticket that goes on from this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_up_by: Option<TicketId>,
    /// The platform's ids of the latest messages, oldest first, as far as they are short: a repeated delivery is
    /// recognised before anything is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest: Vec<String>,
    /// The latest album that pictures came of, as far as its id is short: its later ones come here, whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// The service-level clocks.
    #[serde(default, skip_serializing_if = "Sla::is_empty")]
    pub sla: Sla,
}

impl Ticket {
    /// The most tags that a ticket can have.
    pub const MAX_TAGS: usize = 20;
    /// The longest tag, in characters.
    pub const MAX_TAG_LENGTH: usize = 40;
    /// The longest subject, in characters.
    pub const MAX_SUBJECT_LENGTH: usize = 200;
    /// The most conversations besides its own that a ticket remembers.
    pub const MAX_CONVERSATIONS: usize = 4;

    /// The most unanswered questions that a ticket remembers one by one.
    pub const MAX_QUESTIONS: usize = 4;

    /// Whether this is one of the latest messages. `false` says nothing: the message's own item decides.
    pub fn has_taken(&self, message: &str) -> bool {
        self.latest.iter().any(|latest| latest == message)
    }

    /// Whether a message at `now` belongs to this ticket, and to no new one: as every message does while the ticket
    /// takes any, the rest of an album that it has begun, unless another one goes on from it, and what no person wrote.
    pub fn takes(
        &self,
        message: &MessageReceived,
        now: Timestamp,
        reopen_window: jiff::SignedDuration,
    ) -> bool {
        let goes_on = message.album.is_some() && message.album == self.album && self.followed_up_by.is_none();
        message.automatic.is_some() || goes_on || self.takes_message_at(now, reopen_window)
    }

    /// Whether something that a customer says at `now` still belongs to this ticket.
    pub fn takes_message_at(&self, now: Timestamp, reopen_window: jiff::SignedDuration) -> bool {
        match self.status {
            // What goes on in another ticket makes its work there.
            Status::Solved => self.followed_up_by.is_none() && !self.is_over_at(now, reopen_window),
            // An unwanted sender gets no new ticket by writing on.
            Status::Spam => true,
            status => status.is_active(),
        }
    }

    /// Whether a solved ticket has been so for longer than it may be opened again.
    pub(crate) fn is_over_at(&self, now: Timestamp, reopen_window: jiff::SignedDuration) -> bool {
        self.status == Status::Solved
            && self.solved_at.is_some_and(|solved| now.duration_since(solved) > reopen_window)
    }

    /// The conversation that an answer goes to: the one in which the customer asked last.
    pub fn answers_in(&self) -> Option<&ThreadKey> {
        self.asked_in.as_ref().or(self.thread.as_ref())
    }

    /// The conversation that a message or an answer of the ticket belongs to.
    pub fn thread_of<'a>(&'a self, event: &'a Event) -> Option<&'a ThreadKey> {
        let other = match &event.fact {
            Fact::MessageReceived(message) => message.thread.as_ref(),
            Fact::Replied(replied) => replied.thread.as_ref(),
            _ => None,
        };
        other.or(self.thread.as_ref())
    }

    /// The first question after an event that nobody has answered.
    pub fn asked_after(&self, seq: u64) -> Option<Question> {
        self.asked.iter().copied().find(|question| question.seq > seq)
    }
}
