//! The decision: every command, every refusal, and the clocks that follow.

use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::command::{Command, Opening, Refusal, Request, Update};
use desk::event::{Actor, ButtonPressed, DeliveryProblem, Event, Fact, MessageReceived, Replied, Said};
use desk::ids::{
    AgentId, CalendarId, ConnectionId, ContactId, PolicyId, ReplyId, TeamId, TicketId, TokenId, Ulid,
};
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

fn ulid(n: u128) -> Ulid {
    Ulid::from_parts(1_700_000_000_000, n)
}

fn staff() -> Actor {
    Actor::Token { id: TokenId::new(ulid(9)) }
}

/// What is told of a reply that did not arrive.
fn problem(automatic: bool) -> DeliveryProblem {
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

    fn receive_of(&mut self, album: Option<&str>) -> Result<Option<Event>, Refusal> {
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

    fn reply_as(&mut self, automatic: bool, status: Option<Status>) -> Result<Option<Event>, Refusal> {
        let replied =
            Replied { reply: ReplyId::new(ulid(7)), automatic, again: None, thread: None, not_before: None };
        self.ask(staff(), Command::Reply { replied, said: Box::default(), status })
    }

    /// Writes an answer that is to be sent in an hour.
    fn schedule(&mut self, status: Option<Status>) {
        let not_before = Some(self.now + SignedDuration::from_hours(1));
        let reply = ReplyId::new(ulid(7));
        let replied = Replied { reply, automatic: false, again: None, thread: None, not_before };
        self.ask(staff(), Command::Reply { replied, said: Box::default(), status }).unwrap();
    }

    /// Hands an answer to the channel that was written then.
    fn due(&mut self, written_at: Timestamp, status: Option<Status>) {
        let command = Command::DueReply { reply: ReplyId::new(ulid(7)), written_at, status };
        self.ask(Actor::System, command).unwrap();
    }

    pub(crate) fn reply(&mut self) {
        self.reply_as(false, None).unwrap();
    }

    pub(crate) fn update(&mut self, update: Update) -> Result<Option<Event>, Refusal> {
        self.ask(staff(), Command::Update(update))
    }

    fn status(&mut self, status: Status) {
        self.update(Update { status: Some(status), ..Update::default() }).unwrap();
    }

    fn priority(&mut self, priority: Priority) {
        self.update(Update { priority: Some(priority), ..Update::default() }).unwrap();
    }

    fn clock(&self, metric: Metric) -> ClockState {
        self.ticket().sla.clock(metric).unwrap().state
    }
}

#[test]
fn a_question_is_answered_and_the_ball_is_with_the_customer() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    assert_eq!(desk.ticket().status, Status::New);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
    desk.wait(60).reply();
    let ticket = desk.ticket();
    assert_eq!(ticket.status, Status::WaitingCustomer);
    assert_eq!(ticket.first_reply_at, Some(desk.now));
    assert_eq!(ticket.waiting_since, None);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Met);
    assert_eq!(desk.clock(Metric::Resolution), ClockState::Paused);
    desk.wait(60).receive().unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Running);
    assert_eq!(desk.clock(Metric::Resolution), ClockState::Running);
}

#[test]
fn an_answer_after_the_deadline_is_a_breach_even_when_no_timer_ran() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.wait(301).reply();
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Breached);
}

#[test]
fn an_automatic_reply_stops_no_clock_and_moves_no_status() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply_as(true, None).unwrap();
    assert_eq!(desk.ticket().status, Status::New);
    assert!(desk.ticket().waiting_since.is_some());
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
}

#[test]
fn no_clock_runs_on_a_solved_ticket() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply();
    desk.receive().unwrap();
    desk.status(Status::Solved);
    assert!(desk.ticket().sla.clocks().iter().all(|clock| clock.state != ClockState::Running));
    assert_eq!(desk.ticket().waiting_since, None);
}

