//! What happened to a ticket: one append-only record each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::channel::{ChannelClass, ThreadKey};
use crate::correspondence::Letterhead;
use crate::ids::{AgentId, ContactId, ReplyId, TeamId, TicketId, TokenId};
use crate::message::MessageContent;
use crate::sla::ClockChange;
use crate::ticket::{Priority, Status};

/// The version that new events are written with. Older ones are upcast when read.
pub const VERSION: u16 = 1;

/// One event of a ticket.
///
/// `data` is what happened, `effects` what followed at once; metrics and decisions read these two. `content`
/// holds what people said and who they are, and can be erased without changing either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The version of the record's form.
    pub v: u16,
    /// Position in the ticket, from 1.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
    /// When we learned of it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What led to it: an inbound delivery, a request, a timer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What followed at once.
    #[serde(default, skip_serializing_if = "Effects::is_empty")]
    pub effects: Effects,
    /// What was said, by whom. `"erased"` once erased.
    #[serde(default, skip_serializing_if = "Content::is_none")]
    pub content: Content,
}

/// What followed from an event at once, in the same write.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effects {
    /// The new status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What the SLA clocks did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sla: Vec<ClockChange>,
}

impl Effects {
    /// Whether nothing followed.
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.sla.is_empty()
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A customer.
    Contact {
        /// Which one.
        id: ContactId,
    },
    /// A person of the firm.
    Agent {
        /// Which one.
        id: AgentId,
    },
    /// A script or an integration, by its API token.
    Token {
        /// Which one.
        id: TokenId,
    },
    /// Lambdesk itself: a timer, a rule, the delivery.
    System,
}

/// The kind of an event and its data.
///
/// A kind that this version does not know folds to no change and is shown as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Fact {
    /// The ticket was opened. Always the first event.
    Opened(Opened),
    /// A message came from the customer's side.
    MessageReceived(MessageReceived),
    /// A customer changed a message.
    MessageEdited(MessageRef),
    /// A customer withdrew a message. Its content stays until erased.
    MessageDeleted(MessageRef),
    /// A customer reacted to a message.
    Reacted(MessageRef),
    /// A customer pressed a button under one of our messages.
    ButtonPressed(ButtonPressed),
    /// The customer can no longer be written to, or can again.
    ReachabilityChanged {
        /// Whether messages reach the customer from now on.
        reachable: bool,
    },
    /// A kept original was understood after all, by a newer parser.
    Reinterpreted {
        /// The event that it replaces.
        of: u64,
        /// Where it now stands, when that is another conversation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<ThreadKey>,
    },
    /// A message could not be processed and waits in the dead-letter queue.
    Gap {
        /// The platform's key of the delivery.
        key: String,
        /// Whether the message that nobody has seen asks for an answer, as far as can be told.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        asks: bool,
    },
    /// An answer was written to the customer. Its delivery is the reply's own state.
    Replied(Replied),
    /// The time of a scheduled answer has come, and it is handed to the channel. From now on it counts.
    ReplyDue {
        /// The reply.
        reply: ReplyId,
        /// The first question that came after it was written: that one waits on. Absent where nobody waits any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<u64>,
    },
    /// A reply could not be delivered.
    ReplyFailed(DeliveryProblem),
    /// A reply may or may not have been delivered; the agent decides.
    ReplyUncertain(DeliveryProblem),
    /// An agent settled an uncertain reply: it did arrive.
    ReplyConfirmed {
        /// The reply.
        reply: ReplyId,
        /// Whether a machine had written it: nobody waited for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        automatic: bool,
        /// The first question that came after a human wrote it: that one waits on. Absent where nobody waits any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<u64>,
    },
    /// A note for the team.
    NoteAdded {},
    /// Fields were changed by an agent or a rule.
    Updated(Changes),
    /// The SLA clocks moved on by themselves: a warning or a breach. See the effects.
    SlaProgressed {},
    /// The SLA clocks were computed anew after a change of policy or calendar. See the effects.
    SlaRecomputed {},
    /// A solved ticket was closed for good when its reopening window ended.
    AutoClosed {},
    /// A customer wrote again after this ticket was closed; the new ticket is linked.
    FollowedUp {
        /// The new ticket.
        by: TicketId,
    },
    /// A kind of a newer version.
    #[serde(untagged)]
    Unknown(Unknown),
}

