//! The delivery of one answer: the outbox entry and its states.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::ThreadKey;
use crate::ids::{AttachmentId, ReplyId, TicketId};
use crate::ticket::Status;

/// A reply that could not be sent for this long is given up.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How far a reply has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It waits for its turn.
    Queued,
    /// It was claimed, and may be on its way.
    Sending,
    /// The platform accepted it.
    Sent,
    /// It reached the customer's device.
    Delivered,
    /// The customer read it.
    Read,
    /// It can never be delivered as it is.
    Failed,
    /// It may or may not have been accepted. Never repeated by a machine; the agent decides.
    Uncertain,
}

impl Delivery {
    /// Whether the sender still has something to do.
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Queued | Self::Sending)
    }
}

/// One entry of the outbox: an answer to a customer, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The id.
    pub id: ReplyId,
    /// The conversation that it goes to.
    pub thread: ThreadKey,
    /// The ticket that it belongs to.
    pub ticket: TicketId,
    /// The event that announced it.
    pub seq: u64,
    /// What to send.
    pub content: ReplyContent,
    /// How far it has come.
    pub state: Delivery,
    /// Counts the writes of this item; every write is conditional on it.
    pub version: u64,
    /// How many times a part of it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// The platform's ids of the parts sent so far, in order. Empty for one of which only a person knows that it
    /// arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// How many parts it has, as its sender found when it claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// While `sending`: until when the claim holds. A claim that ran out leaves its part uncertain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Timestamp>,
    /// The ticket's status once it counts as an answer, where that is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When a person wanted it to be sent, where that was later than at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<Timestamp>,
    /// Not to be sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// When the clock looks after it; present while unfinished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Why the last attempt did not succeed, or did not reach everybody: a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the platform said to the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether it waits for its connection to be mended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the platform accepted all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// The conversation that a copy of it goes to, should the customer not see it here in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_to: Option<ThreadKey>,
    /// The conversation whose answer this is a copy of, under the same id. It is not sent once that one was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<ThreadKey>,
}

impl Reply {
    /// Whether it was scheduled and was never handed to the channel: it counts as no answer yet.
    pub const fn is_scheduled(&self) -> bool {
        self.scheduled_for.is_some() && self.attempts == 0
    }

    /// Whether it could not be sent for so long that it would come too late to be an answer.
    pub fn is_too_late(&self, now: Timestamp) -> bool {
        now.duration_since(self.scheduled_for.unwrap_or(self.created_at)) > GIVE_UP_AFTER
    }

    /// Takes the part that may have been sent for sent, as a person says at `now`. What is left goes on.
    pub fn confirm(&mut self, now: Timestamp) {
        self.parts.push(String::new());
        self.lease = None;
        if self.of.is_some_and(|of| self.parts.len() < of) {
            self.state = Delivery::Queued;
            self.due_at = Some(now);
            self.reason = None;
            self.detail = None;
        } else {
            self.state = Delivery::Sent;
            self.due_at = None;
            self.sent_at = Some(now);
        }
    }
}

impl Reply {
    /// A copy for another conversation, not to be sent before a time.
    #[must_use]
    pub fn copied(&self, to: ThreadKey, now: Timestamp, not_before: Timestamp) -> Self {
        Self {
            thread: to,
            // What it answers has an id in the other conversation only.
            content: ReplyContent { reply_to: None, ..self.content.clone() },
            state: Delivery::Queued,
            version: 1,
            attempts: 0,
            parts: Vec::new(),
            of: None,
            lease: None,
            scheduled_for: None,
            not_before: Some(not_before),
            due_at: Some(not_before),
            reason: None,
            detail: None,
            held: false,
            created_at: now,
            sent_at: None,
            copied_to: None,
            copy_of: Some(self.thread.clone()),
            ..self.clone()
        }
    }
}

/// What a reply sends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyContent {
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Files, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
    /// The platform's id of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The name that the customer sees, where it is not the brand's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// Whether a machine wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scheduled_reply_is_given_up_a_day_after_its_time() {
        let mut reply: Reply = serde_json::from_value(json!({
            "id": "rep_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ticket": "tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "seq": 2,
            "thread": {
                "channel": "telegram", "connection": "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV", "conversation": "42"
            },
            "content": {},
            "state": "queued",
            "version": 1,
            "created_at": "2026-11-02T09:00:00Z",
        }))
        .unwrap();
        let after = |hours| reply.created_at + SignedDuration::from_hours(hours);
        let (day, two_days, three_days) = (after(24), after(48), after(72));
        assert!(!reply.is_too_late(day));
        assert!(reply.is_too_late(two_days));
        reply.scheduled_for = Some(two_days);
        assert!(!reply.is_too_late(three_days));
        assert!(reply.is_too_late(three_days + SignedDuration::from_secs(1)));
    }
}