#[test]
fn a_solved_ticket_opens_again_inside_the_window_only() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.status(Status::Solved);
    desk.wait(7 * 24 * 3600).receive().unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    desk.status(Status::Solved);
    desk.wait(7 * 24 * 3600 + 1);
    assert_eq!(desk.receive(), Err(Refusal::Final(Status::Solved)));
    desk.ask(Actor::System, Command::Tick).unwrap();
    assert_eq!(desk.ticket().status, Status::Closed);
    assert!(matches!(desk.log.last().unwrap().fact, Fact::AutoClosed {}));
}

#[test]
fn time_warns_once_and_breaches_once() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    assert_eq!(desk.wait(239).ask(Actor::System, Command::Tick).unwrap(), None);
    assert!(desk.wait(1).ask(Actor::System, Command::Tick).unwrap().is_some());
    assert_eq!(desk.wait(1).ask(Actor::System, Command::Tick).unwrap(), None);
    assert!(desk.wait(60).ask(Actor::System, Command::Tick).unwrap().is_some());
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Breached);
    assert_eq!(desk.wait(1).ask(Actor::System, Command::Tick).unwrap(), None);
}

#[test]
fn a_reply_that_did_not_arrive_gives_the_ball_back() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply();
    desk.ask(Actor::System, Command::FailReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    assert!(desk.ticket().waiting_since.is_some());
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Running);
}

#[test]
fn the_urgent_have_another_deadline() {
    let mut desk = Desk::new();
    let mut urgent = desk.settings.policies[0].clone();
    urgent.id = PolicyId::new(ulid(11));
    urgent.position = 0;
    urgent.conditions.priorities = vec![Priority::Urgent];
    urgent.first_response = Some(60);
    desk.settings.policies.insert(0, urgent);
    desk.receive().unwrap();
    desk.update(Update { priority: Some(Priority::Urgent), ..Update::default() }).unwrap();
    let clock = desk.ticket().sla.clock(Metric::FirstResponse).unwrap().clone();
    assert_eq!(clock.aim.deadline, Some(desk.now + SignedDuration::from_secs(60)));
    assert_eq!(clock.policy, PolicyId::new(ulid(11)));
}

#[test]
fn a_changed_policy_reaches_open_tickets() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    assert_eq!(desk.ask(Actor::System, Command::Recompute).unwrap(), None);
    desk.settings.policies[0].first_response = Some(30);
    desk.settings.policies[0].calendar = Some(CalendarId::new(ulid(77)));
    assert!(desk.ask(Actor::System, Command::Recompute).unwrap().is_some());
    let deadline = desk.ticket().sla.clock(Metric::FirstResponse).unwrap().aim.deadline;
    assert_eq!(deadline, Some(desk.now + SignedDuration::from_secs(30)));
}

#[test]
fn refusals_name_the_reason() {
    let mut desk = Desk::new();
    let refused = |desk: &mut Desk, update| desk.update(update).unwrap_err().code();
    let stale = Update { expected: Some(7), subject: Some("New".to_owned()), ..Update::default() };
    assert_eq!(refused(&mut desk, stale), "stale");
    let merged = Update { status: Some(Status::Merged), ..Update::default() };
    assert_eq!(refused(&mut desk, merged), "invalid_transition");
    let team = Update { team: Some(Some(TeamId::new(ulid(99)))), ..Update::default() };
    assert_eq!(refused(&mut desk, team), "unknown_team");
    let agent = Update { assignee: Some(Some(AgentId::new(ulid(99)))), ..Update::default() };
    assert_eq!(refused(&mut desk, agent), "unknown_agent");
    for subject in ["", "  ", &"x".repeat(Ticket::MAX_SUBJECT_LENGTH + 1)] {
        assert_eq!(
            refused(&mut desk, Update { subject: Some(subject.to_owned()), ..Update::default() }),
            "invalid"
        );
    }
    let tags = (0..=Ticket::MAX_TAGS).map(|n| n.to_string()).collect();
    assert_eq!(refused(&mut desk, Update { tags: Some(tags), ..Update::default() }), "invalid");
    desk.status(Status::Closed);
    assert_eq!(
        refused(&mut desk, Update { priority: Some(Priority::High), ..Update::default() }),
        "ticket_closed"
    );
    assert_eq!(desk.reply_as(false, None).unwrap_err().code(), "ticket_closed");
}

