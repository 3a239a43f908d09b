//! Dead letters are sent again: whatever fails meanwhile, each is in one place at least.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use store::dead_letters::{DeadLetters, Function, Source};
use store::queue::{Depth, Message, Outgoing, Queue, QueueError};
use store::sqlite::SqliteQueue;

use crate::environment::Desk;

const MINUTE: Duration = Duration::from_mins(1);

/// A queue of which some calls fail: so many sends and removals pass.
#[derive(Clone)]
struct Faulty {
    queue: SqliteQueue,
    sends: Arc<AtomicUsize>,
    deletes: Arc<AtomicUsize>,
    /// Whether whoever sends is gone before they learn that it is sent.
    hangs: bool,
}

impl Faulty {
    fn new(queue: SqliteQueue) -> Self {
        let always = || Arc::new(AtomicUsize::new(usize::MAX));
        Self { queue, sends: always(), deletes: always(), hangs: false }
    }

    fn pass(left: &AtomicUsize) -> Result<(), QueueError> {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map(drop)
            .map_err(|_| QueueError::Unavailable("not now".to_owned()))
    }
}

#[async_trait]
impl Queue for Faulty {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Self::pass(&self.sends)?;
        self.queue.send(messages).await
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        self.queue.receive(limit, visibility).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        Self::pass(&self.deletes)?;
        self.queue.delete(receipt).await
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.queue.release(receipt, after).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        self.queue.depth().await
    }
}

/// A desk's work queue with three dead letters.
struct Stage {
    desk: Desk,
    source: Faulty,
    dead: Faulty,
}

impl Stage {
    async fn new() -> Self {
        let desk = Desk::new();
        let source = desk.sqlite.queue("work", false);
        let dead = source.dead_letters();
        for body in ["1", "2", "3"] {
            let letter = Outgoing { body: body.to_owned(), group: None, deduplication: None };
            dead.send(vec![letter]).await.unwrap();
            desk.clock.advance(Duration::from_millis(1));
        }
        Self { desk, source: Faulty::new(source), dead: Faulty::new(dead) }
    }

    fn letters(&self) -> DeadLetters {
        DeadLetters {
            name: "work",
            source: Some(Source::Queue(Arc::new(self.source.clone()))),
            dead: Arc::new(self.dead.clone()),
        }
    }

    /// What can be received of a queue.
    async fn bodies(&self, queue: &Faulty) -> Vec<String> {
        let mut bodies = Vec::new();
        for message in queue.receive(10, MINUTE).await.unwrap() {
            queue.release(&message.receipt, Duration::ZERO).await.unwrap();
            bodies.push(message.body);
        }
        bodies.sort();
        bodies
    }
}

#[tokio::test]
async fn a_letter_that_no_queue_takes_stays_a_letter() {
    let stage = Stage::new().await;
    stage.source.sends.store(1, Ordering::SeqCst);
    assert!(stage.letters().redrive(None).await.is_err());
    let (sent, left) = (stage.bodies(&stage.source).await, stage.bodies(&stage.dead).await);
    assert_eq!((sent.len(), left.len()), (1, 2), "{sent:?} and {left:?}");

    stage.source.sends.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(stage.letters().redrive(None).await.unwrap().redriven, 2);
    assert_eq!(stage.bodies(&stage.source).await, ["1", "2", "3"], "each once");
    assert_eq!(stage.bodies(&stage.dead).await, [""; 0]);
}

#[tokio::test]
async fn a_crash_while_a_letter_is_sent_again_loses_nothing() {
    let mut stage = Stage::new().await;
    stage.source.hangs = true;
    let ended = tokio::time::timeout(Duration::from_millis(200), stage.letters().redrive(None)).await;
    assert!(ended.is_err(), "whoever sent it again ends there");
    stage.source.hangs = false;
    stage.desk.clock.advance(MINUTE);
    assert_eq!(stage.bodies(&stage.dead).await, ["1", "2", "3"], "in hand no longer, all are there");
}

