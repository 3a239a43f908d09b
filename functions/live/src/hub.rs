//! Connections that this process holds: who looks at which conversation, and pushing to them.
//!
//! Each connection has a short queue of shared frames. One that does not keep up loses them all and is told to ask for
//! what it missed, so that no visitor costs more memory than that queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use desk::channel::ThreadKey;
use store::live::Live;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// How many frames wait for a connection that does not keep up.
const WAITING: usize = 16;
/// How many connections one visitor can have open: windows, devices, and some that are dead and not yet noticed.
const PER_VISITOR: usize = 20;

/// The connections that this process holds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<HashMap<ThreadKey, Vec<Line>>>,
    next: AtomicU64,
}

/// The hub's end of a connection.
#[derive(Debug)]
struct Line {
    id: u64,
    frames: Sender<Arc<str>>,
    behind: Arc<AtomicBool>,
}

/// The connection's end: what is to be sent. Leaves the hub when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Hub,
    thread: ThreadKey,
    id: u64,
    frames: Receiver<Arc<str>>,
    behind: Arc<AtomicBool>,
}

/// What to send next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A frame.
    Frame(Arc<str>),
    /// Frames were lost: the visitor must ask.
    Behind,
}

impl Hub {
    /// No connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    /// Seats a connection at a conversation; `None` when the visitor has too many.
    pub(crate) fn join(&self, thread: ThreadKey) -> Option<Seat> {
        let (sender, frames) = mpsc::channel(WAITING);
        let behind = Arc::new(AtomicBool::new(false));
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let here = lines.entry(thread.clone()).or_default();
        if here.len() >= PER_VISITOR {
            return None;
        }
        here.push(Line { id, frames: sender, behind: Arc::clone(&behind) });
        drop(lines);
        Some(Seat { hub: self.clone(), thread, id, frames, behind })
    }
}

#[async_trait]
impl Live for Hub {
    async fn push(&self, thread: &ThreadKey, frame: &str) {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(here) = lines.get(thread) else { return };
        let frame: Arc<str> = frame.into();
        for line in here {
            if line.frames.try_send(Arc::clone(&frame)).is_err() {
                line.behind.store(true, Ordering::Release);
            }
        }
    }
}

impl Seat {
    /// Waits for what to send next.
    pub(crate) async fn next(&mut self) -> Option<Next> {
        let frame = self.frames.recv().await?;
        if self.behind.swap(false, Ordering::AcqRel) {
            while self.frames.try_recv().is_ok() {}
            return Some(Next::Behind);
        }
        Some(Next::Frame(frame))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut lines = self.hub.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = lines.get_mut(&self.thread) {
            here.retain(|line| line.id != self.id);
            if here.is_empty() {
                lines.remove(&self.thread);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use desk::ids::{ConnectionId, Ulid};

    use super::*;

    fn thread(conversation: &str) -> ThreadKey {
        ThreadKey {
            channel: "webchat".try_into().unwrap(),
            connection: ConnectionId::new(Ulid::from_parts(1, 1)),
            conversation: conversation.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_frame_goes_to_its_conversation_alone() {
        let hub = Hub::new();
        let (mut one, mut tab, mut other) =
            (hub.join(thread("1")).unwrap(), hub.join(thread("1")).unwrap(), hub.join(thread("2")).unwrap());
        hub.push(&thread("1"), "a").await;
        hub.push(&thread("2"), "b").await;
        assert_eq!(one.next().await, Some(Next::Frame("a".into())));
        assert_eq!(tab.next().await, Some(Next::Frame("a".into())));
        assert_eq!(other.next().await, Some(Next::Frame("b".into())));
        drop((one, tab, other));
        assert_eq!(hub.open(), 0);
        assert!(hub.0.lines.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_does_not_keep_up_is_told_to_ask() {
        let hub = Hub::new();
        let mut slow = hub.join(thread("1")).unwrap();
        for number in 0..=WAITING {
            hub.push(&thread("1"), &number.to_string()).await;
        }
        assert_eq!(slow.next().await, Some(Next::Behind));
        hub.push(&thread("1"), "later").await;
        assert_eq!(slow.next().await, Some(Next::Frame("later".into())));
    }

    #[test]
    fn one_visitor_cannot_take_all_seats() {
        let hub = Hub::new();
        let seats: Vec<_> = (0..PER_VISITOR).map(|_| hub.join(thread("1")).unwrap()).collect();
        assert!(hub.join(thread("1")).is_none());
        assert!(hub.join(thread("2")).is_some());
        drop(seats);
        assert!(hub.join(thread("1")).is_some());
    }
}
