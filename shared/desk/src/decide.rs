//! The one decision: what follows when something is asked of a ticket.

use jiff::Timestamp;

use crate::command::{Command, Opening, Refusal, Request, Update};
use crate::event::{
    Actor, Changes, Content, DeliveryProblem, Effects, Event, Fact, MessageRef, Opened, Replied, Said,
    VERSION,
};
use crate::settings::Settings;
use crate::sla::{Clock, ClockChange, Metric, Sla, Terms};
use crate::ticket::{Status, Ticket};

/// The first event of a ticket. What the customer said follows as a [`Command::Receive`].
pub fn open(
    opening: Opening,
    actor: Actor,
    cause: Option<String>,
    settings: &Settings,
    now: Timestamp,
) -> Event {
    let terms = Terms {
        settings,
        class: opening.class,
        channel: opening.thread.as_ref().map(|thread| &thread.channel),
        priority: opening.priority,
    };
    let sla = Sla::default().opened(&terms, now);
    Event {
        v: VERSION,
        seq: 1,
        at: now,
        actor,
        cause,
        effects: Effects { status: None, sla },
        content: Said { subject: Some(opening.subject), ..Said::default() }.into(),
        fact: Fact::Opened(Opened {
            ticket: opening.ticket,
            number: opening.number,
            contact: opening.contact,
            thread: opening.thread,
            class: opening.class,
            priority: opening.priority,
            team: opening.team,
            follow_up_of: opening.follow_up_of,
            related_to: opening.related_to,
        }),
    }
}

