//! Random sends, receipts and passages of time, against a plain list of messages.

use std::collections::HashMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use store::queue::{MAX_RECEIVES, Message, Outgoing, Queue};

use crate::environment::Desk;

#[derive(Debug, Clone)]
enum Step {
    Send {
        group: usize,
        deduplication: usize,
    },
    Receive {
        limit: usize,
        visibility: u64,
    },
    /// Of some delivery so far, however stale.
    Delete(prop::sample::Index),
    Release(prop::sample::Index, u64),
    Pass(u64),
}

/// Times are in seconds, few, so that they often coincide.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, 0..40_usize).prop_map(|(group, deduplication)| Step::Send { group, deduplication }),
        4 => (1..6_usize, 1..4_u64).prop_map(|(limit, visibility)| Step::Receive { limit, visibility }),
        2 => any::<prop::sample::Index>().prop_map(Step::Delete),
        3 => (any::<prop::sample::Index>(), 0..3_u64).prop_map(|(which, after)| Step::Release(which, after)),
        2 => (1..4_u64).prop_map(Step::Pass),
        1 => Just(Step::Pass(120)),
    ]
}

#[derive(Debug, Clone)]
struct Kept {
    body: String,
    lane: String,
    receives: u32,
    visible_at: u64,
}

/// In order of sending.
#[derive(Default)]
struct Model {
    now: u64,
    sent: usize,
    waiting: Vec<Kept>,
    dead: Vec<String>,
    used: HashMap<usize, u64>,
}

impl Model {
    /// The body of a message that is to be sent, if it is no repetition.
    fn send(&mut self, fifo: bool, group: usize, deduplication: usize) -> String {
        self.sent += 1;
        let body = format!("message {}", self.sent);
        if fifo {
            let until = self.used.entry(deduplication).or_default();
            if *until > self.now {
                return body;
            }
            *until = self.now + 300;
        }
        let lane = if fifo { format!("g{group}") } else { body.clone() };
        self.waiting.push(Kept { body: body.clone(), lane, receives: 0, visible_at: 0 });
        body
    }

    fn receive(&mut self, limit: usize, visibility: u64) -> Vec<(String, u32)> {
        let now = self.now;
        let mut received = Vec::new();
        while received.len() < limit {
            let is_free =
                |lane: &str| self.waiting.iter().all(|kept| kept.lane != lane || kept.visible_at <= now);
            let Some(first) = self.waiting.iter().find(|kept| is_free(&kept.lane)) else { break };
            let (lane, mut left) = (first.lane.clone(), limit - received.len());
            self.waiting.retain_mut(|kept| {
                if kept.lane != lane || left == 0 {
                    return true;
                }
                left -= 1;
                if kept.receives >= MAX_RECEIVES {
                    self.dead.push(kept.body.clone());
                    return false;
                }
                kept.receives += 1;
                kept.visible_at = now + visibility;
                received.push((kept.body.clone(), kept.receives));
                true
            });
        }
        received
    }

    /// The message that a delivery still has in hand.
    fn in_hand(&self, delivery: &Message) -> Option<usize> {
        self.waiting.iter().position(|kept| {
            kept.body == delivery.body && kept.receives == delivery.receives && kept.visible_at > self.now
        })
    }
}

async fn agree(fifo: bool, steps: Vec<Step>) {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("q", fifo);
    let mut model = Model::default();
    let mut deliveries: Vec<Message> = Vec::new();
    for step in steps {
        match step {
            Step::Send { group, deduplication } => {
                let body = model.send(fifo, group, deduplication);
                let message = Outgoing {
                    body,
                    group: fifo.then(|| format!("g{group}")),
                    deduplication: fifo.then(|| deduplication.to_string()),
                };
                queue.send(vec![message]).await.unwrap();
            }
            Step::Receive { limit, visibility } => {
                let received = queue.receive(limit, Duration::from_secs(visibility)).await.unwrap();
                let found: Vec<_> =
                    received.iter().map(|message| (message.body.clone(), message.receives)).collect();
                assert_eq!(found, model.receive(limit, visibility));
                deliveries.extend(received);
            }
            Step::Delete(which) if !deliveries.is_empty() => {
                let delivery = which.get(&deliveries);
                queue.delete(&delivery.receipt).await.unwrap();
                if let Some(position) = model.in_hand(delivery) {
                    model.waiting.remove(position);
                }
            }
            Step::Release(which, after) if !deliveries.is_empty() => {
                let delivery = which.get(&deliveries);
                queue.release(&delivery.receipt, Duration::from_secs(after)).await.unwrap();
                if let Some(position) = model.in_hand(delivery) {
                    model.waiting[position].visible_at = model.now + after;
                }
            }
            Step::Delete(_) | Step::Release(..) => {}
            Step::Pass(seconds) => {
                desk.clock.advance(Duration::from_secs(seconds));
                model.now += seconds;
            }
        }
        let depth = queue.depth().await.unwrap();
        let in_hand = model.waiting.iter().filter(|kept| kept.visible_at > model.now).count();
        assert_eq!(
            (depth.waiting + depth.in_hand, depth.in_hand),
            (model.waiting.len() as u64, in_hand as u64)
        );
    }
    let dead = queue.dead_letters();
    let mut bodies = Vec::new();
    while let Some(letter) = dead.receive(1, Duration::from_secs(1)).await.unwrap().pop() {
        dead.delete(&letter.receipt).await.unwrap();
        bodies.push(letter.body);
    }
    assert_eq!(bodies, model.dead);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_steps_give_what_a_list_gives(fifo: bool, steps in vec(step(), 1..80)) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(agree(fifo, steps));
    }
}