/// An event of a kind that this version does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Unknown {
    /// Its kind.
    pub kind: String,
    /// Its data.
    #[serde(default)]
    pub data: Value,
}

/// The data of [`Fact::Opened`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Opened {
    /// The ticket.
    pub ticket: TicketId,
    /// The number for people.
    pub number: u64,
    /// The contact.
    pub contact: ContactId,
    /// The conversation, if the ticket has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadKey>,
    /// The class of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ChannelClass>,
    /// The first priority.
    pub priority: Priority,
    /// The first team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The closed ticket of the same conversation that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up_of: Option<TicketId>,
    /// Another ticket that it has to do with, such as that of the same mail to another department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_to: Option<TicketId>,
}

/// The data of [`Fact::MessageReceived`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageReceived {
    /// The platform's id of the message.
    pub message: String,
    /// When it was written, by the platform's clock.
    #[schema(value_type = String, format = DateTime)]
    pub sent_at: Timestamp,
    /// Whether it asks for an answer. `/start` and what could not be parsed do not start a clock.
    pub asks: bool,
    /// The album that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// How many files came with it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attachments: usize,
    /// Whether it came out of a dead-letter queue, after newer ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The sign that no person wrote it, such as `auto_reply`. It asks nothing and opens nothing again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<String>,
    /// The conversation that it came in, where that is another one than the ticket's: a mail that goes on from a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadKey>,
    /// Whether a contact was made for its author, who is another one than the conversation's, or got an address with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_author: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The data of events about an earlier message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageRef {
    /// The platform's id of the message.
    pub message: String,
}

/// The data of [`Fact::ButtonPressed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ButtonPressed {
    /// The platform's id of the message that carried the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What must be acknowledged to the platform.
    pub callback: String,
}

/// The data of [`Fact::Replied`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replied {
    /// The outbox entry.
    pub reply: ReplyId,
    /// Whether a machine wrote it. Automatic replies never stop an SLA clock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    /// The uncertain or failed reply that this one sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<ReplyId>,
    /// The conversation that it goes to, where that is another one than the ticket's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadKey>,
    /// When it is to be sent, where that is later. Until then it answers nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Timestamp>,
}

/// The data of a failed or uncertain delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryProblem {
    /// The reply.
    pub reply: ReplyId,
    /// A stable word for what went wrong, such as `blocked` or `timeout`.
    pub reason: String,
    /// What the platform said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether a machine had written it: nobody waits for what nobody asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    /// Whether it was taken back before its time had come: it had answered nothing yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl DeliveryProblem {
    /// Whether somebody waits again for what did not arrive.
    pub const fn leaves_waiting(&self) -> bool {
        !self.automatic && !self.withdrawn
    }
}

/// What an update changed. An absent field was left alone; a present `null` was cleared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The new priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The new team, or none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub team: Option<Option<TeamId>>,
    /// The new assignee, or nobody.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub assignee: Option<Option<AgentId>>,
    /// All tags that now stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Whether the subject changed; the text is content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subject: bool,
}

/// Tells a present `null` from an absent field.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// What an event's people said, apart from what happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Content {
    /// Nothing was said.
    #[default]
    None,
    /// What was said.
    Said(Box<Said>),
    /// It was erased on request or by age.
    Erased(Erased),
}

impl Content {
    /// Whether nothing was said.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// What was said, unless nothing was or it was erased.
    pub fn said(&self) -> Option<&Said> {
        match self {
            Self::Said(said) => Some(said),
            Self::None | Self::Erased(_) => None,
        }
    }
}

impl From<Said> for Content {
    fn from(said: Said) -> Self {
        Self::Said(Box::new(said))
    }
}

/// The word `erased`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Erased {
    /// It was erased.
    Erased,
}

/// What was said, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Said {
    /// The name that the author showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The message.
    #[serde(default, flatten)]
    pub message: MessageContent,
    /// What a mail says besides its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Box<Letterhead>>,
    /// The reactions that now stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emoji: Vec<String>,
    /// What a pressed button or a followed link carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The original, as far as it was not understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Raw>,
    /// Why the original was not understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The original bytes of what a platform sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// Small and valid UTF-8: kept with the event.
    Text(String),
    /// Small and no UTF-8: kept with the event, in base64.
    Base64(String),
    /// Kept in the object store under this key.
    Object(String),
}
