//! What is handed on, and what comes again.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use relay::Relay;
use serde_json::{Value, json};
use store::queue::{Depth, Message, Outgoing, Queue, QueueError};
use store::table::{Inserted, Item, Key};

/// A queue of which some sends fail.
#[derive(Default)]
struct Sink {
    sent: Mutex<Vec<Outgoing>>,
    /// How many more sends succeed before one fails; then all do.
    good: AtomicUsize,
}

impl Sink {
    fn failing_after(good: usize) -> Arc<Self> {
        Arc::new(Self { good: AtomicUsize::new(good), ..Self::default() })
    }

    fn working() -> Arc<Self> {
        Self::failing_after(usize::MAX)
    }

    fn bodies(&self) -> Vec<Value> {
        let sent = self.sent.lock().unwrap();
        sent.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}

#[async_trait]
impl Queue for Sink {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        if self.good.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(QueueError::Unavailable("for once".to_owned()));
        }
        self.sent.lock().unwrap().extend(messages);
        Ok(())
    }

    async fn receive(&self, _: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

/// The reply of a conversation, as it was inserted.
fn reply(number: usize) -> Inserted {
    let body = json!({
        "id": format!("rep_{}", ulid(number)),
        "thread": {"channel": "telegram", "connection": format!("cnx_{}", ulid(0)), "conversation": number.to_string()},
        "ticket": format!("tkt_{}", ulid(number)),
        "seq": 3,
        "content": {"text": "Tomorrow."},
        "state": "queued",
        "version": 1,
        "created_at": "2026-01-05T09:00:00Z",
    });
    inserted(number, &format!("R#{}", ulid(number)), &body)
}

fn inserted(number: usize, sk: &str, body: &Value) -> Inserted {
    let item = Item::new(Key::new(format!("X#telegram#{number}"), sk), body).unwrap();
    Inserted { position: number.to_string(), item }
}

fn ulid(number: usize) -> String {
    format!("01J{number:023}")
}

#[tokio::test]
async fn what_was_not_handed_on_comes_again() {
    let outbound = Sink::failing_after(1);
    let relay = Relay::new(outbound.clone(), Sink::working(), Sink::working());
    let replies: Vec<Inserted> = (1..=25).map(reply).collect();
    let stopped: usize = relay.handle(&replies).await.unwrap_err().parse().unwrap();
    assert!((2..=25).contains(&stopped), "{stopped}");
    assert_eq!(outbound.bodies().len(), stopped - 1, "all before it was handed on");
    outbound.good.store(usize::MAX, Ordering::Relaxed);
    let rest: Vec<Inserted> = (stopped..=25).map(reply).collect();
    assert_eq!(relay.handle(&rest).await, Ok(()));
    let conversations: Vec<Value> =
        outbound.bodies().iter().map(|body| body["thread"]["conversation"].clone()).collect();
    let expected: Vec<Value> = (1..=25).map(|number| json!(number.to_string())).collect();
    assert_eq!(conversations, expected, "each once, and in order");
}

#[tokio::test]
async fn a_record_that_nobody_understands_holds_nothing_up() {
    let (outbound, dead) = (Sink::working(), Sink::working());
    let relay = Relay::new(outbound.clone(), Sink::working(), dead.clone());
    let strange = inserted(2, "R#2", &json!({"from": "another version"}));
    let nothing = inserted(3, "@", &json!({"kind": "a conversation"}));
    assert_eq!(relay.handle(&[reply(1), strange.clone(), nothing, reply(4)]).await, Ok(()));
    assert_eq!(outbound.bodies().len(), 2);
    assert_eq!(dead.bodies().len(), 1);
    assert_eq!(dead.bodies()[0]["sk"], "R#2");

    let full = Sink::failing_after(0);
    let relay = Relay::new(outbound, Sink::working(), full);
    assert_eq!(relay.handle(&[strange]).await, Err("2".to_owned()), "it is not lost, either");
}

#[tokio::test]
async fn whom_the_search_does_not_know_yet_is_told_to_it() {
    let work = Sink::working();
    let relay = Relay::new(Sink::working(), work.clone(), Sink::working());
    let message = |seq: usize, new_author: bool| {
        let body = json!({
            "v": 1, "seq": seq, "kind": "message_received", "at": "2026-01-05T09:00:00Z",
            "actor": {"type": "contact", "id": format!("con_{}", ulid(seq))},
            "data": {"message": seq.to_string(), "sent_at": "2026-01-05T09:00:00Z", "asks": true, "new_author": new_author},
        });
        let key = Key::new(format!("T#tkt_{}", ulid(1)), format!("E#{seq:010}"));
        Inserted { position: seq.to_string(), item: Item::new(key, &body).unwrap() }
    };
    assert_eq!(relay.handle(&[message(2, true), message(3, false)]).await, Ok(()));
    let told = work.bodies();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].to_string().contains(&format!("con_{}", ulid(2))), "{told:?}");
}

/// An event of a ticket that leaves work: its customer is new to the search.
fn opened(number: usize) -> Inserted {
    let body = json!({
        "v": 1, "seq": 1, "kind": "message_received", "at": "2026-01-05T09:00:00Z",
        "actor": {"type": "contact", "id": format!("con_{}", ulid(number))},
        "data": {"message": "1", "sent_at": "2026-01-05T09:00:00Z", "asks": true, "new_author": true},
    });
    let key = Key::new(format!("T#tkt_{}", ulid(number)), format!("E#{:010}", 1));
    Inserted { position: number.to_string(), item: Item::new(key, &body).unwrap() }
}

#[tokio::test]
async fn work_that_was_not_handed_on_comes_again() {
    let work = Sink::failing_after(1);
    let relay = Relay::new(Sink::working(), work.clone(), Sink::working());
    let events: Vec<Inserted> = (1..=25).map(opened).collect();
    let stopped: usize = relay.handle(&events).await.unwrap_err().parse().unwrap();
    assert!((2..=25).contains(&stopped), "{stopped}");
    assert_eq!(work.bodies().len(), stopped - 1, "all before it was handed on");
    work.good.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(relay.handle(&events[stopped - 1..]).await, Ok(()));
    let contacts: Vec<Value> = work.bodies().iter().map(|body| body["contact"].clone()).collect();
    let expected: Vec<Value> = (1..=25).map(|number| json!(format!("con_{}", ulid(number)))).collect();
    assert_eq!(contacts, expected, "each once, and in order");
}

#[tokio::test]
async fn a_batch_comes_again_from_the_first_change_that_any_queue_refused() {
    let batch: Vec<Inserted> = vec![reply(1), opened(2), reply(3)];
    for (outbound, work) in [(0, usize::MAX), (usize::MAX, 0)] {
        let (outbound, work) = (Sink::failing_after(outbound), Sink::failing_after(work));
        let relay = Relay::new(outbound.clone(), work.clone(), Sink::working());
        assert_eq!(relay.handle(&batch).await, Err("1".to_owned()));
        for queue in [&outbound, &work] {
            queue.good.store(usize::MAX, Ordering::Relaxed);
        }
        assert_eq!(relay.handle(&batch).await, Ok(()));
        assert!(outbound.bodies().len() >= 2 && !work.bodies().is_empty(), "nothing is lost");
    }
}
