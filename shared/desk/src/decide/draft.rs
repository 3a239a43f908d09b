//! An event in the making: what has followed so far.

use jiff::Timestamp;

use crate::command::Refusal;
use crate::event::{DeliveryProblem, Effects, Replied};
use crate::settings::Settings;
use crate::sla::{Clock, ClockChange, Metric, Sla, Terms};
use crate::ticket::{Priority, Status, Ticket};

/// An event in the making: what has followed so far.
pub(super) struct Draft<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
    pub(super) status: Status,
    pub(super) priority: Priority,
    /// Since when somebody waits for an answer, or did as it was solved without one.
    pub(super) waiting_since: Option<Timestamp>,
    pub(super) sla: Sla,
    pub(super) effects: Effects,
}

impl<'a> Draft<'a> {
    pub(super) fn new(ticket: &'a Ticket, settings: &'a Settings, now: Timestamp) -> Self {
        let mut draft = Self {
            ticket,
            settings,
            now,
            status: ticket.status,
            priority: ticket.priority,
            waiting_since: ticket.waiting_since.or(ticket.unanswered_since),
            sla: ticket.sla.clone(),
            effects: Effects::default(),
        };
        let elapsed = draft.sla.elapse(now);
        draft.follow(elapsed);
        draft
    }

    /// Moves the clocks by one rule.
    fn step(&mut self, rule: impl FnOnce(&Sla, &Terms<'_>, Timestamp) -> Vec<ClockChange>) {
        let terms = Terms {
            settings: self.settings,
            class: self.ticket.class,
            channel: self.ticket.thread.as_ref().map(|thread| &thread.channel),
            priority: self.priority,
        };
        let changes = rule(&self.sla, &terms, self.now);
        self.follow(changes);
    }

    fn follow(&mut self, changes: Vec<ClockChange>) {
        for change in &changes {
            self.sla.apply(change);
        }
        self.effects.sla.extend(changes);
    }

    pub(super) fn go(&mut self, to: Status) {
        let from = self.status;
        if from == to {
            return;
        }
        self.status = to;
        self.effects.status = Some(to);
        self.step(|sla, terms, now| sla.moved(terms, from, to, now));
        if !from.is_active() {
            // Promises may have changed while the clocks stood still, and somebody may be waiting.
            self.retarget();
        }
    }

    pub(super) fn customer_speaks(&mut self) {
        if self.status == Status::Solved {
            self.waiting_since = None;
        }
        match self.status {
            Status::New | Status::Open => {}
            Status::WaitingCustomer | Status::WaitingThirdParty => self.go(Status::Open),
            // Closed: the rest of an album, or a gap, of which nobody knew when the ticket was closed.
            Status::Solved | Status::Closed if self.ticket.followed_up_by.is_none() => self.go(Status::Open),
            // What is unwanted makes no work, and what goes on elsewhere makes it there.
            Status::Spam | Status::Solved | Status::Closed | Status::Merged => return,
        }
        let answered_before = self.ticket.first_reply_at.is_some();
        self.step(|sla, terms, now| sla.asked(terms, answered_before, now));
    }

    /// Brings the clocks in line with the promises that now hold, and starts those that are new.
    pub(super) fn retarget(&mut self) {
        if !self.status.is_active() {
            return;
        }
        self.step(Sla::retargeted);
        self.step(Sla::opened);
        self.await_answer(self.ticket.first_reply_at.is_some());
    }

    /// Starts the clock of the answer that somebody waits for, unless it is there: it measures from the question on,
    /// whatever stood in between.
    fn await_answer(&mut self, answered_before: bool) {
        if !self.status.is_active() {
            return;
        }
        if let Some(since) = self.waiting_since {
            self.step(|sla, terms, _| sla.asked(terms, answered_before, since));
        }
        if self.status.pauses_sla() {
            self.step(Sla::paused);
        }
    }

    fn answered(&mut self) {
        self.waiting_since = None;
        self.step(Sla::answered);
    }

    /// An answer counts that was written before, as `seq`. It leads to `all_answered` unless something was asked since: it
    /// leaves that question, which it returns, waiting.
    pub(super) fn answered_late(&mut self, seq: u64, all_answered: impl FnOnce(&mut Self)) -> Option<u64> {
        let Some(left) = self.ticket.asked_after(seq) else {
            self.answered();
            all_answered(self);
            return None;
        };
        let first = self.sla.clock(Metric::FirstResponse).is_some_and(Clock::is_pending);
        if first || self.waiting_since.is_some_and(|since| since < left.at) {
            self.answered();
            self.waiting_since = Some(left.at);
        }
        if self.status == Status::New {
            self.go(Status::Open);
        }
        self.await_answer(true);
        Some(left.seq)
    }

    /// An answer of which nobody knew did arrive: what the doubt undid is done again.
    pub(super) fn confirmed(&mut self, status: Option<Status>) {
        if matches!(self.status, Status::New | Status::Open) {
            self.go_after_answer(status);
        }
    }

    /// Goes where an answer leads that was written before. What was solved or ended meanwhile stays so, and where an agent
    /// may not set that status now, nothing moves.
    pub(super) fn go_after_answer(&mut self, status: Option<Status>) {
        let to = match status {
            _ if !self.status.is_active() => self.status,
            Some(status) => self.allowed(status).unwrap_or(self.status),
            None => self.usual_after_answer(),
        };
        self.go(to);
    }

    fn usual_after_answer(&self) -> Status {
        match self.status {
            Status::New | Status::Open => Status::WaitingCustomer,
            status => status,
        }
    }

    pub(super) fn not_delivered(&mut self, problem: &DeliveryProblem) {
        if !problem.leaves_waiting() {
            return;
        }
        // Solved and closed, too: a solution that did not arrive is none, and nobody looks at what is solved. Unless the
        // conversation goes on in another ticket by now.
        let done = matches!(self.status, Status::WaitingCustomer | Status::Solved | Status::Closed);
        if done && self.ticket.followed_up_by.is_none() {
            self.go(Status::Open);
        }
        if self.status.is_active() {
            self.step(Sla::undelivered);
        }
    }

    pub(super) fn reply(&mut self, replied: &Replied, status: Option<Status>) -> Result<(), Refusal> {
        if self.ticket.thread.is_none() {
            return Err(Refusal::NoConversation);
        }
        if self.status.is_final() {
            return Err(Refusal::Final(self.status));
        }
        let to = match status {
            Some(status) => self.allowed(status)?,
            None if replied.automatic => self.status,
            None => self.usual_after_answer(),
        };
        if replied.not_before.is_some() {
            // All that follows from it follows when its time has come.
            return Ok(());
        }
        if !replied.automatic {
            self.answered();
        }
        self.go(to);
        Ok(())
    }

    /// Checks that an agent may set a status by hand.
    pub(super) fn allowed(&self, to: Status) -> Result<Status, Refusal> {
        let from = self.status;
        if to != from && matches!(to, Status::New | Status::Merged) {
            return Err(Refusal::Transition { from, to });
        }
        Ok(to)
    }
}
