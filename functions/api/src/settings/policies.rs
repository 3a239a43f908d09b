//! SLA policies.

use desk::ids::{CalendarId, PolicyId, Ulid};
use desk::sla::{Conditions, Policy};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Kind, endpoints, valid_name};

endpoints!(Policy, PolicyBody, PolicyId, "/sla-policies", "/sla-policies/{id}", "sla_policies", "sla_policy");

/// The longest promise, in seconds: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 60 * 60;

/// What an SLA policy is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyBody {
    /// The name.
    #[schema(max_length = 200)]
    name: String,
    /// Lower ones are tried first.
    #[serde(default)]
    position: u32,
    /// When it applies; always when absent.
    #[serde(default)]
    conditions: Conditions,
    /// The working hours that count; around the clock without one.
    #[serde(default)]
    calendar: Option<CalendarId>,
    /// Seconds to the first answer.
    #[serde(default)]
    #[schema(minimum = 1)]
    first_response: Option<u64>,
    /// Seconds to each later answer.
    #[serde(default)]
    #[schema(minimum = 1)]
    next_response: Option<u64>,
    /// Seconds to the solution.
    #[serde(default)]
    #[schema(minimum = 1)]
    resolution: Option<u64>,
    /// How much of a target may be used up before the warning, in per cent; no warning without it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 99)]
    warn_percent: Option<u8>,
}

impl Kind for Policy {
    type Body = PolicyBody;

    const RECOMPUTE: bool = true;

    async fn make(api: &Shared, id: Ulid, body: PolicyBody) -> Result<Self, Problem> {
        let targets = [
            ("/first_response", body.first_response),
            ("/next_response", body.next_response),
            ("/resolution", body.resolution),
        ];
        for (pointer, target) in targets {
            if target.is_some_and(|target| !(1..=LONGEST).contains(&target)) {
                let detail = format!("a promise has 1 to {LONGEST} seconds");
                return Err(Problem::invalid("invalid_target", pointer, detail));
            }
        }
        if body.warn_percent.is_some_and(|percent| !(1..=99).contains(&percent)) {
            return Err(Problem::invalid("invalid_warning", "/warn_percent", "must be 1 to 99"));
        }
        if let Some(calendar) = body.calendar
            && api.desk.setting::<desk::calendar::Calendar>(&calendar.to_string()).await?.is_none()
        {
            let detail = format!("there is no calendar {calendar}");
            return Err(Problem::invalid("unknown_calendar", "/calendar", detail));
        }
        Ok(Self {
            id: PolicyId::new(id),
            name: valid_name(body.name, "/name")?,
            position: body.position,
            conditions: body.conditions,
            calendar: body.calendar,
            first_response: body.first_response,
            next_response: body.next_response,
            resolution: body.resolution,
            warn_percent: body.warn_percent,
        })
    }

    fn ulid(id: &str) -> Option<Ulid> {
        id.parse().ok().map(PolicyId::ulid)
    }

    async fn in_use(_: &Shared, _: Ulid) -> Result<Option<&'static str>, Problem> {
        Ok(None)
    }
}
