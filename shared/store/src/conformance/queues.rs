//! What the suites of queues share, and the rules of both kinds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{PATIENCE, PAUSE};
use crate::queue::{
    Depth, MAX_BODY_BYTES, MAX_RECEIVE, MAX_RECEIVES, MAX_VISIBILITY, Message, Outgoing, Queue, QueueError,
};

/// Hidden for the whole suite.
pub(super) const LONG: Duration = Duration::from_mins(2);
/// Hidden so briefly that the suite can wait for it.
pub(super) const SHORT: Duration = Duration::from_secs(1);
/// After this, what was hidden for [`SHORT`] has come back.
pub(super) const PAST_SHORT: Duration = Duration::from_millis(1300);

/// The queues of a suite.
pub struct Queues {
    /// A FIFO queue.
    pub fifo: Arc<dyn Queue>,
    /// Where its dead letters go; FIFO, too.
    pub fifo_dead: Arc<dyn Queue>,
    /// A standard queue.
    pub standard: Arc<dyn Queue>,
    /// Where its dead letters go.
    pub standard_dead: Arc<dyn Queue>,
}

/// Rules that an engine is known to break, beyond our reach.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deviations {
    /// A receipt that ran out still works, as in emulators.
    pub stale_receipts_work: bool,
}

/// A queue, of which a suite sees its own messages only.
pub(super) struct Scope<'a> {
    pub(super) queue: Arc<dyn Queue>,
    dead: Arc<dyn Queue>,
    prefix: String,
    deviations: Deviations,
    pause: &'a (dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync),
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        queue: Arc<dyn Queue>,
        dead: Arc<dyn Queue>,
        prefix: String,
        deviations: Deviations,
        pause: &'a (dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync),
    ) -> Self {
        Self { queue, dead, prefix, deviations, pause }
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.prefix.ends_with("fifo")
    }

    pub(super) async fn pause(&self, time: Duration) {
        (self.pause)(time).await;
    }

    pub(super) fn body(&self, case: &str, name: &str) -> String {
        format!("{} {case} {name}", self.prefix)
    }

    pub(super) fn group(&self, case: &str, group: &str) -> String {
        format!("{}-{case}-{group}", self.prefix)
    }

    /// A message of a case, in a group if the queue is FIFO, with a deduplication id of its own.
    pub(super) fn message(&self, case: &str, group: &str, name: &str) -> Outgoing {
        let fifo = self.is_fifo();
        Outgoing {
            body: self.body(case, name),
            group: fifo.then(|| self.group(case, group)),
            deduplication: fifo.then(|| format!("{}-{name}", self.group(case, group))),
        }
    }

    /// Sends a message per name, in order.
    pub(super) async fn send(&self, case: &str, group: &str, names: &[&str]) {
        let messages = names.iter().map(|name| self.message(case, group, name)).collect();
        self.queue.send(messages).await.unwrap();
    }

    /// Takes `count` messages of a case in hand, waiting for them where needed.
    pub(super) async fn receive(&self, case: &str, count: usize, visibility: Duration) -> Vec<Message> {
        self.receive_from(&*self.queue, case, count, visibility).await
    }

    async fn receive_from(
        &self,
        queue: &dyn Queue,
        case: &str,
        count: usize,
        hidden: Duration,
    ) -> Vec<Message> {
        let mut received = Vec::new();
        let mut waited = Duration::ZERO;
        while received.len() < count {
            let limit = (count - received.len()).min(MAX_RECEIVE);
            let batch = queue.receive(limit, hidden).await.unwrap();
            assert!(batch.len() <= limit);
            let nothing = batch.is_empty();
            received.extend(batch.into_iter().filter(|message| self.is_of(case, message)));
            if nothing {
                assert!(waited < PATIENCE, "{case}: only {:?} of {count} came", self.names(case, &received));
                self.pause(PAUSE).await;
                waited += PAUSE;
            }
        }
        received
    }

    /// Takes one message of a case in hand.
    pub(super) async fn receive_one(&self, case: &str, visibility: Duration) -> Message {
        self.receive(case, 1, visibility).await.remove(0)
    }

    /// Takes the one dead letter of a case, and deletes it.
    pub(super) async fn dead_letter(&self, case: &str) -> Message {
        let letter = self.receive_from(&*self.dead, case, 1, LONG).await.remove(0);
        self.dead.delete(&letter.receipt).await.unwrap();
        letter
    }

    /// Asserts that no message of a case can be received.
    pub(super) async fn nothing(&self, case: &str) {
        for _ in 0..3 {
            let batch = self.queue.receive(MAX_RECEIVE, LONG).await.unwrap();
            let ours: Vec<_> = batch.into_iter().filter(|message| self.is_of(case, message)).collect();
            assert!(ours.is_empty(), "{case}: {:?} should not come", self.names(case, &ours));
        }
    }

    pub(super) async fn delete(&self, message: &Message) {
        self.queue.delete(&message.receipt).await.unwrap();
    }

    pub(super) async fn release(&self, message: &Message, after: Duration) {
        self.queue.release(&message.receipt, after).await.unwrap();
    }

    /// Receives messages of a case, and deletes each, until there were `count`. Returns their names.
    pub(super) async fn drain(&self, case: &str, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            let message = self.receive_one(case, LONG).await;
            self.delete(&message).await;
            names.extend(self.names(case, &[message]));
        }
        names
    }

    pub(super) fn names(&self, case: &str, messages: &[Message]) -> Vec<String> {
        let start = self.body(case, "");
        messages.iter().map(|message| message.body.strip_prefix(&start).unwrap().to_owned()).collect()
    }

    /// Makes a message of a case die: delivers it as often as is allowed.
    pub(super) async fn exhaust(&self, case: &str, name: &str) {
        for receives in 1..=MAX_RECEIVES {
            let message = self.receive_one(case, LONG).await;
            assert_eq!((&message.body, message.receives), (&self.body(case, name), receives));
            self.release(&message, Duration::ZERO).await;
        }
    }

    pub(super) async fn depth(&self) -> Depth {
        self.queue.depth().await.unwrap()
    }

    fn is_of(&self, case: &str, message: &Message) -> bool {
        message.body.starts_with(&self.body(case, ""))
    }
}

