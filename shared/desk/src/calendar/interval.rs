//! Hours within a day.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Working hours from one time of the wall clock to another.
///
/// An end before the start lies on the next day; `24:00` is the end of the day itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "IntervalText", into = "IntervalText")]
pub struct Interval {
    /// When they begin, in minutes from midnight.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
    start: u16,
    /// When they end, in minutes from midnight.
    #[schema(value_type = String, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", example = "18:00")]
    end: u16,
}

/// An interval as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntervalText {
    start: String,
    end: String,
}

/// Texts that do not make an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInterval {
    /// A text is no time of the day.
    #[error("`{0}` is no time of the day in hours and minutes, such as 09:00")]
    Time(String),
    /// It ends where it starts.
    #[error("the interval ends at {0}, where it starts; a whole day is 00:00 to 24:00")]
    Empty(String),
}

impl Interval {
    const DAY: u16 = 24 * 60;

    /// 09:00 to 18:00.
    pub(super) const OFFICE: Self = Self { start: 9 * 60, end: 18 * 60 };

    /// Makes an interval from two times such as `09:00`.
    ///
    /// # Errors
    /// Fails where a text is no time of the day, and where both are the same.
    pub fn new(start: &str, end: &str) -> Result<Self, InvalidInterval> {
        let time = |text: &str| minutes(text).ok_or_else(|| InvalidInterval::Time(text.to_owned()));
        let interval = Self { start: time(start)?, end: time(end)? };
        if interval.start == Self::DAY {
            return Err(InvalidInterval::Time(start.to_owned()));
        }
        if interval.start == interval.end {
            return Err(InvalidInterval::Empty(end.to_owned()));
        }
        Ok(interval)
    }

    /// When it begins, in minutes from midnight.
    pub(super) const fn open(self) -> u16 {
        self.start
    }

    /// When it ends, in minutes from the midnight before its beginning.
    pub(super) const fn close(self) -> u16 {
        if self.end < self.start { self.end + Self::DAY } else { self.end }
    }
}

/// The minutes from midnight to a time between 00:00 and 24:00.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let two_digits = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        two_digits.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let time = hours * 60 + minutes;
    (minutes < 60 && time <= Interval::DAY).then_some(time)
}

impl TryFrom<IntervalText> for Interval {
    type Error = InvalidInterval;

    fn try_from(text: IntervalText) -> Result<Self, InvalidInterval> {
        Self::new(&text.start, &text.end)
    }
}

impl From<Interval> for IntervalText {
    fn from(interval: Interval) -> Self {
        let text = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        Self { start: text(interval.start), end: text(interval.end) }
    }
}
