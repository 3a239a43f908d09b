//! What a ticket takes, and what follows at once.

use desk::command::{Command, Refusal, Update};
use desk::event::{Actor, ButtonPressed, Fact};
use desk::ids::{AgentId, TeamId, TicketId};
use desk::sla::{ClockState, Metric};
use desk::ticket::{Priority, Status, Ticket};

use crate::stage::{Desk, ulid};

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
fn an_automatic_reply_stops_no_clock_and_moves_no_status() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply_as(true, None).unwrap();
    assert_eq!(desk.ticket().status, Status::New);
    assert!(desk.ticket().waiting_since.is_some());
    assert_eq!(desk.clock(Metric::FirstResponse), ClockState::Running);
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
fn a_closed_ticket_takes_no_button() {
    let mut desk = Desk::new();
    desk.status(Status::Closed);
    let pressed = ButtonPressed { message: None, callback: "1".to_owned() };
    let actor = Actor::Contact { id: desk.ticket().contact };
    assert_eq!(desk.ask(actor, Command::Press(pressed, Box::default())), Err(Refusal::Final(Status::Closed)));
}

#[test]
fn what_is_solved_and_goes_on_in_another_ticket_takes_nothing_from_customers() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.status(Status::Solved);
    desk.ask(Actor::System, Command::FollowUp(TicketId::new(ulid(8)))).unwrap();
    let pressed = ButtonPressed { message: None, callback: "1".to_owned() };
    let actor = Actor::Contact { id: desk.ticket().contact };
    assert_eq!(desk.ask(actor, Command::Press(pressed, Box::default())), Err(Refusal::Final(Status::Solved)));
    assert_eq!(desk.receive(), Err(Refusal::Final(Status::Solved)));
    desk.ask(Actor::System, Command::Gap { key: "update:1".to_owned(), asks: true }).unwrap();
    assert_eq!(desk.ticket().status, Status::Solved);
    assert_eq!(desk.ask(Actor::System, Command::Tick), Ok(None), "it is not over yet");
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