pub(super) async fn a_message_comes_back_as_it_was_sent(scope: &Scope<'_>) {
    let case = "as-sent";
    let text = "Grüße, 世界 😀 {\"a\": \"\\n\"}\n\tEnd";
    let with_text = Outgoing { body: scope.body(case, text), ..scope.message(case, "g", "1") };
    scope.queue.send(vec![with_text, scope.message(case, "g", "2")]).await.unwrap();
    let mut received = scope.receive(case, 2, LONG).await;
    received.sort_by_key(|message| message.body.ends_with('2'));
    assert_eq!(scope.names(case, &received), [text, "2"]);
    for message in &received {
        assert_eq!(message.group, scope.is_fifo().then(|| scope.group(case, "g")));
        assert_eq!(message.receives, 1);
        assert!(!message.id.is_empty());
        scope.delete(message).await;
    }
    assert_ne!(received[0].id, received[1].id);
    assert_ne!(received[0].receipt, received[1].receipt);
}

pub(super) async fn bodies_have_limits(scope: &Scope<'_>) {
    let case = "limits";
    let of = |bytes: usize| {
        let mut message = scope.message(case, "g", "large");
        message.body.push_str(&"ü".repeat((bytes - message.body.len()) / 2));
        message.body.push_str(&"x".repeat(bytes - message.body.len()));
        message
    };
    for bad in [
        of(MAX_BODY_BYTES + 1),
        Outgoing { body: String::new(), ..of(100) },
        Outgoing { body: "\u{0}".to_owned(), ..of(100) },
    ] {
        let answer = scope.queue.send(vec![bad]).await;
        assert!(matches!(answer, Err(QueueError::Invalid(_))), "{answer:?}");
    }
    let largest = of(MAX_BODY_BYTES);
    // Several at once are more than one request may carry.
    let more = scope.message(case, "g", "more");
    scope.queue.send(vec![largest.clone(), more]).await.unwrap();
    let received = scope.receive(case, 2, LONG).await;
    assert!(received.iter().any(|message| message.body == largest.body));
    for message in &received {
        scope.delete(message).await;
    }
}

pub(super) async fn receiving_has_limits(scope: &Scope<'_>) {
    for limit in [0, MAX_RECEIVE + 1] {
        assert!(matches!(scope.queue.receive(limit, LONG).await, Err(QueueError::Invalid(_))), "{limit}");
    }
    scope.queue.send(vec![]).await.unwrap();
    let too_long = MAX_VISIBILITY + Duration::from_secs(1);
    assert!(matches!(scope.queue.receive(1, too_long).await, Err(QueueError::Invalid(_))));
    scope.send("long", "g", &["1"]).await;
    let message = scope.receive_one("long", LONG).await;
    assert!(matches!(scope.queue.release(&message.receipt, too_long).await, Err(QueueError::Invalid(_))));
    scope.release(&message, MAX_VISIBILITY).await;
    scope.delete(&message).await;
}

pub(super) async fn a_stale_receipt_is_ignored(scope: &Scope<'_>) {
    let case = "stale";
    scope.send(case, "g", &["1"]).await;
    let first = scope.receive_one(case, SHORT).await;
    scope.pause(PAST_SHORT).await;
    let second = scope.receive_one(case, LONG).await;
    assert_eq!((&second.id, second.receives), (&first.id, 2));
    if !scope.deviations.stale_receipts_work {
        scope.release(&first, Duration::ZERO).await;
        scope.nothing(case).await;
        scope.delete(&first).await;
        scope.release(&second, Duration::ZERO).await;
        let third = scope.receive_one(case, LONG).await;
        assert_eq!((&third.id, third.receives), (&first.id, 3));
        scope.delete(&third).await;
    } else {
        scope.delete(&second).await;
    }
    scope.nothing(case).await;
    // Neither does it harm once the message is gone.
    scope.delete(&second).await;
}
