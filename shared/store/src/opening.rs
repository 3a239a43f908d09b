//! New tickets: with their number, their thread and, for a stranger, their contact, in one transaction.

use desk::command::{Opening, Request};
use desk::correspondence::Correspondence;
use desk::decide;
use desk::event::{Actor, Event};
use desk::ids::{ContactId, TicketId};
use desk::inbound::Sender;
use desk::settings::Settings;
use desk::ticket::Ticket;

use crate::desk::Desk;
use crate::execute::step;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};
use crate::threads::{Author, Thread, put_thread};
use crate::tickets::{Numbered, put_contact_ticket, put_event, put_head};

/// Who a new ticket is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Customer {
    /// A contact that is known.
    Known(ContactId),
    /// Somebody who may be known by their address, or is new.
    Sender(Sender),
}

/// What is known before a ticket is opened.
#[derive(Debug, Clone)]
pub struct Start {
    /// The customer.
    pub customer: Customer,
    /// The conversation as it was just seen; the opening fails when it has changed since.
    pub thread: Option<(desk::channel::ThreadKey, Option<Thread>)>,
    /// The class of the channel.
    pub class: Option<desk::channel::ChannelClass>,
    /// The first priority.
    pub priority: desk::ticket::Priority,
    /// The first team.
    pub team: Option<desk::ids::TeamId>,
    /// What it is about.
    pub subject: String,
    /// The ended ticket of the same conversation, as it was just seen.
    pub previous: Option<Ticket>,
    /// Another ticket that it has to do with.
    pub related: Option<TicketId>,
    /// What is to be remembered of the conversation where the platform keeps none.
    pub correspondence: Option<Correspondence>,
    /// Who opens it; the customer when absent.
    pub actor: Option<Actor>,
    /// What led to it.
    pub cause: Option<String>,
}

/// Why a ticket was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody changed the conversation, the contact or the previous ticket at the same time: look again.
    #[error("the conversation changed at the same time")]
    Raced,
    /// The condition of a companion write does not hold: this was done before. The companions' positions.
    #[error("this was done before")]
    DoneBefore(Vec<usize>),
    /// A companion command was refused.
    #[error(transparent)]
    Refused(#[from] desk::command::Refusal),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Desk {
    /// Opens a ticket and executes the first commands on it, with companion writes, all or nothing.
    ///
    /// # Errors
    /// When anything it depends on changed meanwhile, it was done before, or the table fails.
    pub async fn open_ticket<I: IntoIterator<Item = Request>>(
        &self,
        start: Start,
        first: impl Fn(ContactId) -> I,
        companions: impl Fn(&[Event], &Ticket) -> Result<Vec<Write>, TableError>,
    ) -> Result<Ticket, OpenError> {
        let settings = self.settings().await?;
        let id = TicketId::new(self.environment.ulid());
        let number = self.table.increment(&keys::number_counter()).await?;
        let now = self.now();

        let begun_by = match &start.customer {
            Customer::Sender(sender) => Some((sender.kind.clone(), sender.address.clone())),
            Customer::Known(_) => None,
        };
        let (contact, mut writes) = self.customer(start.customer).await?;
        let opening = Opening {
            ticket: id,
            number,
            contact,
            thread: start
                .thread
                .as_ref()
                .map(|(key, seen)| seen.as_ref().map_or(key, |seen| &seen.key).clone()),
            class: start.class,
            priority: start.priority,
            team: start.team,
            subject: start.subject,
            follow_up_of: start.previous.as_ref().map(|previous| previous.id),
            related_to: start.related,
        };
        let actor = start.actor.unwrap_or(Actor::Contact { id: contact });
        let opened = decide::open(opening, actor, start.cause.clone(), &settings, now);
        let mut events = vec![opened];
        let mut ticket = Ticket::fold(&events)
            .ok_or_else(|| TableError::Invalid("an opening that folds to nothing".to_owned()))?;
        for request in first(contact) {
            if let Some((after, event)) = step(&ticket, request, &settings, now)? {
                ticket = after;
                events.push(event);
            }
        }

        if let Some((key, seen)) = start.thread {
            let correspondence = start.correspondence;
            let new =
                Thread { key, version: 1, contact, ticket: id, moved_to: None, correspondence, begun_by };
            writes.push(thread_write(new, seen)?);
        }
        if let Some(previous) = start.previous {
            writes.extend(follow_up(&previous, id, &settings, now)?);
        }
        writes.push(put_head(&ticket, &settings, Condition::Absent)?);
        for event in &events {
            writes.push(put_event(id, event)?);
        }
        writes.push(put_contact_ticket(&ticket)?);
        writes
            .push(Write::Put(Item::new(keys::number(number), &Numbered { ticket: id })?, Condition::Absent));
        let own = writes.len();
        writes.extend(companions(&events, &ticket)?);

        match self.table.write(writes).await {
            Ok(()) => Ok(ticket),
            Err(TableError::ConditionFailed(positions)) => {
                let done: Vec<usize> =
                    positions.iter().filter_map(|position| position.checked_sub(own)).collect();
                Err(if done.is_empty() { OpenError::Raced } else { OpenError::DoneBefore(done) })
            }
            Err(TableError::Conflict) => Err(OpenError::Raced),
            Err(error) => Err(error.into()),
        }
    }

    async fn customer(&self, customer: Customer) -> Result<(ContactId, Vec<Write>), TableError> {
        let sender = match customer {
            Customer::Known(contact) => return Ok((contact, Vec::new())),
            Customer::Sender(sender) => sender,
        };
        let Author { contact, made_by } = self.known_by(&sender).await?;
        Ok((contact, made_by))
    }
}

/// The write of a conversation that is `new`, or was `seen` and goes on with what is new of it.
fn thread_write(new: Thread, seen: Option<Thread>) -> Result<Write, TableError> {
    match seen {
        Some(seen) => {
            let condition = Condition::Version(seen.version);
            let (ticket, version) = (new.ticket, seen.version + 1);
            let correspondence = new.correspondence.or(seen.correspondence);
            put_thread(&Thread { ticket, version, correspondence, ..seen }, condition)
        }
        None => put_thread(&new, Condition::Absent),
    }
}

/// The writes that tell the previous ticket which one goes on from it.
fn follow_up(
    previous: &Ticket,
    by: TicketId,
    settings: &Settings,
    now: jiff::Timestamp,
) -> Result<Vec<Write>, OpenError> {
    let request =
        Request { actor: Actor::System, cause: None, command: desk::command::Command::FollowUp(by) };
    let Some((after, event)) = step(previous, request, settings, now)? else { return Ok(Vec::new()) };
    Ok(vec![
        put_head(&after, settings, Condition::Version(previous.version))?,
        put_event(previous.id, &event)?,
    ])
}
