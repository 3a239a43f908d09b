mod properties;

use ulid::Ulid;

use super::*;
use crate::calendar::{Calendar, Interval, Schedule, Week, Zone};
use crate::channel::{Channel, ChannelClass};
use crate::settings::Settings;
use crate::ticket::{Priority, Status};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn ulid(n: u128) -> Ulid {
    Ulid::from_parts(1, n)
}

fn calendar_id() -> CalendarId {
    CalendarId::new(ulid(1))
}

fn policy(n: u128, conditions: Conditions) -> Policy {
    Policy {
        id: PolicyId::new(ulid(n)),
        name: format!("Policy {n}"),
        position: u32::try_from(n).unwrap(),
        conditions,
        calendar: Some(calendar_id()),
        first_response: Some(HOUR),
        next_response: Some(30 * MINUTE),
        resolution: Some(8 * HOUR),
        warn_percent: Some(80),
    }
}

fn priority(priority: Priority) -> Conditions {
    Conditions { priorities: vec![priority], ..Conditions::default() }
}

/// One policy for urgent tickets, twice as fast, none for low ones, one for the rest; Monday to Friday, 9 to 17.
fn settings() -> Settings {
    let hours = vec![Interval::new("09:00", "17:00").unwrap()];
    let week = Week {
        monday: hours.clone(),
        tuesday: hours.clone(),
        wednesday: hours.clone(),
        thursday: hours.clone(),
        friday: hours,
        ..Week::default()
    };
    let time_zone = Zone::try_from("UTC").unwrap();
    let schedule =
        Schedule { name: "Office".to_owned(), time_zone, week, holidays: Vec::new(), exceptions: Vec::new() };
    let urgent = Policy {
        first_response: Some(30 * MINUTE),
        next_response: Some(15 * MINUTE),
        resolution: Some(4 * HOUR),
        ..policy(1, priority(Priority::Urgent))
    };
    let low = Policy {
        first_response: None,
        next_response: None,
        resolution: None,
        ..policy(2, priority(Priority::Low))
    };
    Settings {
        policies: vec![policy(3, Conditions::default()), low, urgent],
        calendars: vec![Calendar::new(calendar_id(), schedule).unwrap()],
        ..Settings::default()
    }
}

fn terms(settings: &Settings) -> Terms<'_> {
    Terms { settings, class: Some(ChannelClass::Messenger), channel: None, priority: Priority::Normal }
}

fn urgent(settings: &Settings) -> Terms<'_> {
    Terms { priority: Priority::Urgent, ..terms(settings) }
}

fn low(settings: &Settings) -> Terms<'_> {
    Terms { priority: Priority::Low, ..terms(settings) }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A moment of Monday, 12 January 2026.
fn monday(time: &str) -> Timestamp {
    at(&format!("2026-01-12T{time}Z"))
}

impl Sla {
    /// Carries changes out and returns them.
    fn take(&mut self, changes: Vec<ClockChange>) -> Vec<ClockChange> {
        changes.iter().for_each(|change| self.apply(change));
        changes
    }

    fn state(&self, metric: Metric) -> Option<ClockState> {
        self.clock(metric).map(|clock| clock.state)
    }
}

fn asked(settings: &Settings, time: &str) -> Sla {
    let mut sla = Sla::default();
    sla.take(sla.asked(&terms(settings), false, monday(time)));
    sla
}

fn opened(settings: &Settings, time: &str) -> Sla {
    let mut sla = Sla::default();
    sla.take(sla.opened(&terms(settings), monday(time)));
    sla
}

fn deadline(sla: &Sla, metric: Metric) -> Option<Timestamp> {
    sla.clock(metric).and_then(|clock| clock.aim.deadline)
}

#[test]
fn a_policy_matches_by_class_channel_and_priority() {
    let telegram = Channel::try_from("telegram").unwrap();
    let conditions = Conditions {
        classes: vec![ChannelClass::Messenger],
        channels: vec![telegram.clone()],
        priorities: vec![Priority::High, Priority::Urgent],
    };
    let narrow = policy(1, conditions);
    let messenger = Some(ChannelClass::Messenger);
    assert!(narrow.matches(messenger, Some(&telegram), Priority::High));
    assert!(!narrow.matches(messenger, Some(&telegram), Priority::Low));
    assert!(!narrow.matches(messenger, None, Priority::High));
    assert!(!narrow.matches(Some(ChannelClass::Email), Some(&telegram), Priority::High));
    assert!(!narrow.matches(None, Some(&telegram), Priority::High));
    assert!(policy(1, Conditions::default()).matches(None, None, Priority::Low));
}

