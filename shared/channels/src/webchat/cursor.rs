//! How far a visitor has seen their conversation.
//!
//! A conversation goes on from ticket to ticket, and an answer can become visible after later ones: when it was
//! scheduled, or belongs to an older ticket. So a cursor is a position in each ticket that can still grow, with what
//! is not visible yet behind it. As text positions sort by time: `<ticket><seq, 10 digits>`, then `.<seq>` for each
//! pending answer; several with `~` between them, the newest ticket first.

use std::fmt;
use std::str::FromStr;

use desk::ids::{TicketId, Ulid};

/// The most positions of a cursor.
pub const MAX_POSITIONS: usize = 4;
/// The most answers that a position waits for.
pub const MAX_PENDING: usize = 20;

/// A place in the events of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The ticket.
    pub ticket: TicketId,
    /// Everything up to this event was seen.
    pub seq: u64,
    /// But these, which were not visible yet.
    pub pending: Vec<u64>,
}

/// How far a visitor has seen their conversation: positions, the newest ticket first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor(pub Vec<Position>);

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a conversation")]
pub struct InvalidCursor;

impl Cursor {
    /// The place of one event.
    pub fn at(ticket: TicketId, seq: u64) -> Self {
        Self(vec![Position { ticket, seq, pending: Vec::new() }])
    }

    /// The position in a ticket.
    pub fn position(&self, ticket: TicketId) -> Option<&Position> {
        self.0.iter().find(|position| position.ticket == ticket)
    }

    /// The newest ticket that was seen.
    pub fn newest(&self) -> Option<TicketId> {
        self.0.iter().map(|position| position.ticket).max()
    }

    /// Whether an event comes before this place: it is in an older ticket, or up to the position in its own.
    pub fn covers(&self, ticket: TicketId, seq: u64) -> bool {
        match self.position(ticket) {
            Some(position) => seq <= position.seq && !position.pending.contains(&seq),
            None => self.newest().is_some_and(|newest| ticket < newest),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, position) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("~")?;
            }
            write!(f, "{}{:010}", position.ticket.ulid(), position.seq)?;
            for pending in &position.pending {
                write!(f, ".{pending}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let number = |text: &str| {
            let digits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u64>().map_err(|_| InvalidCursor) } else { Err(InvalidCursor) }
        };
        let mut positions: Vec<Position> = Vec::new();
        for part in text.split('~') {
            let mut numbers = part.split('.');
            let place = numbers.next().ok_or(InvalidCursor)?;
            let (ulid, seq) = place.split_at_checked(26).ok_or(InvalidCursor)?;
            let ticket = Ulid::from_str(ulid).map_err(|_| InvalidCursor)?;
            let pending = numbers.map(number).collect::<Result<Vec<_>, _>>()?;
            positions.push(Position { ticket: TicketId::new(ticket), seq: number(seq)?, pending });
        }
        let few = |position: &Position| position.pending.len() <= MAX_PENDING;
        if positions.len() > MAX_POSITIONS || !positions.iter().all(few) {
            return Err(InvalidCursor);
        }
        Ok(Self(positions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u128) -> TicketId {
        TicketId::new(Ulid::from_parts(1, number))
    }

    #[test]
    fn a_cursor_reads_back() {
        let newest = Position { ticket: ticket(2), seq: 17, pending: vec![12, 15] };
        let older = Position { ticket: ticket(1), seq: 3, pending: Vec::new() };
        let cursor = Cursor(vec![newest, older]);
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        assert!(Cursor::at(ticket(2), 9).to_string() < cursor.to_string());
        assert!(cursor.to_string() < Cursor::at(ticket(2), 18).to_string());
        for text in [
            "",
            "~",
            "x",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV1.",
            "é1ARZ3NDEKTSV4RRFFQ69G5FAV1",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn what_was_pending_is_not_covered() {
        let cursor = Cursor(vec![Position { ticket: ticket(2), seq: 17, pending: vec![12] }]);
        assert!(cursor.covers(ticket(2), 17) && cursor.covers(ticket(1), 99));
        assert!(
            !cursor.covers(ticket(2), 12) && !cursor.covers(ticket(2), 18) && !cursor.covers(ticket(3), 1)
        );
    }
}