/// What follows when `request` is made of `ticket` at `now`: the events to append, none when nothing changes.
///
/// Pure: the same input gives the same answer. Every clock whose time came by `now` moves first, so that an answer
/// after the deadline is a breach even when no timer ran in between.
///
/// # Errors
/// A refusal that tells the caller why.
pub fn decide(
    ticket: &Ticket,
    request: Request,
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Event>, Refusal> {
    let mut draft = Draft::new(ticket, settings, now);
    let (fact, content) = match request.command {
        Command::Receive(message, said) => {
            // A closed ticket takes no message; the caller opens another one.
            if !ticket.takes(&message, now, settings.general.reopen_window()) {
                return Err(Refusal::Final(ticket.status));
            }
            if message.asks {
                draft.customer_speaks();
            }
            (Fact::MessageReceived(*message), (*said).into())
        }
        Command::Press(pressed, said) => {
            if !ticket.takes_message_at(now, settings.general.reopen_window()) {
                return Err(Refusal::Final(ticket.status));
            }
            draft.customer_speaks();
            (Fact::ButtonPressed(pressed), (*said).into())
        }
        Command::Edit(message, said) => (Fact::MessageEdited(MessageRef { message }), (*said).into()),
        Command::Withdraw(message) => (Fact::MessageDeleted(MessageRef { message }), Content::None),
        Command::React(message, said) => (Fact::Reacted(MessageRef { message }), (*said).into()),
        Command::Reach(reachable) => (Fact::ReachabilityChanged { reachable }, Content::None),
        Command::Gap { key, asks } => {
            // It stands for what the customer said and nobody can read yet.
            if asks {
                draft.customer_speaks();
            }
            (Fact::Gap { key, asks }, Content::None)
        }
        Command::Reinterpret { of, moved_to, said } => {
            if ticket.status.is_active() && moved_to.is_none() {
                draft.customer_speaks();
            }
            (Fact::Reinterpreted { of, moved_to }, (*said).into())
        }
        Command::FollowUp(by) => (Fact::FollowedUp { by }, Content::None),
        Command::Note(said) => (Fact::NoteAdded {}, (*said).into()),
        Command::Reply { mut replied, said, status } => {
            draft.reply(&replied, status)?;
            replied.thread.clone_from(&ticket.asked_in);
            (Fact::Replied(replied), (*said).into())
        }
        Command::DueReply { reply, seq, status } => {
            let left = draft.answered_late(seq, |draft| draft.go_after_answer(status));
            (Fact::ReplyDue { reply, left }, Content::None)
        }
        Command::FailReply(problem) => {
            draft.not_delivered(&problem);
            (Fact::ReplyFailed(problem), Content::None)
        }
        Command::DoubtReply(problem) => {
            draft.not_delivered(&problem);
            (Fact::ReplyUncertain(problem), Content::None)
        }
        Command::ConfirmReply { reply, automatic: true, .. } => {
            (Fact::ReplyConfirmed { reply, automatic: true, left: None }, Content::None)
        }
        Command::ConfirmReply { reply, seq, status, .. } => {
            let left = draft.answered_late(seq, |draft| draft.confirmed(status));
            (Fact::ReplyConfirmed { reply, automatic: false, left }, Content::None)
        }
        Command::Update(update) => match draft.update(update)? {
            Some(changed) => changed,
            None => return Ok(None),
        },
        Command::Tick => {
            let window = settings.general.reopen_window();
            if ticket.status == Status::Solved && !ticket.takes_message_at(now, window) {
                draft.go(Status::Closed);
                (Fact::AutoClosed {}, Content::None)
            } else if draft.effects.sla.is_empty() {
                return Ok(None);
            } else {
                (Fact::SlaProgressed {}, Content::None)
            }
        }
        Command::Recompute => {
            draft.retarget();
            if draft.effects.sla.is_empty() {
                return Ok(None);
            }
            (Fact::SlaRecomputed {}, Content::None)
        }
    };
    Ok(Some(Event {
        v: VERSION,
        seq: ticket.seq + 1,
        fact,
        at: now,
        actor: request.actor,
        cause: request.cause,
        effects: draft.effects,
        content,
    }))
}

/// When time next demands something of a ticket: a warning, a deadline, the closing of a solved one.
pub fn due_at(ticket: &Ticket, settings: &Settings) -> Option<Timestamp> {
    let closes = match ticket.solved_at {
        // One second later, because a message exactly at the window's end still opens the ticket again.
        Some(solved) if ticket.status == Status::Solved => solved
            .checked_add(settings.general.reopen_window())
            .ok()
            .and_then(|end| end.checked_add(jiff::SignedDuration::from_secs(1)).ok()),
        _ => None,
    };
    [ticket.sla.next_due(), closes].into_iter().flatten().min()
}

/// An event in the making: what has followed so far.
struct Draft<'a> {
    ticket: &'a Ticket,
    settings: &'a Settings,
    now: Timestamp,
    status: Status,
    priority: crate::ticket::Priority,
    /// Since when somebody waits for an answer, or did as it was solved without one.
    waiting_since: Option<Timestamp>,
    sla: Sla,
    effects: Effects,
}

