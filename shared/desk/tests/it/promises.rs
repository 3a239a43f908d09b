//! Clocks, as commands move them.

use desk::command::{Command, Update};
use desk::event::Actor;
use desk::ids::{CalendarId, PolicyId};
use desk::sla::{ClockState, Metric};
use desk::ticket::{Priority, Status};
use jiff::SignedDuration;

use crate::stage::{Desk, problem, ulid};

#[test]
fn an_answer_after_the_deadline_is_a_breach_even_when_no_timer_ran() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.wait(301).reply();
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Breached);
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
fn who_waits_is_measured_again_when_a_ticket_is_no_spam_after_all() {
    let mut desk = Desk::new();
    desk.status(Status::Spam);
    desk.receive().unwrap();
    desk.status(Status::Open);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
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
fn whoever_had_asked_before_a_solution_waits_since_then_when_an_answer_did_not_arrive() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply();
    desk.wait(10).receive().unwrap();
    let asked = desk.now;
    desk.wait(100).status(Status::Solved);
    desk.wait(100).ask(Actor::System, Command::FailReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().waiting_since, Some(asked));
    desk.wait(100).status(Status::Solved);
    desk.wait(100).status(Status::Open);
    let deadline = desk.ticket().sla.clock(Metric::NextResponse).unwrap().aim.deadline;
    assert_eq!(deadline, Some(asked + SignedDuration::from_secs(600)));
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
