//! Heads, events and lists of tickets.

use desk::event::Event;
use desk::ids::{TeamId, TicketId};
use desk::settings::Settings;
use desk::ticket::{Status, Ticket};
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Index, Item, Query, TableError, Write};

/// The kind of due items that ticket heads are.
pub const DUE: &str = "ticket";

/// A ticket's place in the list of its contact.
#[derive(Debug, Serialize, Deserialize)]
struct ContactTicket {
    ticket: TicketId,
}

/// A ticket by its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) ticket: TicketId,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The entries, in order.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// The order of a list of tickets.
#[derive(Debug, Clone, Copy)]
enum Order {
    LastChangedFirst,
    LastChangedLast,
}

impl Order {
    fn of(self, query: Query) -> Query {
        match self {
            Self::LastChangedFirst => query.descending(),
            Self::LastChangedLast => query,
        }
    }
}

impl Desk {
    /// A ticket's head.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, TableError> {
        self.table.get(&keys::ticket(id)).await?.map(Item::read).transpose()
    }

    /// The id of the ticket with this number.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn ticket_by_number(&self, number: u64) -> Result<Option<TicketId>, TableError> {
        let found = self.table.get(&keys::number(number)).await?;
        Ok(found.map(Item::read::<Numbered>).transpose()?.map(|found| found.ticket))
    }

    /// One event of a ticket.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn event(&self, ticket: TicketId, seq: u64) -> Result<Option<Event>, TableError> {
        self.table.get(&keys::event(ticket, seq)).await?.map(Item::read).transpose()
    }

    /// A ticket's events, oldest first, beyond the position `after`.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn events(
        &self,
        ticket: TicketId,
        after: u64,
        limit: usize,
    ) -> Result<Listed<Event>, TableError> {
        let query = Query::partition(keys::ticket(ticket).pk)
            .begins_with("E#")
            .after((after > 0).then(|| keys::event_sort(after)))
            .limit(limit);
        let page = self.table.query(query).await?;
        let items = page.items.into_iter().map(Item::read).collect::<Result<Vec<Event>, _>>()?;
        let next = items.last().filter(|_| page.more).map(|last| last.seq.to_string());
        Ok(Listed { items, next })
    }

    /// Tickets of some statuses and teams, last changed first, that `keep` lets through.
    ///
    /// Eventually consistent. Bounded: gives up looking for matches after some thousand tickets and returns where
    /// to go on.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn list_tickets(
        &self,
        statuses: &[Status],
        teams: &[Option<TeamId>],
        before: Option<String>,
        limit: usize,
        keep: impl Fn(&Summary) -> bool,
    ) -> Result<Listed<Summary>, TableError> {
        self.list(Order::LastChangedFirst, statuses, teams, before, limit, keep).await
    }

    /// Tickets of some statuses and teams, last changed last, beyond the position `after`: one that changes while the
    /// list is gone through comes again later, and none is passed by.
    ///
    /// Eventually consistent. Bounded as [`list_tickets`](Self::list_tickets).
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn tickets_in_turn(
        &self,
        statuses: &[Status],
        teams: &[Option<TeamId>],
        after: Option<String>,
        limit: usize,
    ) -> Result<Listed<Summary>, TableError> {
        self.list(Order::LastChangedLast, statuses, teams, after, limit, |_| true).await
    }

    async fn list(
        &self,
        order: Order,
        statuses: &[Status],
        teams: &[Option<TeamId>],
        from: Option<String>,
        limit: usize,
        keep: impl Fn(&Summary) -> bool,
    ) -> Result<Listed<Summary>, TableError> {
        const MOST_ROUNDS: usize = 20;
        let mut found = Vec::new();
        let mut position = from;
        for _ in 0..MOST_ROUNDS {
            let mut round: Vec<(String, Summary)> = Vec::new();
            let mut more = false;
            for status in statuses {
                for team in teams {
                    let query = Query::partition(keys::view_partition(*status, *team))
                        .index(Index::Views)
                        .after(position.clone())
                        .limit(limit);
                    let page = self.table.query(order.of(query)).await?;
                    more |= page.more;
                    for item in page.items {
                        let sort = item.views.as_ref().map(|place| place.sk.clone()).unwrap_or_default();
                        round.push((sort, item.read()?));
                    }
                }
            }
            round.sort_by(|(one, _), (other, _)| match order {
                Order::LastChangedFirst => other.cmp(one),
                Order::LastChangedLast => one.cmp(other),
            });
            // Partitions may hold more between the entries beyond this many, so those wait for the next round.
            more |= round.len() > limit;
            round.truncate(limit);
            for (sort, summary) in round {
                position = Some(sort);
                if keep(&summary) {
                    found.push(summary);
                    if found.len() == limit {
                        return Ok(Listed { items: found, next: position });
                    }
                }
            }
            if !more {
                return Ok(Listed { items: found, next: None });
            }
        }
        Ok(Listed { items: found, next: position })
    }

    /// A contact's tickets on all channels, the newest first.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn contact_tickets(
        &self,
        contact: desk::ids::ContactId,
        before: Option<String>,
        limit: usize,
    ) -> Result<Listed<Ticket>, TableError> {
        let query = Query::partition(keys::contact(contact).pk)
            .begins_with("T#")
            .after(before)
            .descending()
            .limit(limit);
        let page = self.table.query(query).await?;
        let next = page.items.last().filter(|_| page.more).map(|last| last.key.sk.clone());
        let ids = page
            .items
            .into_iter()
            .map(|item| item.read::<ContactTicket>().map(|entry| entry.ticket))
            .collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = ids.iter().map(|id| keys::ticket(*id)).collect();
        let mut tickets = self
            .table
            .get_many(&keys)
            .await?
            .into_iter()
            .map(Item::read)
            .collect::<Result<Vec<Ticket>, _>>()?;
        tickets.sort_by_key(|ticket| std::cmp::Reverse((ticket.created_at, ticket.id)));
        Ok(Listed { items: tickets, next })
    }
}