#[tokio::test]
async fn a_letter_that_cannot_be_removed_was_sent_and_may_be_again() {
    let stage = Stage::new().await;
    stage.dead.deletes.store(0, Ordering::SeqCst);
    assert!(stage.letters().redrive(None).await.is_err());
    assert_eq!(stage.bodies(&stage.dead).await, ["1", "2", "3"]);
    let sent = stage.bodies(&stage.source).await;
    assert_eq!(sent.len(), 1, "what follows a failure waits: {sent:?}");

    // Sent twice is harmless, lost is not: whatever does the work recognises what it did.
    stage.dead.deletes.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(stage.letters().redrive(None).await.unwrap().redriven, 3);
    assert_eq!(stage.bodies(&stage.dead).await, [""; 0]);
    let mut sent = stage.bodies(&stage.source).await;
    assert_eq!(sent.len(), 4);
    sent.dedup();
    assert_eq!(sent, ["1", "2", "3"]);
}

#[tokio::test]
async fn letters_of_one_conversation_are_all_sent_again() {
    let desk = Desk::new();
    let source = desk.sqlite.queue("inbound", true);
    let dead = source.dead_letters();
    for number in 1..=25 {
        let (body, group) = (number.to_string(), Some("one".to_owned()));
        dead.send(vec![Outgoing { deduplication: Some(body.clone()), body, group }]).await.unwrap();
    }
    let letters = DeadLetters {
        name: "inbound",
        source: Some(Source::Queue(Arc::new(source.clone()))),
        dead: Arc::new(dead.clone()),
    };
    assert_eq!(letters.redrive(None).await.unwrap().redriven, 25);
    assert_eq!((dead.depth().await.unwrap().waiting, source.depth().await.unwrap().waiting), (0, 25));
}

/// A function that takes so many events, and keeps them.
struct Invoked {
    events: Mutex<Vec<String>>,
    takes: usize,
}

#[async_trait]
impl Function for Invoked {
    async fn invoke(&self, event: String) -> Result<(), QueueError> {
        let mut events = self.events.lock().unwrap();
        if events.len() == self.takes {
            return Err(QueueError::Unavailable("overloaded".to_owned()));
        }
        events.push(event);
        Ok(())
    }
}

fn event(number: u32) -> String {
    format!(r#"{{"Records":[{{"Sns":{{"Message":"mail {number}"}}}}]}}"#)
}

impl Stage {
    /// Mails that were given up, beside three letters that hold none, and a function that takes so many of them.
    async fn mails(&self, count: u32, takes: usize) -> (DeadLetters, Arc<Invoked>) {
        for number in 1..=count {
            let body = format!(r#"{{"requestContext":{{}},"requestPayload":{}}}"#, event(number));
            self.dead.send(vec![Outgoing { body, group: None, deduplication: None }]).await.unwrap();
        }
        let function = Arc::new(Invoked { events: Mutex::default(), takes });
        let source: Arc<dyn Function> = function.clone();
        (DeadLetters { name: "email", source: Some(Source::Function(source)), ..self.letters() }, function)
    }
}

#[tokio::test]
async fn a_function_gets_again_what_it_was_invoked_with() {
    let stage = Stage::new().await;
    let (letters, function) = stage.mails(1, 1).await;
    let redriven = letters.redrive(None).await.unwrap();
    assert_eq!((redriven.redriven, redriven.unsendable.len()), (1, 3), "what holds no mail keeps none away");
    assert_eq!(*function.events.lock().unwrap(), [event(1)]);
    assert_eq!(stage.bodies(&stage.dead).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_function_that_takes_no_more_is_left_alone() {
    let stage = Stage::new().await;
    let (letters, function) = stage.mails(3, 1).await;
    assert!(letters.redrive(None).await.unwrap_err().is_transient());
    assert_eq!(*function.events.lock().unwrap(), [event(1)]);
    assert_eq!(stage.bodies(&stage.dead).await.len(), 5, "three that hold none, and two that wait");
}
