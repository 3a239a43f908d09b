//! What a minute does: all tickets follow changed settings, and replies go on whose connection is mended.

#![expect(clippy::unwrap_used, reason = "tests")]

mod held;

use std::cell::Cell;
use std::sync::Arc;

use clock::Clock;
use desk::command::{Command, Request};
use desk::event::{Actor, Said};
use desk::ids::{PolicyId, TicketId, Ulid};
use desk::inbound::Sender;
use desk::message::MessageContent;
use desk::sla::{Conditions, Policy};
use desk::ticket::Priority;
use serde_json::json;
use store::Desk;
use store::environment::System;
use store::keys;
use store::opening::{Customer, Start};
use store::settings::Versioned;
use store::sqlite::{Sqlite, TableName};
use store::table::{Condition, Item, Table as _, Write};
use tempfile::TempDir;

/// A desk with some tickets that nothing was promised to.
struct Stage {
    sqlite: Sqlite,
    desk: Desk,
    clock: Clock,
    tickets: Vec<TicketId>,
    _folder: TempDir,
}

impl Stage {
    async fn with_tickets(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
        let (index, outbound) =
            (Arc::new(sqlite.table(TableName::Index)), Arc::new(sqlite.queue("outbound", true)));
        let clock = Clock::new(desk.clone(), index, outbound);
        let mut tickets = Vec::new();
        for number in 0..count {
            let opened = desk.open_ticket(start(number), |_| None, |_, _| Ok(Vec::new())).await;
            tickets.push(opened.unwrap().id);
        }
        Self { sqlite, desk, clock, tickets, _folder: folder }
    }

    /// Promises every ticket a solution.
    async fn promise(&self) {
        let value = Policy {
            id: PolicyId::new(Ulid::from_parts(1, 1)),
            name: "All".to_owned(),
            position: 1,
            conditions: Conditions::default(),
            calendar: None,
            first_response: None,
            next_response: None,
            resolution: Some(3600),
            warn_percent: None,
        };
        self.desk.save_setting(&Versioned { version: 1, value }, true, Vec::new()).await.unwrap();
    }

    /// The positions of the tickets that nothing is promised to.
    async fn left_out(&self) -> Vec<usize> {
        let mut left_out = Vec::new();
        for (position, id) in self.tickets.iter().enumerate() {
            let has_clock =
                self.desk.ticket(*id).await.is_ok_and(|ticket| ticket.unwrap().sla.next_due().is_some());
            if !has_clock {
                left_out.push(position);
            }
        }
        left_out
    }
}

fn start(number: usize) -> Start {
    let sender = Sender {
        kind: "email".to_owned(),
        address: format!("ann{number}@example.org"),
        name: None,
        username: None,
        language: None,
        phone: None,
    };
    Start {
        customer: Customer::Sender(sender),
        thread: None,
        class: None,
        priority: Priority::Normal,
        team: None,
        subject: "Where is it?".to_owned(),
        previous: None,
        related: None,
        correspondence: None,
        actor: None,
        cause: None,
    }
}

#[tokio::test]
async fn a_ticket_that_moves_before_its_turn_follows_changed_settings_all_the_same() {
    let stage = Stage::with_tickets(120).await;
    stage.promise().await;
    // As many looks at the time as it takes to have done some of the work and not all.
    for looks in 1.. {
        let left = Cell::new(looks);
        let more_time = || {
            left.set(left.get() - 1);
            left.get() > 0
        };
        stage.clock.sweep(more_time).await.unwrap();
        if stage.desk.recomputation().await.unwrap().is_some_and(|work| work.cursor.is_some()) {
            break;
        }
    }
    let waiting = stage.left_out().await;
    assert!(!waiting.is_empty() && waiting.len() < stage.tickets.len(), "{waiting:?}");
    for position in &waiting {
        let said = Said {
            message: MessageContent { text: Some("I asked.".to_owned()), ..MessageContent::default() },
            ..Said::default()
        };
        let note = Request { actor: Actor::System, cause: None, command: Command::Note(Box::new(said)) };
        stage.desk.execute(stage.tickets[*position], note).await.unwrap();
    }
    stage.clock.sweep(|| true).await.unwrap();
    assert_eq!(
        stage.left_out().await,
        Vec::<usize>::new(),
        "of those that had not had their turn: {waiting:?}"
    );
    assert_eq!(stage.desk.recomputation().await.unwrap(), None, "the first round is over");
}

#[tokio::test]
async fn a_ticket_that_cannot_follow_holds_up_no_other() {
    let stage = Stage::with_tickets(3).await;
    let key = keys::ticket(stage.tickets[1]);
    let table = stage.sqlite.table(TableName::Main);
    let mut broken: Item = table.get(&key).await.unwrap().unwrap();
    broken.body.insert("solved_at".to_owned(), json!("nonsense"));
    table.write(vec![Write::Put(broken, Condition::Any)]).await.unwrap();
    stage.promise().await;
    stage.clock.sweep(|| true).await.unwrap();
    assert_eq!(stage.left_out().await, [1]);
    assert_eq!(stage.desk.recomputation().await.unwrap(), None, "the round is over");
}
