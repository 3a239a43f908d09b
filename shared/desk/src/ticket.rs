//! The head of a ticket: the small fold of its events that decisions and list views need.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::channel::{ChannelClass, ThreadKey};
use crate::event::{Changes, Content, Event, Fact, MessageReceived, Opened};
use crate::ids::{AgentId, ContactId, TeamId, TicketId};
use crate::sla::Sla;

/// Where a ticket stands. The words are fixed; what they do to SLA clocks belongs to the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody of the team has answered yet.
    New,
    /// The ball is with the team.
    Open,
    /// The ball is with the customer. Clocks pause.
    WaitingCustomer,
    /// The ball is with somebody else, such as a supplier. Clocks pause.
    WaitingThirdParty,
    /// Done, as the team sees it. A customer's message within the reopening window opens it again.
    Solved,
    /// Done for good. A customer's message opens a linked new ticket.
    Closed,
    /// Unwanted.
    Spam,
    /// Continued in another ticket.
    Merged,
}

impl Status {
    /// Every status, in the order of a ticket's life.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Open,
        Self::WaitingCustomer,
        Self::WaitingThirdParty,
        Self::Solved,
        Self::Closed,
        Self::Spam,
        Self::Merged,
    ];

    /// The word of the API and of the index keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitingCustomer => "waiting_customer",
            Self::WaitingThirdParty => "waiting_third_party",
            Self::Solved => "solved",
            Self::Closed => "closed",
            Self::Spam => "spam",
            Self::Merged => "merged",
        }
    }

    /// Whether work on the ticket goes on.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::WaitingCustomer | Self::WaitingThirdParty)
    }

    /// Whether SLA clocks stand still, because somebody else must move first.
    pub const fn pauses_sla(self) -> bool {
        matches!(self, Self::WaitingCustomer | Self::WaitingThirdParty)
    }

    /// Whether nothing can change the ticket any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Merged)
    }
}

/// How urgent a ticket is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before the usual.
    High,
    /// Before everything else.
    Urgent,
}

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
                self.waiting_since = self.waiting_since.or(Some(event.at));
            }
            Fact::ReplyConfirmed { left: Some(left), .. } => self.answer_before(*left),
            Fact::ReplyConfirmed { automatic: false, .. } => self.answer_all(),
            Fact::Updated(changes) => self.change(changes, &event.content),
            Fact::FollowedUp { by } => self.followed_up_by = Some(*by),
            _ => {}
        }
        self.follow(event);
    }

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
            Status::Solved => self.solved_at.is_none_or(|solved| now.duration_since(solved) <= reopen_window),
            // An unwanted sender gets no new ticket by writing on.
            Status::Spam => true,
            status => status.is_active(),
        }
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
