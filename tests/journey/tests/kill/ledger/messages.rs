//! What customers wrote.

use journey::desk::Desk;

use super::{Ticket, said};
use crate::load::{Told, Visit};

/// Every acknowledged message is one event of one ticket, in order and with its file, and no conversation has a second
/// ticket.
pub(crate) async fn messages(desk: &Desk, told: &[&Told], tickets: &[Ticket]) {
    assert_eq!(tickets.len(), told.len(), "a ticket for each conversation");
    for told in told {
        let conversation = &told.conversation;
        let here: Vec<_> = tickets.iter().filter(|ticket| ticket.conversation == *conversation).collect();
        assert_eq!(here.len(), 1, "tickets in {conversation}");
        let mut received = Vec::new();
        for event in here[0].events_of("message_received") {
            received.push(said(desk, event).await);
        }
        assert!(
            received == told.messages,
            "in {conversation} was acknowledged:\n{:?}\nand is stored:\n{received:?}",
            told.messages
        );
    }
}

/// Every visitor sees their own messages, as they wrote them; [`super::answers`] looks at the others.
pub(crate) fn views(visits: &[Visit]) {
    for Visit { told, own, .. } in visits {
        assert!(
            *own == told.messages,
            "{} wrote:\n{:?}\nand sees:\n{own:?}",
            told.conversation,
            told.messages
        );
    }
}
