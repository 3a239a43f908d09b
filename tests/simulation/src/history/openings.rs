//! Tickets that agents opened.

use super::History;

/// What the API said to whoever opened a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Nothing that arrived.
    Nothing,
    /// That the conversation has an active ticket.
    Refused,
    /// That this ticket was opened.
    Opened(String),
}

/// A ticket that an agent opened, or was not let.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What it is about; nobody else opens one about the same.
    pub subject: String,
    /// The first note on it.
    pub note: String,
    /// The conversation that it is in, by the name that it had.
    pub conversation: Option<String>,
    /// What the API said.
    pub answered: Answered,
}

impl History {
    /// Notes a ticket that is about to be opened. Returns its place.
    pub fn open(&self, subject: &str, note: &str, conversation: Option<&str>) -> usize {
        let mut state = self.state();
        let (subject, note) = (subject.to_owned(), note.to_owned());
        let conversation = conversation.map(str::to_owned);
        state.openings.push(Opening { subject, note, conversation, answered: Answered::Nothing });
        state.openings.len() - 1
    }

    /// Notes what the API said to it.
    pub fn opened(&self, place: usize, answered: Answered) {
        if let Some(opening) = self.state().openings.get_mut(place) {
            opening.answered = answered;
        }
    }
}
