//! What becomes of answers: scheduled, confirmed, and not delivered.

use desk::command::Command;
use desk::event::{Actor, DeliveryProblem};
use desk::ids::{ReplyId, TicketId};
use desk::sla::{ClockState, Metric};
use desk::ticket::Status;

use crate::stage::{Desk, problem, staff, ulid};

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
    let seq = desk.wait(10).schedule(Some(Status::Solved));
    let ticket = desk.ticket();
    assert_eq!(
        (ticket.status, ticket.waiting_since, ticket.first_reply_at),
        (Status::New, Some(asked), None)
    );
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);

    desk.wait(200).due(seq, Some(Status::Solved));
    let ticket = desk.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::Solved, None));
    assert_eq!(ticket.first_reply_at, Some(desk.now));
    assert_eq!(ticket.sla.clock(Metric::FirstResponse).unwrap().used, 210);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Met);
}

#[test]
fn a_scheduled_answer_that_is_taken_back_has_never_been_one() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let asked = desk.now;
    desk.wait(10).schedule(None);
    let problem = DeliveryProblem { withdrawn: true, ..problem(false) };
    desk.wait(20).ask(staff(), Command::FailReply(problem)).unwrap();
    let ticket = desk.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::New, Some(asked)));
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
    assert_eq!(ticket.sla.clock(Metric::NextResponse), None);
}

#[test]
fn a_scheduled_answer_is_the_first_and_leaves_waiting_what_was_asked_after_it_was_written() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let seq = desk.schedule(Some(Status::Solved));
    // At the same moment: it was written before all the same.
    desk.receive().unwrap();
    let asked = desk.now;
    desk.wait(20).receive().unwrap();
    desk.wait(180).due(seq, Some(Status::Solved));
    let ticket = desk.ticket();
    assert_eq!((ticket.status, ticket.waiting_since), (Status::Open, Some(asked)));
    assert_eq!(ticket.first_reply_at, Some(desk.now));
    assert_eq!(ticket.sla.clock(Metric::FirstResponse).unwrap().used, 200);
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Met);
    let next = ticket.sla.clock(Metric::NextResponse).unwrap();
    assert_eq!((next.state, next.since), (ClockState::Running, Some(asked)));

    desk.wait(10).reply();
    assert_eq!(desk.ticket().sla.clock(Metric::NextResponse).unwrap().used, 210);
    assert_eq!(desk.ticket().waiting_since, None);
}

#[test]
fn a_late_answer_moves_no_clock_of_what_it_does_not_answer() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let seq = desk.schedule(None);
    desk.wait(10).reply();
    desk.wait(10).receive().unwrap();
    let asked = desk.now;
    desk.wait(10).due(seq, None);
    let next = desk.ticket().sla.clock(Metric::NextResponse).unwrap().clone();
    assert_eq!((next.state, next.instance, next.since), (ClockState::Running, 1, Some(asked)));
    assert_eq!(desk.ticket().waiting_since, Some(asked));
    assert_eq!(desk.ticket().status, Status::Open);
}

#[test]
fn a_confirmed_solution_solves_again() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let seq = desk.wait(10).reply_as(false, Some(Status::Solved)).unwrap().unwrap().seq;
    desk.wait(10).ask(Actor::System, Command::DoubtReply(problem(false))).unwrap();
    assert_eq!(desk.ticket().status, Status::Open);
    let reply = ReplyId::new(ulid(7));
    let status = Some(Status::Solved);
    let confirm = Command::ConfirmReply { reply, seq, automatic: false, status };
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
fn a_confirmed_answer_answers_what_was_asked_before_it() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let seq = desk.wait(10).reply_as(false, None).unwrap().unwrap().seq;
    desk.wait(10).ask(Actor::System, Command::DoubtReply(problem(false))).unwrap();
    let confirm = Command::ConfirmReply { reply: ReplyId::new(ulid(7)), seq, automatic: false, status: None };
    let mut asked_again = Desk { settings: desk.settings.clone(), now: desk.now, log: desk.log.clone() };

    desk.wait(10).ask(staff(), confirm.clone()).unwrap();
    assert_eq!(desk.ticket().status, Status::WaitingCustomer);
    assert_eq!(desk.ticket().waiting_since, None);
    assert_eq!(desk.clock(Metric::NextResponse), ClockState::Met);

    asked_again.wait(10).receive().unwrap();
    let asked = asked_again.now;
    asked_again.wait(10).ask(staff(), confirm).unwrap();
    assert_eq!(asked_again.ticket().status, Status::Open);
    assert_eq!(asked_again.ticket().waiting_since, Some(asked));
    let next = asked_again.ticket().sla.clock(Metric::NextResponse).unwrap().clone();
    assert_eq!((next.state, next.since), (ClockState::Running, Some(asked)));
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
        let seq = desk.wait(10).schedule(Some(Status::WaitingCustomer));
        desk.wait(10).status(meanwhile);
        desk.wait(200).due(seq, Some(Status::WaitingCustomer));
        assert_eq!(desk.ticket().status, then);
    }
}
