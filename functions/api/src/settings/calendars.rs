//! Calendars of working hours.

use desk::calendar::{Calendar, Schedule};
use desk::ids::{CalendarId, Ulid};

use super::{Kind, endpoints};

endpoints!(Calendar, Schedule, CalendarId, "/calendars", "/calendars/{id}", "calendars", "calendar");

impl Kind for Calendar {
    type Body = Schedule;

    const RECOMPUTE: bool = true;

    async fn make(_: &Shared, id: Ulid, body: Schedule) -> Result<Self, Problem> {
        Self::new(CalendarId::new(id), body)
            .map_err(|error| Problem::invalid("invalid_calendar", "", error.to_string()))
    }

    fn ulid(id: &str) -> Option<Ulid> {
        id.parse().ok().map(CalendarId::ulid)
    }

    async fn in_use(api: &Shared, id: Ulid) -> Result<Option<&'static str>, Problem> {
        let calendar = CalendarId::new(id);
        let settings = api.desk.reload_settings().await?;
        let named = settings.policies.iter().any(|policy| policy.calendar == Some(calendar));
        Ok(named.then_some("An SLA policy names the calendar."))
    }
}