#[test]
fn the_first_policy_by_position_is_used() {
    let settings = settings();
    let position = |terms: Terms<'_>| terms.policy().map(|policy| policy.position);
    assert_eq!(position(urgent(&settings)), Some(1));
    assert_eq!(position(low(&settings)), Some(2));
    assert_eq!(position(terms(&settings)), Some(3));
    assert_eq!(position(terms(&Settings::default())), None);
}

#[test]
fn a_new_desk_promises_by_class() {
    let ids = [1, 2, 3, 4].map(|n| PolicyId::new(ulid(n)));
    let settings = Settings { policies: default_policies(ids, calendar_id()), ..Settings::default() };
    let target = |class| {
        let policy = Terms { class: Some(class), ..terms(&settings) }.policy()?;
        assert_eq!((policy.first_response, policy.warn_percent), (policy.next_response, Some(80)));
        Some((policy.first_response?, policy.calendar))
    };
    let hours = Some(calendar_id());
    assert_eq!(target(ChannelClass::Chat), Some((MINUTE, hours)));
    assert_eq!(target(ChannelClass::Messenger), Some((5 * MINUTE, hours)));
    assert_eq!(target(ChannelClass::Social), Some((30 * MINUTE, hours)));
    assert_eq!(target(ChannelClass::Email), Some((24 * HOUR, None)));
    assert_eq!(target(ChannelClass::Voice), None);
}

#[test]
fn the_first_question_starts_the_first_response() {
    let settings = settings();
    let sla = asked(&settings, "09:00");
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.instance, clock.state, clock.since), (1, ClockState::Running, Some(monday("09:00"))));
    assert_eq!(clock.aim.deadline, Some(monday("10:00")));
    assert_eq!(clock.aim.warn_at, Some(monday("09:48")));
    assert_eq!(sla.next_due(), Some(monday("09:48")));
    // A second question waits with the first.
    assert_eq!(sla.asked(&terms(&settings), false, monday("09:10")), []);
}

#[test]
fn each_later_question_is_measured_once() {
    let settings = settings();
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.answered(&terms(&settings), monday("09:30")));
    assert_eq!(sla.state(Metric::FirstResponse), Some(ClockState::Met));
    assert_eq!(sla.answered(&terms(&settings), monday("09:31")), []);
    for (instance, question, answer) in [(1, "10:00", "10:20"), (2, "11:00", "11:10")] {
        sla.take(sla.asked(&terms(&settings), true, monday(question)));
        assert_eq!(sla.asked(&terms(&settings), true, monday(question)), []);
        sla.take(sla.answered(&terms(&settings), monday(answer)));
        let clock = sla.clock(Metric::NextResponse).unwrap();
        assert_eq!((clock.instance, clock.state), (instance, ClockState::Met));
    }
    assert_eq!(sla.clocks().len(), 2);
    assert_eq!(sla.next_due(), None);
}

#[test]
fn a_question_outside_the_hours_counts_from_the_opening() {
    let settings = settings();
    let mut sla = Sla::default();
    sla.take(sla.asked(&terms(&settings), false, at("2026-01-09T16:30Z")));
    assert_eq!(deadline(&sla, Metric::FirstResponse), Some(monday("09:30")));
    let mut sla = Sla::default();
    sla.take(sla.asked(&terms(&settings), false, at("2026-01-10T12:00Z")));
    assert_eq!(deadline(&sla, Metric::FirstResponse), Some(monday("10:00")));
}

