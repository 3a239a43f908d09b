//! The main table, read.

use std::collections::BTreeMap;

use desk::event::Event;
use desk::ids::TicketId;
use desk::reply::Reply;
use desk::ticket::Ticket;
use store::attachments::StoredFile;
use store::table::Item;
use store::threads::Thread;

/// A ticket with its log.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) head: Ticket,
    pub(super) events: Vec<Event>,
}

/// Everything that invariants look at.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) cases: BTreeMap<TicketId, Case>,
    pub(super) threads: Vec<Thread>,
    pub(super) replies: Vec<Reply>,
    pub(super) files: Vec<StoredFile>,
    /// The time part and the key of everything that is due.
    pub(super) due: Vec<(String, String)>,
}

impl Picture {
    /// Reads all items.
    ///
    /// # Errors
    /// When an item cannot be read, or belongs to a ticket that has no head.
    pub(super) fn of(items: &[Item]) -> Result<Self, String> {
        let mut picture = Self::default();
        let mut events: Vec<(TicketId, Event)> = Vec::new();
        for item in items {
            let (pk, sk) = (item.key.pk.as_str(), item.key.sk.as_str());
            if let Some(due) = &item.due {
                let at = due.sk.split('#').next().unwrap_or_default();
                picture.due.push((at.to_owned(), format!("{pk} / {sk}")));
            }
            let unreadable = |error: store::table::TableError| error.to_string();
            if let Some(ticket) = pk.strip_prefix("T#") {
                let id: TicketId = ticket.parse().map_err(|_| format!("the key {pk} names no ticket"))?;
                if sk == "@" {
                    let head: Ticket = item.clone().read().map_err(unreadable)?;
                    picture.cases.insert(id, Case { head, events: Vec::new() });
                } else {
                    events.push((id, item.clone().read().map_err(unreadable)?));
                }
            } else if pk.starts_with("X#") && sk.starts_with("R#") {
                picture.replies.push(item.clone().read().map_err(unreadable)?);
            } else if pk.starts_with("A#") {
                picture.files.push(item.clone().read().map_err(unreadable)?);
            } else if pk.starts_with("X#") && sk == "@" && !item.body.contains_key("alias_of") {
                picture.threads.push(item.clone().read().map_err(unreadable)?);
            }
        }
        for (id, event) in events {
            let case = picture.cases.get_mut(&id).ok_or_else(|| format!("{id} has events and no head"))?;
            case.events.push(event);
        }
        Ok(picture)
    }
}
