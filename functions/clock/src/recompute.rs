//! Bringing all active tickets in line with changed policies, calendars or settings.

use desk::command::{Command, Request};
use desk::event::Actor;
use desk::ticket::Status;
use store::execute::ExecuteError;
use store::table::TableError;

use crate::{Clock, ClockError};

/// How many tickets are brought in line between two notes of how far the work has come.
const STEP: usize = 50;

impl Clock {
    /// Goes on with the work where it stands, as long as there is time.
    pub(crate) async fn recompute(&self, more_time: &impl Fn() -> bool) -> Result<(), ClockError> {
        let Some(mut work) = self.desk.recomputation().await? else { return Ok(()) };
        let settings = self.desk.reload_settings().await?;
        let statuses: Vec<Status> = Status::ALL.into_iter().filter(|status| status.is_active()).collect();
        let teams: Vec<_> = settings.teams.iter().map(|team| Some(team.id)).chain([None]).collect();
        while more_time() {
            let page = self.desk.tickets_in_turn(&statuses, &teams, work.cursor.clone(), STEP).await?;
            for summary in page.items {
                let request = Request {
                    actor: Actor::System,
                    cause: Some("settings".to_owned()),
                    command: Command::Recompute,
                };
                match self.desk.execute(summary.id, request).await {
                    Ok(_) | Err(ExecuteError::NoTicket(_)) => {}
                    Err(error) if error.is_transient() => return Err(error.into()),
                    // One that cannot follow holds up no other.
                    Err(error) => {
                        tracing::error!(ticket = %summary.id, %error, "a ticket does not follow the settings");
                    }
                }
            }
            match self.desk.save_recomputation(work, page.next).await {
                Ok(next) => work = next,
                // Settings changed again: the work starts from the top next minute.
                Err(TableError::ConditionFailed(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if work.cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}