#[test]
fn an_answer_exactly_at_the_deadline_is_in_time() {
    let settings = settings();
    // The deadline is closing time.
    let mut sla = asked(&settings, "16:00");
    sla.take(sla.elapse(monday("16:50")));
    assert_eq!(sla.elapse(monday("17:00")), []);
    sla.take(sla.answered(&terms(&settings), monday("17:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.state, clock.used), (ClockState::Met, HOUR));
}

#[test]
fn time_warns_once_and_breaches_once() {
    let settings = settings();
    let mut sla = asked(&settings, "09:00");
    assert_eq!(sla.elapse(monday("09:47:59")), []);
    let steps = |changes: Vec<ClockChange>| changes.into_iter().map(|change| change.step).collect::<Vec<_>>();
    assert_eq!(steps(sla.take(sla.elapse(monday("09:48")))), [ClockStep::Warn]);
    assert_eq!(sla.next_due(), Some(monday("10:00")));
    assert_eq!(sla.elapse(monday("10:00")), []);
    let breach = ClockStep::Breach { deadline: monday("10:00") };
    assert_eq!(steps(sla.take(sla.elapse(monday("10:00:01")))), std::slice::from_ref(&breach));
    assert_eq!(sla.elapse(monday("16:00")), []);
    assert_eq!(sla.next_due(), None);
    sla.take(sla.answered(&terms(&settings), monday("11:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.state, clock.used, clock.since), (ClockState::Breached, 2 * HOUR, None));
    assert_eq!(clock.breached, Some(monday("10:00")));
    // When both are due at once, the warning comes too late to be one.
    assert_eq!(steps(asked(&settings, "09:00").elapse(monday("11:00"))), [breach]);
}

#[test]
fn a_pause_moves_the_deadline_by_working_time() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = opened(&settings, "09:00");
    assert_eq!(deadline(&sla, Metric::Resolution), Some(monday("17:00")));
    sla.take(sla.moved(&terms, Status::Open, Status::WaitingCustomer, monday("12:00")));
    let clock = sla.clock(Metric::Resolution).unwrap();
    assert_eq!((clock.state, clock.used, clock.since), (ClockState::Paused, 3 * HOUR, None));
    assert_eq!((clock.aim.deadline, clock.aim.warn_at, sla.next_due()), (None, None, None));
    assert_eq!(sla.elapse(at("2026-02-01T00:00Z")), []);
    let to = Status::WaitingThirdParty;
    assert_eq!(sla.moved(&terms, Status::WaitingCustomer, to, monday("13:00")), []);
    // Paused from Monday noon until Tuesday, 10 o'clock: six working hours.
    sla.take(sla.moved(&terms, to, Status::Open, at("2026-01-13T10:00Z")));
    assert_eq!(sla.state(Metric::Resolution), Some(ClockState::Running));
    assert_eq!(deadline(&sla, Metric::Resolution), Some(at("2026-01-13T15:00Z")));
    assert_eq!(sla.next_due(), Some(at("2026-01-13T13:24Z")));
}

#[test]
fn a_breached_clock_pauses_and_stays_breached() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.elapse(monday("10:30")));
    sla.take(sla.moved(&terms, Status::Open, Status::WaitingThirdParty, monday("11:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.state, clock.since, clock.used), (ClockState::Breached, None, 2 * HOUR));
    assert_eq!(sla.asked(&terms, false, monday("11:30")), []);
    sla.take(sla.moved(&terms, Status::WaitingThirdParty, Status::Open, monday("12:00")));
    assert_eq!(sla.elapse(monday("16:00")), []);
    sla.take(sla.answered(&terms, monday("13:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.state, clock.used), (ClockState::Breached, 3 * HOUR));
    assert_eq!(clock.ended, Some(Ending::Fulfilled));
}

#[test]
fn leaving_activity_reaches_the_resolution_and_cancels_what_nobody_waits_for() {
    let settings = settings();
    let terms = terms(&settings);
    for to in [Status::Solved, Status::Closed, Status::Spam, Status::Merged] {
        let mut sla = opened(&settings, "09:00");
        sla.take(sla.asked(&terms, false, monday("09:00")));
        sla.take(sla.moved(&terms, Status::New, to, monday("09:30")));
        let resolution = (to != Status::Spam).then_some(ClockState::Met);
        assert_eq!(sla.state(Metric::Resolution), resolution, "{to:?}");
        assert_eq!(sla.clock(Metric::FirstResponse), None);
        assert_eq!(sla.clocks().len(), usize::from(resolution.is_some()));
        assert_eq!(sla.next_due(), None);
    }
}

#[test]
fn a_breached_response_of_a_solved_ticket_stops() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.elapse(monday("11:00")));
    sla.take(sla.moved(&terms, Status::Open, Status::Solved, monday("12:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap().clone();
    assert_eq!((clock.state, clock.since, clock.used), (ClockState::Breached, None, 3 * HOUR));
    // Asked again, still unanswered: the broken promise stays, and the new question has its own.
    sla.take(sla.moved(&terms, Status::Solved, Status::Open, monday("13:00")));
    sla.take(sla.asked(&terms, false, monday("13:00")));
    assert_eq!(sla.clock(Metric::FirstResponse), Some(&clock));
    assert_eq!(deadline(&sla, Metric::NextResponse), Some(monday("13:30")));
}

#[test]
fn a_cancelled_clock_starts_again_under_a_new_number() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.moved(&terms, Status::New, Status::Solved, monday("09:30")));
    assert_eq!(sla.clocks(), []);
    // The count must survive the storage.
    assert!(!sla.is_empty());
    let mut sla: Sla = serde_json::from_str(&serde_json::to_string(&sla).unwrap()).unwrap();
    sla.take(sla.asked(&terms, false, monday("10:00")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.instance, clock.state, clock.used), (2, ClockState::Running, 0));
}

#[test]
fn reopening_goes_on_with_the_time_used() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = opened(&settings, "09:00");
    sla.take(sla.moved(&terms, Status::Open, Status::Solved, monday("11:00")));
    assert_eq!(sla.moved(&terms, Status::Solved, Status::Closed, monday("12:00")), []);
    let mut paused = sla.clone();
    sla.take(sla.moved(&terms, Status::Solved, Status::Open, at("2026-01-13T09:00Z")));
    let clock = sla.clock(Metric::Resolution).unwrap();
    assert_eq!((clock.instance, clock.state, clock.used), (1, ClockState::Running, 2 * HOUR));
    assert_eq!(clock.aim.deadline, Some(at("2026-01-13T15:00Z")));
    paused.take(paused.moved(&terms, Status::Solved, Status::WaitingCustomer, at("2026-01-13T09:00Z")));
    let clock = paused.clock(Metric::Resolution).unwrap();
    assert_eq!((clock.state, clock.used, clock.ended), (ClockState::Paused, 2 * HOUR, None));
    // A broken promise stays broken when the ticket is opened again.
    sla.take(sla.elapse(at("2026-01-13T15:30Z")));
    for (from, to) in [(Status::Open, Status::Solved), (Status::Solved, Status::Open)] {
        sla.take(sla.moved(&terms, from, to, at("2026-01-13T16:00Z")));
        assert_eq!(sla.state(Metric::Resolution), Some(ClockState::Breached));
    }
    assert!(sla.clock(Metric::Resolution).unwrap().is_pending());
}

#[test]
fn an_undelivered_answer_starts_the_next_response() {
    let settings = settings();
    let terms = terms(&settings);
    let mut sla = asked(&settings, "09:00");
    assert_eq!(sla.undelivered(&terms, monday("09:10")), []);
    sla.take(sla.answered(&terms, monday("09:30")));
    sla.take(sla.undelivered(&terms, monday("09:40")));
    assert_eq!(sla.state(Metric::FirstResponse), Some(ClockState::Met));
    assert_eq!(deadline(&sla, Metric::NextResponse), Some(monday("10:10")));
    assert_eq!(sla.undelivered(&terms, monday("09:50")), []);
}

#[test]
fn a_new_priority_moves_the_deadline() {
    let settings = settings();
    let mut sla = asked(&settings, "09:00");
    assert_eq!(sla.retargeted(&terms(&settings), monday("09:10")), []);
    sla.take(sla.retargeted(&urgent(&settings), monday("09:10")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.instance, clock.policy, clock.aim.target), (1, PolicyId::new(ulid(1)), 30 * MINUTE));
    assert_eq!(clock.aim.deadline, Some(monday("09:30")));
    assert_eq!(sla.retargeted(&urgent(&settings), monday("09:11")), []);
}

#[test]
fn a_new_deadline_in_the_past_is_breached_by_time() {
    let settings = settings();
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.retargeted(&urgent(&settings), monday("09:40")));
    assert_eq!(sla.state(Metric::FirstResponse), Some(ClockState::Running));
    sla.take(sla.elapse(monday("09:40")));
    assert_eq!(sla.clock(Metric::FirstResponse).unwrap().breached, Some(monday("09:30")));
    // What is broken follows no new promise.
    assert_eq!(sla.retargeted(&terms(&settings), monday("09:50")), []);
    assert_eq!(sla.retargeted(&low(&settings), monday("09:50")), []);
}

#[test]
fn a_warning_is_given_again_only_for_a_later_moment() {
    let settings = settings();
    let mut sla = Sla::default();
    sla.take(sla.asked(&urgent(&settings), false, monday("09:00")));
    sla.take(sla.elapse(monday("09:25")));
    let mut late = sla.clone();
    sla.take(sla.retargeted(&terms(&settings), monday("09:26")));
    let clock = sla.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.warned, clock.aim.warn_at), (false, Some(monday("09:48"))));
    // Had nobody touched it until ten to ten, the moment of the new warning would be past.
    late.take(late.retargeted(&terms(&settings), monday("09:50")));
    let clock = late.clock(Metric::FirstResponse).unwrap();
    assert_eq!((clock.warned, clock.aim.warn_at), (true, None));
    assert_eq!(late.retargeted(&terms(&settings), monday("09:51")), []);
}

#[test]
fn a_promise_that_no_longer_applies_is_cancelled() {
    let mut settings = settings();
    let mut sla = asked(&settings, "09:00");
    sla.take(sla.opened(&terms(&settings), monday("09:00")));
    let changes = sla.take(sla.retargeted(&low(&settings), monday("09:10")));
    assert!(
        changes.len() == 2 && changes.iter().all(|change| change.step == ClockStep::Cancel { used: 600 })
    );
    assert_eq!((sla.clocks(), sla.next_due()), (&[][..], None));
    assert_eq!(sla.retargeted(&terms(&settings), monday("09:20")), []);
    sla.take(sla.opened(&terms(&settings), monday("09:20")));
    // Ten minutes of it were used up before.
    let clock = sla.clock(Metric::Resolution).unwrap();
    assert_eq!((clock.instance, clock.used), (2, 600));
    assert_eq!(clock.aim.deadline, Some(at("2026-01-13T09:10Z")));
    settings.policies.clear();
    assert_eq!(sla.take(sla.retargeted(&terms(&settings), monday("09:30"))).len(), 1);
}

#[test]
fn a_paused_clock_is_retargeted_without_moments() {
    let settings = settings();
    let mut sla = opened(&settings, "09:00");
    sla.take(sla.moved(&terms(&settings), Status::Open, Status::WaitingCustomer, monday("10:00")));
    sla.take(sla.retargeted(&urgent(&settings), monday("11:00")));
    let clock = sla.clock(Metric::Resolution).unwrap();
    assert_eq!((clock.state, clock.aim.target, clock.aim.deadline), (ClockState::Paused, 4 * HOUR, None));
    sla.take(sla.moved(&urgent(&settings), Status::WaitingCustomer, Status::Open, monday("12:00")));
    assert_eq!(deadline(&sla, Metric::Resolution), Some(monday("15:00")));
}

#[test]
fn a_changed_calendar_moves_the_deadline() {
    let mut settings = settings();
    let mut sla = asked(&settings, "16:30");
    assert_eq!(deadline(&sla, Metric::FirstResponse), Some(at("2026-01-13T09:30Z")));
    // Without its calendar a policy counts around the clock.
    let calendars = std::mem::take(&mut settings.calendars);
    sla.take(sla.retargeted(&terms(&settings), monday("16:40")));
    assert_eq!(deadline(&sla, Metric::FirstResponse), Some(monday("17:30")));
    let hourless = Schedule { week: Week::default(), ..calendars[0].schedule().clone() };
    settings.calendars = vec![Calendar::new(calendar_id(), hourless).unwrap()];
    sla.take(sla.retargeted(&terms(&settings), monday("16:50")));
    assert_eq!((deadline(&sla, Metric::FirstResponse), sla.next_due()), (None, None));
    assert_eq!(sla.elapse(at("2030-01-01T00:00Z")), []);
}

#[test]
fn without_a_promise_there_is_no_clock() {
    let settings = settings();
    let sla = Sla::default();
    assert_eq!(sla.asked(&low(&settings), false, monday("09:00")), []);
    assert_eq!(sla.opened(&low(&settings), monday("09:00")), []);
    assert_eq!(sla.undelivered(&low(&settings), monday("09:00")), []);
    assert!(sla.is_empty());
}

#[test]
fn changes_that_do_not_fit_are_ignored() {
    let settings = settings();
    let sla = asked(&settings, "09:00");
    let aim = sla.clock(Metric::FirstResponse).unwrap().aim.clone();
    let step = |instance, step| ClockChange { metric: Metric::FirstResponse, instance, step };
    let again = ClockStep::Activate {
        at: monday("09:30"),
        policy: PolicyId::new(ulid(9)),
        used: 0,
        aim: aim.clone(),
    };
    let misfits = [
        step(2, ClockStep::Warn),
        step(1, again.clone()),
        step(2, again),
        step(1, ClockStep::Resume { at: monday("09:30"), aim }),
        ClockChange { metric: Metric::Resolution, ..step(1, ClockStep::Cancel { used: 0 }) },
    ];
    for change in misfits {
        let mut copy = sla.clone();
        copy.apply(&change);
        assert_eq!(copy, sla, "{change:?}");
    }
}
