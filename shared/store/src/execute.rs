//! The one way to change a ticket: load, decide, one conditional transaction.

use std::time::Duration;

use desk::command::{Refusal, Request};
use desk::event::Event;
use desk::ids::TicketId;
use desk::settings::Settings;
use desk::ticket::Ticket;
use jiff::Timestamp;

use crate::desk::Desk;
use crate::table::{Condition, TableError, Write};
use crate::tickets::{put_event, put_head};

/// How often a transaction is tried when others are faster.
const ATTEMPTS: u32 = 8;
/// The writes that every execution makes, before its companions: head and event.
const OWN_WRITES: usize = 2;

/// A ticket after a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// The head as it now stands.
    pub ticket: Ticket,
    /// What happened; `None` when the command changed nothing.
    pub event: Option<Event>,
}

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// There is no such ticket.
    #[error("there is no ticket {0}")]
    NoTicket(TicketId),
    /// The ticket refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The condition of a companion write does not hold: this was done before. The companions' positions.
    #[error("this was done before")]
    DoneBefore(Vec<usize>),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl ExecuteError {
    /// Whether the same command may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Table(error) if error.is_transient())
    }
}

impl Desk {
    /// Executes a command on a ticket.
    ///
    /// # Errors
    /// When there is no such ticket, it refuses, or the table fails.
    pub async fn execute(&self, id: TicketId, request: Request) -> Result<Executed, ExecuteError> {
        self.execute_with(id, None, request, |_, _| Ok(Vec::new())).await
    }

    /// Executes a command together with companion writes, all or nothing.
    ///
    /// `loaded` saves the first read when the caller has just made it. `companions` is asked anew for each attempt.
    ///
    /// # Errors
    /// When there is no such ticket, it refuses, a companion's condition does not hold, or the table fails.
    pub async fn execute_with(
        &self,
        id: TicketId,
        loaded: Option<Ticket>,
        request: Request,
        companions: impl Fn(&Event, &Ticket) -> Result<Vec<Write>, TableError>,
    ) -> Result<Executed, ExecuteError> {
        let settings = self.settings().await?;
        let mut loaded = loaded;
        for attempt in 1.. {
            let ticket = match loaded.take() {
                Some(ticket) => ticket,
                None => self.ticket(id).await?.ok_or(ExecuteError::NoTicket(id))?,
            };
            let Some((after, event)) = step(&ticket, request.clone(), &settings, self.now())? else {
                return Ok(Executed { ticket, event: None });
            };
            let mut writes = vec![
                put_head(&after, &settings, Condition::Version(ticket.version))?,
                put_event(id, &event)?,
            ];
            writes.extend(companions(&event, &after)?);
            match self.table.write(writes).await {
                Ok(()) => return Ok(Executed { ticket: after, event: Some(event) }),
                Err(TableError::ConditionFailed(positions)) => {
                    let done: Vec<usize> =
                        positions.iter().filter_map(|position| position.checked_sub(OWN_WRITES)).collect();
                    if !done.is_empty() {
                        return Err(ExecuteError::DoneBefore(done));
                    }
                    self.yield_to_others(attempt).await?;
                }
                Err(TableError::Conflict) => self.yield_to_others(attempt).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(TableError::Conflict.into())
    }

    /// Waits a little, at random, after losing a race; gives up when it was lost too often.
    pub(crate) async fn yield_to_others(&self, attempt: u32) -> Result<(), TableError> {
        if attempt >= ATTEMPTS {
            return Err(TableError::Conflict);
        }
        let mut random = [0; 2];
        self.environment.fill(&mut random);
        let ceiling = 10_u64 << attempt.min(6);
        let milliseconds = u64::from(u16::from_be_bytes(random)) % ceiling;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok(())
    }
}

/// One step of a ticket, not yet written: the head afterwards and the event. `None` when nothing changes.
pub(crate) fn step(
    ticket: &Ticket,
    request: Request,
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<(Ticket, Event)>, Refusal> {
    // Machines' clocks differ a little; within one ticket time never runs backwards.
    let now = now.max(ticket.updated_at);
    let Some(event) = desk::decide(ticket, request, settings, now)? else { return Ok(None) };
    let mut after = ticket.clone();
    after.apply(&event);
    Ok(Some((after, event)))
}
