//! The fold: old logs read for ever, new kinds do no harm, and the head stays small.

use desk::command::{Command, Update};
use desk::event::{Content, Event, Fact};
use desk::ticket::{Priority, Status, Ticket};
use proptest::prelude::*;

use crate::stage::Desk;

/// A log that version 1 wrote. Later versions must fold it to the same head.
const VERSION_1: &str = include_str!("fixtures/version-1.json");

#[test]
fn a_log_of_version_1_folds_for_ever() {
    let log: Vec<Event> = serde_json::from_str(VERSION_1).unwrap();
    let ticket = Ticket::fold(&log).unwrap();
    assert_eq!(ticket.status, Status::Closed);
    assert!(ticket.followed_up_by.is_some());
    assert_eq!(ticket.priority, Priority::High);
    assert_eq!(ticket.tags, ["vip"]);
    assert_eq!(ticket.seq, log.len() as u64);
    assert!(ticket.first_reply_at.is_some());
}

#[test]
fn what_is_written_is_read_back() {
    let log: Vec<Event> = serde_json::from_str(VERSION_1).unwrap();
    let again: Vec<Event> = serde_json::from_str(&serde_json::to_string(&log).unwrap()).unwrap();
    assert_eq!(again, log);
    assert!(
        !log.iter().any(|event| matches!(event.fact, Fact::Unknown(_))),
        "every kind of version 1 is known"
    );
}

#[test]
fn an_unknown_kind_is_kept_and_changes_nothing() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    let before = desk.ticket();
    let mut event = desk.log[1].clone();
    event.seq = 3;
    let mut json = serde_json::to_value(&event).unwrap();
    json["kind"] = "teleported".into();
    json["data"] = serde_json::json!({"to": "the moon"});
    json["effects"] = serde_json::json!({});
    let event: Event = serde_json::from_value(json.clone()).unwrap();
    assert!(matches!(&event.fact, Fact::Unknown(unknown) if unknown.kind == "teleported"));
    assert_eq!(serde_json::to_value(&event).unwrap()["data"], json["data"]);
    desk.log.push(event);
    let after = desk.ticket();
    assert_eq!(after.seq, 3);
    assert_eq!(
        Ticket { seq: before.seq, version: before.version, updated_at: before.updated_at, ..after },
        before
    );
}

#[test]
fn erased_content_changes_no_decision() {
    let mut desk = Desk::new();
    desk.receive().unwrap();
    desk.reply();
    let whole = desk.ticket();
    let erased: Vec<Event> = desk
        .log
        .iter()
        .map(|event| {
            let mut json = serde_json::to_value(event).unwrap();
            json["content"] = "erased".into();
            serde_json::from_value(json).unwrap()
        })
        .collect();
    assert!(erased.iter().all(|event| matches!(event.content, Content::Erased(_))));
    let folded = Ticket::fold(&erased).unwrap();
    assert_eq!(Ticket { subject: whole.subject.clone(), ..folded }, whole);
}

fn command() -> impl Strategy<Value = u8> {
    0..8_u8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens in whatever order, the head is the fold of its log, versions grow, and it stays small.
    #[test]
    fn the_head_is_the_fold_and_stays_small(steps in prop::collection::vec((command(), 0..4000_i64), 1..60)) {
        let mut desk = Desk::new();
        let mut head = desk.ticket();
        for (step, seconds) in steps {
            desk.wait(seconds);
            let before = desk.log.len();
            let _refused_or_not = match step {
                0 | 1 => desk.receive(),
                2 => { if !head.status.is_final() { desk.reply(); } Ok(None) }
                3 => desk.ask(desk::event::Actor::System, Command::Tick),
                4 => desk.update(Update { status: Some(Status::Solved), ..Update::default() }),
                5 => desk.update(Update { status: Some(Status::WaitingThirdParty), ..Update::default() }),
                6 => desk.update(Update { priority: Some(Priority::Urgent), ..Update::default() }),
                _ => desk.update(Update { tags: Some((0..20).map(|n| format!("tag-{n}")).collect()), ..Update::default() }),
            };
            for event in &desk.log[before..] {
                let version = head.version;
                head.apply(event);
                prop_assert!(head.version > version);
            }
            prop_assert_eq!(&head, &desk.ticket());
            let size = serde_json::to_vec(&head).unwrap().len();
            prop_assert!(size <= 4096, "a head of {} bytes", size);
        }
    }
}