#[test]
fn what_changes_nothing_is_no_event() {
    let mut desk = Desk::new();
    let same =
        Update { priority: Some(Priority::Normal), subject: Some("Parcel".to_owned()), ..Update::default() };
    assert_eq!(desk.update(same).unwrap(), None);
    assert_eq!(desk.ticket().revision, 1);
    let tags = Update { tags: Some(vec![" vip ".to_owned(), "vip".to_owned()]), ..Update::default() };
    desk.update(tags).unwrap();
    assert_eq!(desk.ticket().tags, ["vip"]);
    assert_eq!(desk.ticket().revision, 2);
}

#[test]
fn the_unwanted_make_no_work() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.status(Status::Spam);
    desk.receive().unwrap();
    let ticket = desk.ticket();
    assert_eq!(ticket.status, Status::Spam);
    assert!(ticket.sla.clocks().iter().all(|clock| clock.state != ClockState::Running));
}

#[test]
fn a_solution_that_did_not_arrive_is_none() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply_as(false, Some(Status::Solved)).unwrap();
    desk.ask(Actor::System, Command::FailReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    assert!(desk.ticket().waiting_since.is_some());
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Running);
}

#[test]
fn who_waits_is_measured_again_when_a_ticket_is_no_spam_after_all() {
    let mut desk = Desk::new();
    desk.status(Status::Spam);
    desk.receive().unwrap();
    desk.status(Status::Open);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
}

#[test]
fn a_closed_ticket_takes_no_button() {
    let mut desk = Desk::new();
    desk.status(Status::Closed);
    let pressed = ButtonPressed { message: None, callback: "1".to_owned() };
    let actor = Actor::Contact { id: desk.ticket().contact };
    assert_eq!(desk.ask(actor, Command::Press(pressed, Box::default())), Err(Refusal::Final(Status::Closed)));
}

#[test]
fn what_a_machine_could_not_deliver_makes_nobody_wait() {
    let mut desk = Desk::new();
    desk.reply_as(true, None).unwrap();
    desk.ask(Actor::System, Command::FailReply(problem(true))).unwrap();
    assert_eq!(desk.ticket().status, Status::New);
    assert_eq!(desk.ticket().waiting_since, None);
    assert_eq!(desk.ticket().sla.clock(Metric::NextResponse), None);
}

#[test]
fn a_closing_answer_that_did_not_arrive_opens_the_ticket_unless_another_goes_on() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply_as(false, Some(Status::Closed)).unwrap();
    let mut followed_up = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };
    desk.ask(Actor::System, Command::FailReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    followed_up.ask(Actor::System, Command::FollowUp(TicketId::new(ulid(8)))).unwrap();
    followed_up.ask(Actor::System, Command::FailReply(problem(false))).unwrap();
    assert_eq!(followed_up.ticket().status, Status::Closed);
}

