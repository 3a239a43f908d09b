//! A clock as the rules have it.

use desk::sla::{Aim, ClockStep};
use jiff::{SignedDuration, Timestamp};

use crate::journey::Promise;

/// A clock as the rules have it.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub(super) instance: u32,
    pub(super) pending: bool,
    pub(super) since: Option<Timestamp>,
    /// Seconds that were promised.
    pub(super) target: u64,
    pub(super) deadline: Option<Timestamp>,
    pub(super) warn_at: Option<Timestamp>,
    pub(super) breached: bool,
    pub(super) warned: bool,
    /// When these moments were set.
    pub(super) set: Timestamp,
    /// Milliseconds used up before the present run.
    used: i64,
    /// How often it was paused: each time less than a second is lost.
    pauses: i64,
}

impl Clock {
    /// One that counts from a moment and was set at one, after the one before it of which it takes over what was used up.
    pub(super) fn begun(
        instance: u32,
        (at, set): (Timestamp, Timestamp),
        aim: &Aim,
        goes_on: Option<&Self>,
    ) -> Self {
        Self {
            instance,
            pending: true,
            since: Some(at),
            target: aim.target,
            deadline: aim.deadline,
            warn_at: aim.warn_at,
            breached: false,
            warned: false,
            set,
            used: goes_on.map_or(0, |clock| clock.used),
            pauses: goes_on.map_or(0, |clock| clock.pauses),
        }
    }

    /// Takes a promise, and the moments that follow from it.
    pub(super) fn promise(&mut self, aim: &Aim, now: Timestamp) {
        self.set = now;
        self.target = aim.target;
        self.deadline = aim.deadline;
        self.warn_at = aim.warn_at;
        self.warned &= aim.warn_at.is_none();
    }

    /// Stands still from a moment on: for a while, or for good.
    pub(super) fn stop(&mut self, step: &ClockStep, now: Timestamp) {
        self.used += self.since.map_or(0, |since| milliseconds(now.duration_since(since)));
        self.pauses += 1;
        self.since = None;
        self.deadline = None;
        self.warn_at = None;
        self.pending = matches!(step, ClockStep::Pause { .. });
    }

    /// Whether a promise gives it the moments that follow from what was used up.
    pub(super) fn in_time(&self, aim: &Aim, now: Timestamp) -> bool {
        let Some(since) = self.since.filter(|_| !self.breached) else {
            return aim.deadline.is_none() && aim.warn_at.is_none();
        };
        let lost = 1000 * self.pauses;
        let target = i64::try_from(aim.target * 1000).unwrap_or(i64::MAX);
        let left = |share: i64| (share - self.used).max(0);
        let near =
            |told: Timestamp, left: i64| (milliseconds(told.duration_since(since)) - left).abs() <= lost;
        let (deadline, warning) = (left(target), left(target / 100 * i64::from(Promise::WARN_PERCENT)));
        let warns = match aim.warn_at {
            Some(told) => near(told, warning) && (!self.warned || told > now),
            // It was given before, or there is nothing left to be warned of.
            None => {
                let given = self.warned && milliseconds(now.duration_since(since)) + lost >= warning;
                given || deadline - warning <= lost
            }
        };
        warns && aim.deadline.is_some_and(|told| near(told, deadline))
    }
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