impl<'a> Draft<'a> {
    fn new(ticket: &'a Ticket, settings: &'a Settings, now: Timestamp) -> Self {
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

    fn go(&mut self, to: Status) {
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

    fn customer_speaks(&mut self) {
        if self.status == Status::Solved {
            self.waiting_since = None;
        }
        match self.status {
            Status::New | Status::Open => {}
            Status::WaitingCustomer | Status::WaitingThirdParty | Status::Solved => self.go(Status::Open),
            // The rest of an album, or a gap: nobody knew of it when the ticket was closed.
            Status::Closed if self.ticket.followed_up_by.is_none() => self.go(Status::Open),
            // What is unwanted makes no work, and what goes on elsewhere makes it there.
            Status::Spam | Status::Closed | Status::Merged => return,
        }
        let answered_before = self.ticket.first_reply_at.is_some();
        self.step(|sla, terms, now| sla.asked(terms, answered_before, now));
    }

    /// Brings the clocks in line with the promises that now hold, and starts those that are new.
    fn retarget(&mut self) {
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
    fn answered_late(&mut self, seq: u64, all_answered: impl FnOnce(&mut Self)) -> Option<u64> {
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
    fn confirmed(&mut self, status: Option<Status>) {
        if matches!(self.status, Status::New | Status::Open) {
            self.go_after_answer(status);
        }
    }

    /// Goes where an answer leads that was written before. What was solved or ended meanwhile stays so, and where an agent
    /// may not set that status now, nothing moves.
    fn go_after_answer(&mut self, status: Option<Status>) {
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

    fn not_delivered(&mut self, problem: &DeliveryProblem) {
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

    fn reply(&mut self, replied: &Replied, status: Option<Status>) -> Result<(), Refusal> {
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
    fn allowed(&self, to: Status) -> Result<Status, Refusal> {
        let from = self.status;
        if to != from && matches!(to, Status::New | Status::Merged) {
            return Err(Refusal::Transition { from, to });
        }
        Ok(to)
    }

    fn update(&mut self, update: Update) -> Result<Option<(Fact, Content)>, Refusal> {
        let ticket = self.ticket;
        if let Some(expected) = update.expected
            && expected != ticket.revision
        {
            return Err(Refusal::Stale { expected, current: ticket.revision });
        }
        if ticket.status.is_final() {
            return Err(Refusal::Final(ticket.status));
        }
        let changes = Changes {
            priority: update.priority.filter(|priority| *priority != ticket.priority),
            team: update.team.filter(|team| *team != ticket.team),
            assignee: update.assignee.filter(|assignee| *assignee != ticket.assignee),
            tags: update.tags.map(tidy).transpose()?.filter(|tags| *tags != ticket.tags),
            subject: update.subject.as_ref().is_some_and(|subject| *subject != ticket.subject),
        };
        if let Some(Some(team)) = changes.team
            && !self.settings.teams.iter().any(|known| known.id == team)
        {
            return Err(Refusal::UnknownTeam(team));
        }
        if let Some(Some(agent)) = changes.assignee
            && !self.settings.agents.iter().any(|known| known.id == agent)
        {
            return Err(Refusal::UnknownAgent(agent));
        }
        let said = match update.subject.filter(|_| changes.subject) {
            Some(subject) => Said { subject: Some(valid_subject(subject)?), ..Said::default() }.into(),
            None => Content::None,
        };
        if let Some(status) = update.status {
            let to = self.allowed(status)?;
            self.go(to);
        }
        if let Some(priority) = changes.priority {
            self.priority = priority;
            self.retarget();
        }
        if changes == Changes::default() && self.effects.status.is_none() {
            return Ok(None);
        }
        Ok(Some((Fact::Updated(changes), said)))
    }
}

/// Checks a subject.
///
/// # Errors
/// When it is empty or too long.
pub fn valid_subject(subject: String) -> Result<String, Refusal> {
    let subject = subject.trim().to_owned();
    if subject.is_empty() || subject.chars().count() > Ticket::MAX_SUBJECT_LENGTH {
        let limit = Ticket::MAX_SUBJECT_LENGTH;
        return Err(Refusal::Invalid(format!("a subject has 1 to {limit} characters")));
    }
    Ok(subject)
}

/// Trims tags, drops repetitions, keeps the order.
fn tidy(tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    let mut tidied: Vec<String> = Vec::new();
    for tag in tags {
        let tag = tag.trim().to_owned();
        if tag.is_empty() || tag.chars().count() > Ticket::MAX_TAG_LENGTH {
            let limit = Ticket::MAX_TAG_LENGTH;
            return Err(Refusal::Invalid(format!("a tag has 1 to {limit} characters")));
        }
        if !tidied.contains(&tag) {
            tidied.push(tag);
        }
    }
    if tidied.len() > Ticket::MAX_TAGS {
        return Err(Refusal::Invalid(format!("a ticket has at most {} tags", Ticket::MAX_TAGS)));
    }
    Ok(tidied)
}
