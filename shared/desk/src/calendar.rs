//! Working hours: which moments count when a deadline is computed.
//!
//! Hours are kept as the wall clock shows them, and counted in real time: on the day on which the clocks go
//! forward a night shift is an hour shorter, on the day on which they go back an hour longer.

mod interval;
mod schedule;
#[cfg(test)]
mod tests;
mod zone;

use std::iter;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::interval::{Interval, InvalidInterval};
pub use self::schedule::{Exception, Holiday, InvalidSchedule, Schedule, Week};
pub use self::zone::{InvalidZone, Zone};
use crate::ids::CalendarId;

/// A calendar of working hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Stored")]
pub struct Calendar {
    id: CalendarId,
    #[serde(flatten)]
    schedule: Schedule,
}

/// A calendar as it is read, before the check.
#[derive(Deserialize)]
struct Stored {
    id: CalendarId,
    #[serde(flatten)]
    schedule: Schedule,
}

impl TryFrom<Stored> for Calendar {
    type Error = InvalidSchedule;

    fn try_from(stored: Stored) -> Result<Self, InvalidSchedule> {
        Self::new(stored.id, stored.schedule)
    }
}

impl Calendar {
    /// How far ahead [`Calendar::add`] looks: ten years of 366 days.
    const HORIZON: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

    /// Makes a calendar, with the dates and the hours of each day put in order.
    ///
    /// # Errors
    /// Fails where the schedule exceeds a limit or says two things about one date.
    pub fn new(id: CalendarId, schedule: Schedule) -> Result<Self, InvalidSchedule> {
        Ok(Self { id, schedule: schedule.checked()? })
    }

    /// The calendar of a new desk: Monday to Friday, 09:00 to 18:00.
    pub fn default_hours(id: CalendarId, time_zone: Zone) -> Self {
        Self { id, schedule: Schedule::default_hours(time_zone) }
    }

    /// The id.
    pub const fn id(&self) -> CalendarId {
        self.id
    }

    /// What the calendar says.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The earliest moment at which that many seconds of working time have passed since `from`.
    ///
    /// Time that is used up exactly at closing ends at closing, not at the next opening. `None` when ten years do
    /// not hold so much working time, as in a calendar without hours.
    pub fn add(&self, from: Timestamp, seconds: u64) -> Option<Timestamp> {
        let mut left = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
        if left.is_zero() {
            return Some(from);
        }
        let horizon = from.saturating_add(Self::HORIZON).ok()?;
        for (open, close) in self.spans(from, horizon) {
            let span = open.duration_until(close);
            if left <= span {
                return open.checked_add(left).ok();
            }
            left -= span;
        }
        None
    }

    /// Whole seconds of working time from `from` until `to`; 0 when `to` comes first.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> u64 {
        let total: SignedDuration =
            self.spans(from, to).map(|(open, close)| open.duration_until(close)).sum();
        total.as_secs().unsigned_abs()
    }

    /// The working time from `from` until `to`: spans in order and apart from each other.
    ///
    /// Between two changes of the zone's offset the wall clock runs evenly. Taking these stretches one by one makes
    /// a skipped hour count never and a repeated one twice, without a special case.
    fn spans(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.schedule.time_zone.stretches(from, to).flat_map(move |(start, end, offset)| {
            let end = offset.to_datetime(end);
            let mut counted = offset.to_datetime(start);
            // The day before may reach over midnight into the first one.
            let first = counted.date().yesterday().unwrap_or(Date::MIN);
            let days = iter::successors(Some(first), |date| date.tomorrow().ok());
            days.take_while(move |date| *date <= end.date())
                .flat_map(|date| self.schedule.hours(date))
                .filter_map(move |(open, close)| {
                    // Hours that overlap count once: each goes on where the last one ended.
                    let span = (open.max(counted), close.min(end));
                    counted = counted.max(close);
                    if span.0 < span.1 { instants(span, offset) } else { None }
                })
        })
    }
}

fn instants(span: (DateTime, DateTime), offset: jiff::tz::Offset) -> Option<(Timestamp, Timestamp)> {
    Some((offset.to_timestamp(span.0).ok()?, offset.to_timestamp(span.1).ok()?))
}

/// [`Calendar::add`], with every second counting where there is no calendar.
pub fn add(calendar: Option<&Calendar>, from: Timestamp, seconds: u64) -> Option<Timestamp> {
    match calendar {
        Some(calendar) => calendar.add(from, seconds),
        None => from.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok(),
    }
}

/// [`Calendar::between`], with every second counting where there is no calendar.
pub fn between(calendar: Option<&Calendar>, from: Timestamp, to: Timestamp) -> u64 {
    match calendar {
        Some(calendar) => calendar.between(from, to),
        None => u64::try_from(from.duration_until(to).as_secs()).unwrap_or(0),
    }
}