/// A ticket as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The id.
    pub id: TicketId,
    /// The number for people.
    pub number: u64,
    /// Counts the changes to what agents edit.
    pub revision: u64,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: desk::ticket::Priority,
    /// The team.
    pub team: Option<TeamId>,
    /// The agent.
    pub assignee: Option<desk::ids::AgentId>,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The customer.
    pub contact: desk::ids::ContactId,
    /// The conversation.
    pub thread: Option<desk::channel::ThreadKey>,
    /// The class of the channel.
    pub class: Option<desk::channel::ChannelClass>,
    /// When it was opened.
    pub created_at: jiff::Timestamp,
    /// When anything last happened.
    pub updated_at: jiff::Timestamp,
    /// Since when the customer waits for an answer.
    pub waiting_since: Option<jiff::Timestamp>,
    /// The service-level clocks.
    #[serde(default)]
    pub sla: desk::sla::Sla,
}

/// The write of a head, with its places in the indexes.
pub(crate) fn put_head(
    ticket: &Ticket,
    settings: &Settings,
    condition: Condition,
) -> Result<Write, TableError> {
    let key = keys::ticket(ticket.id);
    let mut item = Item::new(key.clone(), ticket)?;
    item.views = Some(crate::table::Key::new(
        keys::view_partition(ticket.status, ticket.team),
        keys::view_sort(ticket.updated_at, ticket.id),
    ));
    item.due = desk::decide::due_at(ticket, settings).map(|at| keys::due(DUE, ticket.id.ulid(), at, &key));
    Ok(Write::Put(item, condition))
}

/// The write of an event. Events are never written twice.
pub(crate) fn put_event(ticket: TicketId, event: &Event) -> Result<Write, TableError> {
    Ok(Write::Put(Item::new(keys::event(ticket, event.seq), event)?, Condition::Absent))
}

/// The write of a ticket's entry in the list of its contact.
pub(crate) fn put_contact_ticket(ticket: &Ticket) -> Result<Write, TableError> {
    let key = keys::contact_ticket(ticket.contact, ticket.created_at, ticket.id);
    Ok(Write::Put(Item::new(key, &ContactTicket { ticket: ticket.id })?, Condition::Any))
}

impl From<Ticket> for Summary {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            number: ticket.number,
            revision: ticket.revision,
            subject: ticket.subject,
            status: ticket.status,
            priority: ticket.priority,
            team: ticket.team,
            assignee: ticket.assignee,
            tags: ticket.tags,
            contact: ticket.contact,
            thread: ticket.thread,
            class: ticket.class,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            waiting_since: ticket.waiting_since,
            sla: ticket.sla,
        }
    }
}
