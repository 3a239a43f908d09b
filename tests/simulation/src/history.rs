//! What people did, as they themselves know it: what the desk has to live up to.

mod openings;
mod remarks;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;

pub use self::openings::{Answered, Opening};
pub use self::remarks::{Deed, Remark};
use crate::journey::Promise;
use crate::platform::Outcome;

/// What was reported of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The mail's Message-ID, without brackets.
    pub mail: String,
    /// Whom it was for.
    pub addresses: Vec<String>,
    /// What is reported.
    pub outcome: Outcome,
    /// Whether the desk acknowledged it.
    pub acknowledged: bool,
}

/// What the owner promised from some moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promised {
    /// What.
    pub promise: Promise,
    /// When they asked the API for it.
    pub begun: Timestamp,
    /// When the API said that it was done.
    pub done: Option<Timestamp>,
}

/// Something that a customer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The whole text; nobody else says the same.
    pub text: String,
    /// Who said it, on which channel: texts of one of these stay in order.
    pub by: String,
    /// Where their answers go by mail, as far as this tells.
    pub address: Option<String>,
    /// Whether the desk acknowledged it.
    pub acknowledged: bool,
    /// For a mail that answers one of ours: what ours said.
    pub answers: Option<String>,
    /// The name of the file that came with it.
    pub file: Option<String>,
    /// Whether it came to a version that did not understand it.
    pub kept: bool,
    /// Whether it was said by a button.
    pub pressed: bool,
    /// Whether it was said in a group after that had got another id.
    pub moved: bool,
    /// After how many seconds it is delivered once more, if it is.
    pub repeated: Option<u64>,
}

impl Said {
    /// A text, and who says it on which channel.
    pub fn new(text: &str, by: &str) -> Self {
        let (text, by) = (text.to_owned(), by.to_owned());
        Self {
            text,
            by,
            address: None,
            acknowledged: false,
            answers: None,
            file: None,
            kept: false,
            pressed: false,
            moved: false,
            repeated: None,
        }
    }
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
    /// The name of the file that goes with it.
    pub file: Option<String>,
}

impl Asked {
    /// Everything that the customer is to get: the lines of the text, and the name of the file.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.text.lines().chain(self.file.as_deref())
    }
}

/// A message as the site's chat shows it to its visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id: the widget's own, or the reply's.
    pub id: String,
    /// Whether the visitor said it.
    pub own: bool,
    /// The text.
    pub text: String,
    /// Its files, by their names and what is behind their links.
    pub files: Vec<(String, Bytes)>,
}

/// A visit to the site, as the browser knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The conversation.
    pub conversation: String,
    /// What proves it.
    pub token: String,
    /// What the browser asks after the next time.
    pub cursor: Option<String>,
    /// What it was shown so far, one page after the other.
    pub shown: Vec<Shown>,
    /// What it is shown in the end when it asks for everything.
    pub whole: Vec<Shown>,
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
    /// In the order of doing.
    pub remarks: Vec<Remark>,
    /// In the order of opening.
    pub openings: Vec<Opening>,
    /// In the order of writing.
    pub asked: Vec<Asked>,
    /// In the order of coming.
    pub visits: Vec<Visit>,
    /// In the order of reporting.
    pub reports: Vec<Report>,
    /// In the order of promising.
    pub promised: Vec<Promised>,
}

impl History {
    /// What people did so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something that is about to be said. Returns its place.
    pub fn say(&self, said: Said) -> usize {
        let mut state = self.state();
        state.said.push(said);
        state.said.len() - 1
    }

    /// Notes that the desk acknowledged what was said.
    pub fn acknowledged(&self, place: usize) {
        if let Some(said) = self.state().said.get_mut(place) {
            said.acknowledged = true;
        }
    }

    /// Notes that what was said will be delivered once more, after so many seconds.
    pub fn repeated(&self, place: usize, after: u64) {
        if let Some(said) = self.state().said.get_mut(place) {
            said.repeated = Some(after);
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

    /// Notes that something is about to be reported. Returns its place.
    pub fn report(&self, report: Report) -> usize {
        let mut state = self.state();
        state.reports.push(report);
        state.reports.len() - 1
    }

    /// Notes that the desk acknowledged a report.
    pub fn report_acknowledged(&self, place: usize) {
        if let Some(report) = self.state().reports.get_mut(place) {
            report.acknowledged = true;
        }
    }

    /// Notes an answer that is about to be written. Returns its place.
    pub fn ask(&self, text: &str, file: Option<&str>, begun: Timestamp) -> usize {
        let mut state = self.state();
        let (text, file) = (text.to_owned(), file.map(str::to_owned));
        state.asked.push(Asked { text, begun, reply: None, again: 0, file });
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

    /// Notes that something else is about to be promised. Returns its place.
    pub fn promise(&self, promise: Promise, begun: Timestamp) -> usize {
        let mut state = self.state();
        state.promised.push(Promised { promise, begun, done: None });
        state.promised.len() - 1
    }

    /// Notes that the desk acknowledged what is promised.
    pub fn promised(&self, place: usize, now: Timestamp) {
        if let Some(promised) = self.state().promised.get_mut(place) {
            promised.done = Some(now);
        }
    }
}
