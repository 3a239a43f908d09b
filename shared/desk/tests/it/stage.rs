//! A ticket under test, moved by commands on a clock of its own.

use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::command::{Command, Opening, Refusal, Request, Update};
use desk::event::{Actor, DeliveryProblem, Event, MessageReceived, Replied, Said};
use desk::ids::{AgentId, ConnectionId, ContactId, PolicyId, ReplyId, TeamId, TicketId, TokenId, Ulid};
use desk::message::MessageContent;
use desk::settings::{Agent, Settings, Team};
use desk::sla::{ClockState, Metric, Policy};
use desk::ticket::{Priority, Status, Ticket};
use jiff::{SignedDuration, Timestamp};

/// A ticket with its log, and a clock that tests move.
pub(crate) struct Desk {
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<Event>,
}

pub(crate) fn ulid(n: u128) -> Ulid {
    Ulid::from_parts(1_700_000_000_000, n)
}

pub(crate) fn staff() -> Actor {
    Actor::Token { id: TokenId::new(ulid(9)) }
}

/// What is told of a reply that did not arrive.
pub(crate) fn problem(automatic: bool) -> DeliveryProblem {
    DeliveryProblem {
        reply: ReplyId::new(ulid(7)),
        reason: "blocked".to_owned(),
        detail: None,
        automatic,
        withdrawn: false,
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        let policy = Policy {
            id: PolicyId::new(ulid(1)),
            name: "All".to_owned(),
            position: 1,
            conditions: desk::sla::Conditions::default(),
            calendar: None,
            first_response: Some(300),
            next_response: Some(600),
            resolution: Some(3600),
            warn_percent: Some(80),
        };
        let settings = Settings {
            policies: vec![policy],
            teams: vec![Team { id: TeamId::new(ulid(2)), name: "Sales".to_owned(), sender_name: None }],
            agents: vec![Agent { id: AgentId::new(ulid(3)), name: "Ann".to_owned(), email: None }],
            ..Settings::default()
        };
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let opening = Opening {
            ticket: TicketId::new(ulid(4)),
            number: 1,
            contact: ContactId::new(ulid(5)),
            thread: Some(ThreadKey {
                channel: Channel::try_from("telegram").unwrap(),
                connection: ConnectionId::new(ulid(6)),
                conversation: "42".to_owned(),
            }),
            class: Some(ChannelClass::Messenger),
            priority: Priority::Normal,
            team: None,
            subject: "Parcel".to_owned(),
            follow_up_of: None,
            related_to: None,
        };
        let actor = Actor::Contact { id: opening.contact };
        let opened = desk::decide::open(opening, actor, None, &settings, now);
        Self { settings, now, log: vec![opened] }
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket::fold(&self.log).unwrap()
    }

    pub(crate) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self
    }

    pub(crate) fn ask(&mut self, actor: Actor, command: Command) -> Result<Option<Event>, Refusal> {
        let event =
            desk::decide(&self.ticket(), Request { actor, cause: None, command }, &self.settings, self.now)?;
        self.log.extend(event.clone());
        Ok(event)
    }

    pub(crate) fn receive(&mut self) -> Result<Option<Event>, Refusal> {
        self.receive_of(None)
    }

    pub(crate) fn receive_of(&mut self, album: Option<&str>) -> Result<Option<Event>, Refusal> {
        let message = MessageReceived {
            message: self.log.len().to_string(),
            sent_at: self.now,
            asks: true,
            album: album.map(str::to_owned),
            attachments: 0,
            late: false,
            automatic: None,
            thread: None,
            new_author: false,
        };
        let said = Said { message: MessageContent::text("?"), ..Said::default() };
        let actor = Actor::Contact { id: self.ticket().contact };
        self.ask(actor, Command::Receive(Box::new(message), Box::new(said)))
    }

    pub(crate) fn reply_as(
        &mut self,
        automatic: bool,
        status: Option<Status>,
    ) -> Result<Option<Event>, Refusal> {
        let replied =
            Replied { reply: ReplyId::new(ulid(7)), automatic, again: None, thread: None, not_before: None };
        self.ask(staff(), Command::Reply { replied, said: Box::default(), status })
    }

    /// Writes an answer that is to be sent in an hour. Its event.
    pub(crate) fn schedule(&mut self, status: Option<Status>) -> u64 {
        let not_before = Some(self.now + SignedDuration::from_hours(1));
        let reply = ReplyId::new(ulid(7));
        let replied = Replied { reply, automatic: false, again: None, thread: None, not_before };
        self.ask(staff(), Command::Reply { replied, said: Box::default(), status }).unwrap().unwrap().seq
    }

    /// Hands an answer to the channel that this event announced.
    pub(crate) fn due(&mut self, seq: u64, status: Option<Status>) {
        let command = Command::DueReply { reply: ReplyId::new(ulid(7)), seq, status };
        self.ask(Actor::System, command).unwrap();
    }

    pub(crate) fn reply(&mut self) {
        self.reply_as(false, None).unwrap();
    }

    pub(crate) fn update(&mut self, update: Update) -> Result<Option<Event>, Refusal> {
        self.ask(staff(), Command::Update(update))
    }

    pub(crate) fn status(&mut self, status: Status) {
        self.update(Update { status: Some(status), ..Update::default() }).unwrap();
    }

    pub(crate) fn priority(&mut self, priority: Priority) {
        self.update(Update { priority: Some(priority), ..Update::default() }).unwrap();
    }

    pub(crate) fn clock(&self, metric: Metric) -> ClockState {
        self.ticket().sla.clock(metric).unwrap().state
    }
}
