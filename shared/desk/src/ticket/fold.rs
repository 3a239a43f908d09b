//! The fold: what each event does to the head.

use jiff::Timestamp;

use super::{Question, Status, Ticket};
use crate::channel::ThreadKey;
use crate::event::{Changes, Content, Event, Fact, Opened};
use crate::sla::Sla;

impl Ticket {
    /// How many of the latest messages' ids the head keeps.
    const LATEST: usize = 8;
    /// The longest id that it keeps, in bytes.
    const LATEST_LENGTH: usize = 24;

    /// The head that the first event gives.
    pub fn opened(event: &Event, opened: &Opened) -> Self {
        let subject = event.content.said().and_then(|said| said.subject.clone()).unwrap_or_default();
        let mut ticket = Self {
            id: opened.ticket,
            number: opened.number,
            version: 1,
            revision: 1,
            seq: event.seq,
            subject,
            status: Status::New,
            priority: opened.priority,
            team: opened.team,
            assignee: None,
            tags: Vec::new(),
            contact: opened.contact,
            thread: opened.thread.clone(),
            went_on_in: Vec::new(),
            asked_in: None,
            class: opened.class,
            created_at: event.at,
            updated_at: event.at,
            waiting_since: None,
            asked: Vec::new(),
            unanswered_since: None,
            first_reply_at: None,
            solved_at: None,
            follow_up_of: opened.follow_up_of,
            related_to: opened.related_to,
            followed_up_by: None,
            latest: Vec::new(),
            album: None,
            sla: Sla::default(),
        };
        ticket.follow(event);
        ticket
    }

    /// Folds a ticket's events, oldest first. `None` unless they start with the opening.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let first = events.next()?;
        let Fact::Opened(opened) = &first.fact else { return None };
        let mut ticket = Self::opened(first, opened);
        events.for_each(|event| ticket.apply(event));
        Some(ticket)
    }

    /// Takes in one more event. Total: an event of an unknown kind only moves the position.
    pub fn apply(&mut self, event: &Event) {
        self.seq = event.seq;
        self.version += 1;
        self.updated_at = event.at;
        if let Fact::MessageReceived(message) = &event.fact {
            self.remember(&message.message);
            if let Some(album) = message.album.as_ref().filter(|album| album.len() <= Self::LATEST_LENGTH) {
                self.album = Some(album.clone());
            }
        }
        match &event.fact {
            Fact::MessageReceived(message) if message.asks => self.ask(event, message.thread.as_ref()),
            Fact::ButtonPressed(_) => self.ask(event, None),
            Fact::Gap { asks: true, .. } => self.wait_from(event),
            Fact::Reinterpreted { moved_to: None, .. } if self.status.is_active() => self.wait_from(event),
            Fact::Replied(replied) if !replied.automatic && replied.not_before.is_none() => {
                self.answer(event.at);
            }
            Fact::ReplyDue { left: None, .. } => self.answer(event.at),
            Fact::ReplyDue { left: Some(left), .. } => {
                self.answer_before(*left);
                self.first_reply_at = self.first_reply_at.or(Some(event.at));
            }
            Fact::ReplyFailed(problem) | Fact::ReplyUncertain(problem) if problem.leaves_waiting() => {
                // Whoever had asked as it was solved waits since then.
                self.waiting_since = self.waiting_since.or(self.unanswered_since).or(Some(event.at));
            }
            Fact::ReplyConfirmed { left: Some(left), .. } => self.answer_before(*left),
            Fact::ReplyConfirmed { automatic: false, .. } => self.answer_all(),
            Fact::Updated(changes) => self.change(changes, &event.content),
            Fact::FollowedUp { by } => self.followed_up_by = Some(*by),
            _ => {}
        }
        self.follow(event);
    }

    fn ask(&mut self, event: &Event, thread: Option<&ThreadKey>) {
        self.asked_in = thread.cloned();
        if let Some(thread) = thread
            && !self.went_on_in.contains(thread)
        {
            if self.went_on_in.len() >= Self::MAX_CONVERSATIONS {
                self.went_on_in.remove(0);
            }
            self.went_on_in.push(thread.clone());
        }
        self.wait_from(event);
    }

    fn answer(&mut self, at: Timestamp) {
        self.answer_all();
        self.first_reply_at = self.first_reply_at.or(Some(at));
    }

    fn answer_all(&mut self) {
        self.asked.clear();
        (self.waiting_since, self.unanswered_since) = (None, None);
    }

    /// Takes as answered what was asked before an event; that one, a question, waits on.
    fn answer_before(&mut self, seq: u64) {
        self.asked.retain(|question| question.seq >= seq);
        self.waiting_since = self.asked.first().map(|question| question.at);
    }

    fn wait_from(&mut self, event: &Event) {
        if self.waiting_since.is_none() {
            self.asked.clear();
        }
        self.waiting_since = self.waiting_since.or(Some(event.at));
        self.asked.truncate(Self::MAX_QUESTIONS - 1);
        self.asked.push(Question { seq: event.seq, at: event.at });
        // Whoever asks again after a solution waits from then on.
        self.unanswered_since = None;
    }

    fn remember(&mut self, message: &str) {
        if message.len() > Self::LATEST_LENGTH {
            return;
        }
        if self.latest.len() >= Self::LATEST {
            self.latest.remove(0);
        }
        self.latest.push(message.to_owned());
    }

    fn change(&mut self, changes: &Changes, content: &Content) {
        self.revision += 1;
        if let Some(priority) = changes.priority {
            self.priority = priority;
        }
        if let Some(team) = changes.team {
            self.team = team;
        }
        if let Some(assignee) = changes.assignee {
            self.assignee = assignee;
        }
        if let Some(tags) = &changes.tags {
            self.tags.clone_from(tags);
        }
        if changes.subject
            && let Some(subject) = content.said().and_then(|said| said.subject.clone())
        {
            self.subject = subject;
        }
    }

    fn follow(&mut self, event: &Event) {
        if let Some(status) = event.effects.status {
            if !matches!(event.fact, Fact::Updated(_) | Fact::Opened(_)) {
                self.revision += 1;
            }
            self.status = status;
            match status {
                Status::Solved => self.solved_at = Some(event.at),
                Status::Closed => self.solved_at = self.solved_at.or(Some(event.at)),
                _ => self.solved_at = None,
            }
        }
        // Of what is unwanted it is still known since when somebody waits, should it turn out to be wanted; and of what
        // was solved without an answer, should it not be solved after all.
        match self.status {
            Status::Solved => self.unanswered_since = self.waiting_since.take().or(self.unanswered_since),
            Status::Closed | Status::Merged => (self.waiting_since, self.unanswered_since) = (None, None),
            _ => self.waiting_since = self.waiting_since.or(self.unanswered_since.take()),
        }
        for change in &event.effects.sla {
            self.sla.apply(change);
        }
    }
}
