//! Who waits for an answer, by the log alone.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::ticket::Status;
use jiff::Timestamp;

/// Who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// When the oldest question came that nobody has answered.
    pub(super) since: Option<Timestamp>,
    /// The questions so far, and when they came.
    asked: BTreeMap<u64, Timestamp>,
}

impl Waiting {
    /// Follows an event, which met the ticket in a status.
    pub(super) fn follow(&mut self, event: &Event, status: Status) {
        let asks = is_question(event, status);
        if asks {
            self.asked.insert(event.seq, event.at);
        }
        match &event.fact {
            _ if is_answer(event) => self.since = None,
            _ if left_by(event).is_some() => self.since = self.left_since(event),
            Fact::ReplyFailed(problem) | Fact::ReplyUncertain(problem) if problem.leaves_waiting() => {
                self.since = self.since.or(Some(event.at));
            }
            // Whoever asks again after a solution waits from then on.
            _ if asks && status == Status::Solved => self.since = Some(event.at),
            _ if asks => self.since = self.since.or(Some(event.at)),
            _ => {}
        }
        if event.effects.status == Some(Status::Closed) {
            self.since = None;
        }
    }

    /// Since when somebody waits whose question an answer left, because it was written before.
    pub(super) fn left_since(&self, event: &Event) -> Option<Timestamp> {
        left_by(event).and_then(|question| self.asked.get(&question).copied())
    }
}

/// Whether somebody asks by it, of a ticket in that status.
pub(super) fn is_question(event: &Event, status: Status) -> bool {
    match &event.fact {
        Fact::MessageReceived(message) => message.asks,
        Fact::Gap { asks, .. } => *asks,
        Fact::ButtonPressed(_) => true,
        // What is understood only now was never answered. Where nobody works any more, it makes no work.
        Fact::Reinterpreted { moved_to: None, .. } => status.is_active(),
        _ => false,
    }
}

/// Whether a human answers by it: one that is scheduled does when its time has come.
pub(super) fn is_answer(event: &Event) -> bool {
    match &event.fact {
        Fact::Replied(replied) => !replied.automatic && replied.not_before.is_none(),
        Fact::ReplyDue { left, .. } => left.is_none(),
        Fact::ReplyConfirmed { automatic, left, .. } => !automatic && left.is_none(),
        _ => false,
    }
}

/// Whether an answer by it turns out not to have arrived.
pub(super) fn is_undelivered(event: &Event) -> bool {
    match &event.fact {
        Fact::ReplyFailed(problem) | Fact::ReplyUncertain(problem) => problem.leaves_waiting(),
        _ => false,
    }
}

/// The question that an answer leaves waiting, because it was written before.
pub(super) fn left_by(event: &Event) -> Option<u64> {
    match &event.fact {
        Fact::ReplyDue { left, .. } | Fact::ReplyConfirmed { left, .. } => *left,
        _ => None,
    }
}
