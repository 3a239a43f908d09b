//! A provider that takes mails and gives them to whom they are for, or returns them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chance::Chance;

/// What becomes of a mail that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It arrives, and nobody tells of it.
    Arrives,
    /// It arrives later than a server had hoped, which says so.
    Delayed,
    /// It does not arrive, though the next one may: the mailbox is full.
    Returned,
    /// It does not arrive: there is no such address.
    Gone,
    /// It arrives, and whoever gets it complains to their provider.
    Unwanted,
}

impl Outcome {
    /// Whether whom the mail is for gets it.
    pub const fn arrives(self) -> bool {
        matches!(self, Self::Arrives | Self::Delayed | Self::Unwanted)
    }

    /// Whether the address is never to be written to again.
    pub const fn is_for_ever(self) -> bool {
        matches!(self, Self::Gone | Self::Unwanted)
    }
}

/// A mail that was accepted from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its Message-ID, without brackets.
    pub message_id: String,
    /// The Message-IDs of mails before it, without brackets.
    pub references: Vec<String>,
    /// Whom it went to.
    pub recipients: Vec<String>,
    /// What it says, without what it repeats.
    pub text: String,
    /// Its subject.
    pub subject: String,
    /// Its files, by their names and what they hold.
    pub files: Vec<(String, Bytes)>,
    /// When it was accepted.
    pub at: Instant,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// The post office.
#[derive(Debug, Default)]
pub struct PostOffice {
    state: Mutex<State>,
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Delivered>,
    /// How many of 1000 mails have another fate than to arrive, and which.
    troubles: Option<(Chance, u64)>,
}

impl PostOffice {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on so many of 1000 mails do not simply arrive.
    pub fn trouble(&self, chance: Chance, per_mille: u64) {
        self.state().troubles = Some((chance, per_mille));
    }

    /// From now on every mail arrives.
    pub fn settle(&self) {
        self.state().troubles = None;
    }

    /// Takes a mail.
    pub fn take(&self, recipients: &[String], mail: &[u8]) {
        let read = channels::email::read(mail);
        let bytes = |index| channels::email::attachment(mail, index).unwrap_or_default().into();
        let mut state = self.state();
        let outcome = state.troubles.as_ref().and_then(|(chance, per_mille)| {
            let outcomes = [Outcome::Delayed, Outcome::Returned, Outcome::Gone, Outcome::Unwanted];
            chance.happens(*per_mille).then(|| chance.pick(&outcomes).copied())?
        });
        state.taken.push(Delivered {
            files: read.attachments.iter().map(|file| (file.name.clone(), bytes(file.index))).collect(),
            message_id: read.message_id.unwrap_or_default(),
            references: read.references,
            recipients: recipients.to_vec(),
            text: read.text,
            subject: read.subject,
            at: Instant::now(),
            outcome: outcome.unwrap_or(Outcome::Arrives),
        });
        drop(state);
        self.taken.notify_waiters();
    }

    /// All mails that were taken, in order.
    pub fn taken(&self) -> Vec<Delivered> {
        self.state().taken.clone()
    }

    /// What was taken after so many mails, once there is something.
    pub async fn taken_after(&self, seen: usize) -> Vec<Delivered> {
        loop {
            let taken = self.taken.notified();
            let new: Vec<Delivered> = self.state().taken.iter().skip(seen).cloned().collect();
            if !new.is_empty() {
                return new;
            }
            taken.await;
        }
    }
}