#[test]
fn a_scheduled_answer_counts_when_its_time_has_come() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let asked = desk.now;
    let written_at = desk.wait(10).now;
    desk.schedule(Some(Status::Solved));
    let mut withdrawn = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };
    let mut asked_again = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };
    let ticket = desk.ticket();
    assert_eq!(
        (ticket.status, ticket.waiting_since, ticket.first_reply_at),
        (Status::New, Some(asked), None)
    );
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);

    desk.wait(200).due(written_at, Some(Status::Solved));
    let ticket = desk.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::Solved, None));
    assert_eq!(ticket.first_reply_at, Some(desk.now));
    assert_eq!(ticket.sla.clock(Metric::FirstResponse).unwrap().used, 210);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Met);

    // Taken back in time it has never been one.
    let problem = DeliveryProblem { withdrawn: true, ..problem(false) };
    withdrawn.wait(20).ask(staff(), Command::FailReply(problem)).unwrap();
    let ticket = withdrawn.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::New, Some(asked)));
    assert_eq!(withdrawn.clock(Metric::FirstResponse), ClockState::Running);
    assert_eq!(ticket.sla.clock(Metric::NextResponse), None);

    // What was asked after it was written, it does not answer.
    asked_again.wait(20).receive().unwrap();
    asked_again.wait(180).due(written_at, Some(Status::Solved));
    let ticket = asked_again.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::New, Some(asked)));
    assert_eq!(asked_again.clock(Metric::FirstResponse), ClockState::Running);
}

#[test]
fn a_confirmed_solution_solves_again() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let written_at = desk.wait(10).now;
    desk.reply_as(false, Some(Status::Solved)).unwrap();
    desk.wait(10).ask(Actor::System, Command::DoubtReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    let reply = ReplyId::new(ulid(7));
    let status = Some(Status::Solved);
    let confirm = Command::ConfirmReply { reply, written_at, automatic: false, status };
    let mut elsewhere = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };
    desk.wait(10).ask(staff(), confirm.clone()).unwrap();
    assert_eq!(desk.ticket().status, Status::Solved);
    assert_eq!(desk.clock(Metric::Resolution), ClockState::Met);
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Met);

    elsewhere.status(Status::WaitingThirdParty);
    elsewhere.wait(10).ask(staff(), confirm).unwrap();
    assert_eq!(
        elsewhere.ticket().status,
        Status::WaitingThirdParty,
        "an agent has said since where it stands"
    );
}

#[test]
fn the_rest_of_an_album_opens_a_closed_ticket_unless_another_goes_on() {
    let mut desk = Desk::new();
    desk.receive_of(Some("a")).unwrap();
    desk.receive().unwrap();
    desk.status(Status::Closed);
    assert_eq!(desk.receive(), Err(Refusal::Final(Status::Closed)));
    assert_eq!(desk.receive_of(Some("b")), Err(Refusal::Final(Status::Closed)));
    let mut followed_up = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };
    desk.wait(10).receive_of(Some("a")).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    assert_eq!(desk.ticket().waiting_since, Some(desk.now));
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
    followed_up.ask(Actor::System, Command::FollowUp(TicketId::new(ulid(8)))).unwrap();
    assert_eq!(followed_up.receive_of(Some("a")), Err(Refusal::Final(Status::Closed)));
}

#[test]
fn a_confirmed_answer_answers_what_was_asked_before_it() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.wait(10).reply();
    let written_at = desk.now;
    desk.wait(10).ask(Actor::System, Command::DoubtReply(problem(false))).unwrap();
    let confirm =
        Command::ConfirmReply { reply: ReplyId::new(ulid(7)), written_at, automatic: false, status: None };
    let mut asked_again = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };

    desk.wait(10).ask(staff(), confirm.clone()).unwrap();
    assert_eq!(desk.ticket().status, Status::WaitingCustomer);
    assert_eq!(desk.ticket().waiting_since, None);
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Met);

    asked_again.wait(10).receive().unwrap();
    asked_again.wait(10).ask(staff(), confirm).unwrap();
    assert_eq!(asked_again.ticket().status, Status::Open);
    assert!(asked_again.ticket().waiting_since.is_some());
    assert_eq!(asked_again.clock(Metric::NextResponse), ClockState::Running);
}

