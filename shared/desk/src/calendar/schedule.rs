//! What a calendar says: the hours of the week, and the dates that differ.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::interval::Interval;
use super::zone::Zone;

/// What a calendar says. Checked as a whole by [`Calendar::new`](super::Calendar::new).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The name inside the firm.
    pub name: String,
    /// Where the wall clock hangs that the hours are read from.
    pub time_zone: Zone,
    /// The hours of an ordinary week.
    #[serde(default)]
    pub week: Week,
    /// Dates without hours. What began the evening before still goes on to its end.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// Dates with special hours.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// The hours of an ordinary week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Week {
    /// Hours that begin on a Monday.
    pub monday: Vec<Interval>,
    /// Hours that begin on a Tuesday.
    pub tuesday: Vec<Interval>,
    /// Hours that begin on a Wednesday.
    pub wednesday: Vec<Interval>,
    /// Hours that begin on a Thursday.
    pub thursday: Vec<Interval>,
    /// Hours that begin on a Friday.
    pub friday: Vec<Interval>,
    /// Hours that begin on a Saturday.
    pub saturday: Vec<Interval>,
    /// Hours that begin on a Sunday.
    pub sunday: Vec<Interval>,
}

/// A date without hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The date.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// What is celebrated.
    pub name: String,
}

/// A date with special hours, in place of those of its weekday.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The date.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Hours that begin on that date.
    pub hours: Vec<Interval>,
}

/// A schedule that cannot stand, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// A name is empty or too long.
    #[error("{place}: must have 1 to {} characters", Schedule::MAX_NAME_LENGTH)]
    Name {
        /// Which one.
        place: String,
    },
    /// A day has too many intervals.
    #[error("{place}: at most {} intervals a day", Schedule::MAX_INTERVALS)]
    TooManyIntervals {
        /// Which day.
        place: String,
    },
    /// There are too many dates.
    #[error("holidays, exceptions: at most {} dates in all", Schedule::MAX_DATES)]
    TooManyDates,
    /// A date with special hours has others, too, or is a holiday.
    #[error("exceptions: {date} is named twice, here or among the holidays")]
    NamedTwice {
        /// Which date.
        date: Date,
    },
}

impl Schedule {
    /// The longest name of a calendar or a holiday, in characters.
    pub const MAX_NAME_LENGTH: usize = 100;
    /// The most intervals of one day.
    pub const MAX_INTERVALS: usize = 24;
    /// The most holidays and exceptions together.
    pub const MAX_DATES: usize = 400;

    pub(super) fn default_hours(time_zone: Zone) -> Self {
        let hours = vec![Interval::OFFICE];
        let week = Week {
            monday: hours.clone(),
            tuesday: hours.clone(),
            wednesday: hours.clone(),
            thursday: hours.clone(),
            friday: hours,
            ..Week::default()
        };
        let name = "Working hours".to_owned();
        Self { name, time_zone, week, holidays: Vec::new(), exceptions: Vec::new() }
    }

    /// Checks the limits, and puts the dates and the hours of each day in order.
    pub(super) fn checked(mut self) -> Result<Self, InvalidSchedule> {
        check_name(&self.name, || "name".to_owned())?;
        if self.holidays.len() + self.exceptions.len() > Self::MAX_DATES {
            return Err(InvalidSchedule::TooManyDates);
        }
        for (index, holiday) in self.holidays.iter().enumerate() {
            check_name(&holiday.name, || format!("holidays[{index}].name"))?;
        }
        for (name, hours) in self.week.days_mut() {
            put_in_order(hours, || format!("week.{name}"))?;
        }
        for (index, exception) in self.exceptions.iter_mut().enumerate() {
            put_in_order(&mut exception.hours, || format!("exceptions[{index}].hours"))?;
        }
        self.holidays.sort_by_key(|holiday| holiday.date);
        self.exceptions.sort_by_key(|exception| exception.date);
        let mut last = None;
        for Exception { date, .. } in &self.exceptions {
            if last.replace(date) == Some(date) || self.is_holiday(*date) {
                return Err(InvalidSchedule::NamedTwice { date: *date });
            }
        }
        Ok(self)
    }

    /// The hours that begin on a date, from opening to closing, by the wall clock.
    pub(super) fn hours(&self, date: Date) -> impl Iterator<Item = (DateTime, DateTime)> {
        let intervals = match self.exceptions.binary_search_by_key(&date, |exception| exception.date) {
            Ok(index) => self.exceptions.get(index).map_or(&[][..], |exception| &exception.hours),
            Err(_) if self.is_holiday(date) => &[],
            Err(_) => self.week.day(date.weekday()),
        };
        let midnight = date.at(0, 0, 0, 0);
        let at = move |minute| midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).ok();
        intervals.iter().filter_map(move |interval| Some((at(interval.open())?, at(interval.close())?)))
    }

    fn is_holiday(&self, date: Date) -> bool {
        self.holidays.binary_search_by_key(&date, |holiday| holiday.date).is_ok()
    }
}

fn check_name(name: &str, place: impl FnOnce() -> String) -> Result<(), InvalidSchedule> {
    let fits = !name.trim().is_empty() && name.chars().count() <= Schedule::MAX_NAME_LENGTH;
    if fits { Ok(()) } else { Err(InvalidSchedule::Name { place: place() }) }
}

fn put_in_order(hours: &mut [Interval], place: impl FnOnce() -> String) -> Result<(), InvalidSchedule> {
    if hours.len() > Schedule::MAX_INTERVALS {
        return Err(InvalidSchedule::TooManyIntervals { place: place() });
    }
    hours.sort_unstable();
    Ok(())
}

impl Week {
    fn day(&self, weekday: Weekday) -> &[Interval] {
        match weekday {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }

    fn days_mut(&mut self) -> [(&'static str, &mut Vec<Interval>); 7] {
        [
            ("monday", &mut self.monday),
            ("tuesday", &mut self.tuesday),
            ("wednesday", &mut self.wednesday),
            ("thursday", &mut self.thursday),
            ("friday", &mut self.friday),
            ("saturday", &mut self.saturday),
            ("sunday", &mut self.sunday),
        ]
    }
}
