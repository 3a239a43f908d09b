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
        let Some(work) = self.desk.recomputation().await? else { return Ok(()) };
        let settings = self.desk.reload_settings().await?;
        let statuses: Vec<Status> = Status::ALL.into_iter().filter(|status| status.is_active()).collect();
        let teams: Vec<_> = settings.teams.iter().map(|team| Some(team.id)).chain([None]).collect();
        let (mut version, mut cursor) = (work.version, work.cursor);
        while more_time() {
            let page = self.desk.list_tickets(&statuses, &teams, cursor, STEP, |_| true).await?;
            for summary in page.items {
                let request = Request {
                    actor: Actor::System,
                    cause: Some("settings".to_owned()),
                    command: Command::Recompute,
                };
                match self.desk.execute(summary.id, request).await {
                    Ok(_) | Err(ExecuteError::NoTicket(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            cursor = page.next;
            match self.desk.save_recomputation(version, cursor.clone()).await {
                Ok(()) => version += 1,
                // Settings changed again: the work starts from the top next minute.
                Err(TableError::ConditionFailed(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}
