//! What a queue holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use store::queue::DEDUPLICATION_WINDOW;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct State {
    /// By the order of sending.
    pub(super) messages: BTreeMap<u64, Kept>,
    used: BTreeMap<String, Instant>,
    pub(super) sent: u64,
    /// How many receipts came back that had run out.
    pub(super) expired: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) lane: String,
    pub(super) sent_at: Timestamp,
    pub(super) receives: u32,
    /// Until when it is in hand, or rests.
    pub(super) hidden_until: Option<Instant>,
}

impl Kept {
    pub(super) fn is_hidden(&self, now: Instant) -> bool {
        self.hidden_until.is_some_and(|until| until > now)
    }
}

impl State {
    /// The lanes of which no message is hidden, by their first messages.
    pub(super) fn free_lanes(&self, now: Instant) -> Vec<String> {
        let closed: BTreeSet<&str> = self
            .messages
            .values()
            .filter(|kept| kept.is_hidden(now))
            .map(|kept| kept.lane.as_str())
            .collect();
        let mut free: Vec<String> = Vec::new();
        for kept in self.messages.values() {
            if !closed.contains(kept.lane.as_str()) && !free.contains(&kept.lane) {
                free.push(kept.lane.clone());
            }
        }
        free
    }

    pub(super) fn append(&mut self, kept: Kept) {
        self.sent += 1;
        self.messages.insert(self.sent, kept);
    }

    /// Whether a deduplication id was not used within the window, and uses it.
    pub(super) fn is_new(&mut self, id: &str, now: Instant) -> bool {
        self.used.retain(|_, until| *until > now);
        if self.used.contains_key(id) {
            return false;
        }
        self.used.insert(id.to_owned(), now + DEDUPLICATION_WINDOW);
        true
    }
}
