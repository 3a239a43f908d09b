//! What people did, as they themselves know it: what the desk has to live up to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Something that a customer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The whole text; nobody else says the same.
    pub text: String,
    /// Who said it, on which channel: texts of one of these stay in order.
    pub by: String,
    /// Whether the desk acknowledged it.
    pub acknowledged: bool,
    /// For a mail that answers one of ours: what ours said.
    pub answers: Option<String>,
}

/// A change of something that a customer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The place of what was said.
    pub said: usize,
    /// The text afterwards.
    pub text: String,
    /// How much had been said when it was changed, by everybody.
    pub after: usize,
    /// Whether the desk acknowledged it.
    pub acknowledged: bool,
}

/// An answer that an agent wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The text; nobody else writes the same.
    pub text: String,
    /// When they asked the API for it.
    pub begun: Timestamp,
    /// The reply's id and when the API told it.
    pub reply: Option<(String, Timestamp)>,
    /// How often agents asked to send it once more.
    pub again: usize,
}

/// Everything that people did.
#[derive(Debug, Default)]
pub struct History {
    state: Mutex<State>,
}

/// What [`History`] holds.
#[derive(Debug, Default)]
pub struct State {
    /// In the order of saying.
    pub said: Vec<Said>,
    /// In the order of changing.
    pub edited: Vec<Edited>,
    /// In the order of writing.
    pub asked: Vec<Asked>,
}

impl History {
    /// What people did so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something that is about to be said. Returns its place.
    pub fn say(&self, text: &str, by: &str, answers: Option<String>) -> usize {
        let mut state = self.state();
        state.said.push(Said { text: text.to_owned(), by: by.to_owned(), acknowledged: false, answers });
        state.said.len() - 1
    }

    /// Notes that the desk acknowledged what was said.
    pub fn acknowledged(&self, place: usize) {
        if let Some(said) = self.state().said.get_mut(place) {
            said.acknowledged = true;
        }
    }

    /// Notes that what was said is about to be changed. Returns the place of the change.
    pub fn edit(&self, said: usize, text: &str) -> usize {
        let mut state = self.state();
        let after = state.said.len();
        state.edited.push(Edited { said, text: text.to_owned(), after, acknowledged: false });
        state.edited.len() - 1
    }

    /// Notes that the desk acknowledged a change.
    pub fn edit_acknowledged(&self, place: usize) {
        if let Some(edited) = self.state().edited.get_mut(place) {
            edited.acknowledged = true;
        }
    }

    /// Notes an answer that is about to be written. Returns its place.
    pub fn ask(&self, text: &str, begun: Timestamp) -> usize {
        let mut state = self.state();
        state.asked.push(Asked { text: text.to_owned(), begun, reply: None, again: 0 });
        state.asked.len() - 1
    }

    /// Notes which reply an answer became.
    pub fn replied(&self, place: usize, reply: &str, now: Timestamp) {
        if let Some(asked) = self.state().asked.get_mut(place) {
            asked.reply = Some((reply.to_owned(), now));
        }
    }

    /// Notes that the answer with this text is sent once more.
    pub fn again(&self, text: &str) {
        if let Some(asked) = self.state().asked.iter_mut().find(|asked| asked.text == text) {
            asked.again += 1;
        }
    }
}