#[test]
fn whoever_waited_waits_on_when_a_ticket_is_not_solved_after_all() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let asked = desk.now;
    desk.wait(100).status(Status::Solved);
    assert_eq!(desk.ticket().waiting_since, None);
    desk.wait(100).status(Status::Open);
    let ticket = desk.ticket();
    assert_eq!(ticket.waiting_since, Some(asked));
    let clock = ticket.sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!(
        (clock.state, clock.aim.deadline),
        (ClockState::Running, Some(asked + SignedDuration::from_secs(300)))
    );

    // Answered before it was solved, nobody waits; and who asks anew waits from then on.
    desk.reply_as(false, Some(Status::Solved)).unwrap();
    desk.status(Status::Open);
    assert_eq!(desk.ticket().waiting_since, None);
    desk.status(Status::Solved);
    desk.wait(50).receive().unwrap();
    assert_eq!(desk.ticket().waiting_since, Some(desk.now));
}

#[test]
fn a_priority_without_a_promise_forgets_no_time() {
    let mut desk = Desk::new();
    let mut low = desk.settings.policies[0].clone();
    low.id = PolicyId::new(ulid(11));
    low.position = 0;
    low.conditions.priorities = vec![Priority::Low];
    (low.first_response, low.next_response) = (None, None);
    desk.settings.policies.push(low);
    desk.receive().unwrap();
    let asked = desk.now;
    for priority in [Priority::Low, Priority::Normal] {
        desk.wait(100).update(Update { priority: Some(priority), ..Update::default() }).unwrap();
    }
    let deadline = desk.ticket().sla.clock(Metric::FirstResponse).unwrap().aim.deadline;
    assert_eq!(deadline, Some(asked + SignedDuration::from_secs(300)));
}

#[test]
fn a_scheduled_answer_leaves_what_was_ended_meanwhile() {
    for (meanwhile, then) in [
        (Status::Spam, Status::Spam),
        (Status::Solved, Status::Solved),
        (Status::Closed, Status::Closed),
        (Status::WaitingThirdParty, Status::WaitingCustomer),
    ] {
        let mut desk = Desk::new();
        desk.receive().unwrap();
        let written_at = desk.wait(10).now;
        desk.schedule(Some(Status::WaitingCustomer));
        desk.wait(10).status(meanwhile);
        desk.wait(200).due(written_at, Some(Status::WaitingCustomer));
        assert_eq!(desk.ticket().status, then);
    }
}

#[test]
fn a_resolution_goes_on_where_its_promise_had_ended() {
    let mut desk = Desk::new();
    desk.settings.policies[0].conditions.priorities = vec![Priority::Normal];
    desk.receive().unwrap();
    let deadline =
        |desk: &Desk| desk.ticket().sla.clock(Metric::Resolution).and_then(|clock| clock.aim.deadline);
    let first = deadline(&desk).unwrap();
    desk.wait(1000).priority(Priority::High);
    assert_eq!(deadline(&desk), None);
    desk.wait(100).priority(Priority::Normal);
    assert_eq!(
        deadline(&desk),
        Some(first + SignedDuration::from_secs(100)),
        "nothing was promised for a while"
    );

    // Nobody resolves spam, and what turns out to be none was not begun anew.
    desk.wait(100).status(Status::Spam);
    assert_eq!(desk.ticket().sla.clock(Metric::Resolution), None);
    desk.wait(300).status(Status::Open);
    assert_eq!(deadline(&desk), Some(first + SignedDuration::from_secs(400)));
}

#[test]
fn a_promise_made_while_others_must_move_waits_for_them() {
    let mut desk = Desk::new();
    desk.settings.policies[0].conditions.priorities = vec![Priority::High];
    desk.ask(Actor::System, Command::Recompute).unwrap();
    desk.wait(10).status(Status::WaitingCustomer);
    assert_eq!(desk.ticket().sla.clock(Metric::Resolution), None);
    desk.wait(10).priority(Priority::High);
    assert_eq!(desk.clock(Metric::Resolution), ClockState::Paused);
    desk.wait(50).status(Status::Open);
    let deadline = desk.ticket().sla.clock(Metric::Resolution).unwrap().aim.deadline;
    assert_eq!(deadline, Some(desk.now + SignedDuration::from_secs(3600)));
}
