//! A queue with the semantics of SQS.
//!
//! Every message travels in a lane: that of its group, or one of its own on a standard queue. A lane with a message in
//! hand is closed until that message is deleted or comes back.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use store::queue::{Depth, MAX_RECEIVE, MAX_RECEIVES, MAX_VISIBILITY, Message, Outgoing, Queue, QueueError};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::state::{Kept, State};
use super::Weather;
use crate::time::Hours;

/// How often a standard queue delivers a message once more that was deleted, of 1000 times.
const REPEATED: u64 = 10;

/// A queue in memory. Clones are the same queue.
#[derive(Clone)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
    dead: Option<Arc<Shared>>,
    weather: Weather,
    hours: Hours,
}

struct Shared {
    name: &'static str,
    fifo: bool,
    state: Mutex<State>,
    changed: Notify,
}

impl MemoryQueue {
    /// An empty queue, with an empty one for its dead letters.
    pub fn new(name: &'static str, fifo: bool, weather: Weather, hours: Hours) -> Self {
        let shared = |name| Arc::new(Shared { name, fifo, state: Mutex::default(), changed: Notify::new() });
        Self { shared: shared(name), dead: Some(shared("dead")), weather, hours }
    }

    /// The queue to which its dead letters go. Messages stay there until somebody deletes them.
    #[must_use]
    pub fn dead_letters(&self) -> Self {
        let shared = self.dead.as_ref().map_or_else(|| Arc::clone(&self.shared), Arc::clone);
        Self { shared, dead: None, weather: Weather::calm(), hours: self.hours }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// The bodies of all messages that it has, in the order of sending.
    pub fn bodies(&self) -> Vec<String> {
        self.shared.state().messages.values().map(|kept| kept.body.clone()).collect()
    }

    /// Whether it has no message, not even in hand.
    pub fn is_empty(&self) -> bool {
        self.shared.state().messages.is_empty()
    }

    /// How many receipts came back that had run out: somebody was too slow.
    pub fn expired(&self) -> u64 {
        self.shared.state().expired
    }

    /// How many dead letters it ever had.
    pub fn dead_letters_ever(&self) -> u64 {
        self.dead.as_ref().map_or(0, |dead| dead.state().sent)
    }

    /// Waits until a message can be received.
    pub async fn ready(&self) {
        loop {
            let changed = self.shared.changed.notified();
            let now = Instant::now();
            let next = {
                let state = self.shared.state();
                if !state.free_lanes(now).is_empty() {
                    return;
                }
                state
                    .messages
                    .values()
                    .filter_map(|kept| kept.hidden_until)
                    .filter(|until| *until > now)
                    .min()
            };
            match next {
                Some(next) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = tokio::time::sleep_until(next) => {}
                },
                None => changed.await,
            }
        }
    }

    fn deliver(&self, limit: usize, visibility: Duration) -> Vec<Message> {
        let now = Instant::now();
        let mut buried = Vec::new();
        let mut received = Vec::new();
        let mut state = self.shared.state();
        while received.len() < limit {
            let mut lanes = state.free_lanes(now);
            if lanes.is_empty() {
                break;
            }
            let lane = lanes.swap_remove(self.weather.choose(lanes.len()));
            let first: Vec<u64> = state
                .messages
                .iter()
                .filter(|(_, kept)| kept.lane == lane)
                .map(|(seq, _)| *seq)
                .take(limit - received.len())
                .collect();
            for seq in first {
                let Some(kept) = state.messages.get_mut(&seq) else { continue };
                if self.dead.is_some() && kept.receives >= MAX_RECEIVES {
                    buried.extend(state.messages.remove(&seq));
                    continue;
                }
                kept.receives += 1;
                // Hidden for a millisecond at least: a lane that stayed free would be handed out twice in one go.
                kept.hidden_until = Some(now + visibility.max(Duration::from_millis(1)));
                received.push(Message {
                    id: kept.id.clone(),
                    receipt: format!("{seq}.{}", kept.receives),
                    body: kept.body.clone(),
                    group: self.shared.fifo.then(|| kept.lane.clone()),
                    receives: kept.receives,
                    sent_at: kept.sent_at,
                });
            }
        }
        drop(state);
        if let Some(dead) = &self.dead
            && !buried.is_empty()
        {
            let mut state = dead.state();
            for kept in buried {
                state.append(Kept { receives: 0, hidden_until: None, ..kept });
            }
            drop(state);
            dead.changed.notify_waiters();
        }
        received
    }

    /// Changes the delivery that a receipt names, unless it has run out.
    fn with_delivery(&self, receipt: &str, change: impl FnOnce(&mut State, u64)) -> Result<(), QueueError> {
        let parsed = receipt
            .split_once('.')
            .and_then(|(seq, receives)| Some((seq.parse::<u64>().ok()?, receives.parse::<u32>().ok()?)));
        let (seq, receives) =
            parsed.ok_or_else(|| QueueError::Invalid(format!("`{receipt}` is no receipt")))?;
        let now = Instant::now();
        let mut state = self.shared.state();
        if state.messages.get(&seq).is_some_and(|kept| kept.receives == receives && kept.is_hidden(now)) {
            change(&mut state, seq);
        } else {
            state.expired += 1;
        }
        drop(state);
        self.shared.changed.notify_waiters();
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        messages.iter().try_for_each(|message| message.check(self.shared.fifo))?;
        self.weather.travel().await;
        let (now, sent_at) = (Instant::now(), self.hours.now());
        {
            let mut state = self.shared.state();
            for message in messages {
                if message.deduplication.as_ref().is_some_and(|id| !state.is_new(id, now)) {
                    continue;
                }
                let id = format!("{}-{}", self.shared.name, state.sent + 1);
                let lane = message.group.unwrap_or_else(|| id.clone());
                // What a standard queue takes may be a while in coming.
                let rests = !self.shared.fifo && self.weather.happens(200);
                let hidden_until = rests.then(|| now + self.weather.lag());
                state.append(Kept { id, body: message.body, lane, sent_at, receives: 0, hidden_until });
            }
        }
        self.shared.changed.notify_waiters();
        self.weather.travel().await;
        Ok(())
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        if limit == 0 || limit > MAX_RECEIVE {
            return Err(QueueError::Invalid(format!(
                "1 to {MAX_RECEIVE} messages are received, not {limit}"
            )));
        }
        if visibility > MAX_VISIBILITY {
            return Err(QueueError::Invalid("nothing is hidden for longer than 12 hours".to_owned()));
        }
        self.weather.travel().await;
        Ok(self.deliver(limit, visibility))
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        self.weather.travel().await;
        let repeated = !self.shared.fifo && self.weather.happens(REPEATED);
        self.with_delivery(receipt, |state, seq| {
            if repeated {
                if let Some(kept) = state.messages.get_mut(&seq) {
                    kept.hidden_until = Some(Instant::now() + Duration::from_secs(5));
                }
            } else {
                state.messages.remove(&seq);
            }
        })
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        if after > MAX_VISIBILITY {
            return Err(QueueError::Invalid("nothing is hidden for longer than 12 hours".to_owned()));
        }
        self.weather.travel().await;
        self.with_delivery(receipt, |state, seq| {
            if let Some(kept) = state.messages.get_mut(&seq) {
                kept.hidden_until = Some(Instant::now() + after);
            }
        })
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let now = Instant::now();
        let state = self.shared.state();
        let in_hand = state.messages.values().filter(|kept| kept.is_hidden(now)).count() as u64;
        Ok(Depth { waiting: state.messages.len() as u64 - in_hand, in_hand })
    }
}
