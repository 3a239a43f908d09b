//! Service levels: what was promised, and the clocks that measure it.
//!
//! A clock is moved by [`ClockChange`]s alone, which are effects of events; so every duration can be computed
//! again from the log. The vocabulary follows Zendesk's metric events (activate, pause, fulfil, breach).

mod clocks;
mod policy;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{CalendarId, PolicyId};

pub use self::policy::{Conditions, Policy, Terms, default_policies};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// From the first question to the first answer by a human.
    FirstResponse,
    /// From a later question, the oldest unanswered one, to the answer by a human.
    NextResponse,
    /// From the opening to the solution, without the time in which others had to move.
    Resolution,
}

impl Metric {
    /// Whether it ends with an answer; else with the solution, and goes on when the ticket is opened again.
    const fn awaits_answer(self) -> bool {
        match self {
            Self::FirstResponse | Self::NextResponse => true,
            Self::Resolution => false,
        }
    }
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// It runs towards its deadline.
    Running,
    /// It stands still while somebody else must move.
    Paused,
    /// The promise was kept.
    Met,
    /// The promise was broken, and stays so, whatever happens later.
    Breached,
}

/// One change of one clock: an effect of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClockChange {
    /// Which clock.
    pub metric: Metric,
    /// Counts the runs of the metric in a ticket, from 1: each unanswered question is measured once.
    pub instance: u32,
    /// What it did.
    #[serde(flatten)]
    pub step: ClockStep,
}

/// What a clock did. Times that a change needs are part of it, so that applying one computes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ClockStep {
    /// It was started.
    Activate {
        /// When the time began to count: the moment of the event.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// The policy that made the promise.
        policy: PolicyId,
        /// Seconds of the target used up before: in an earlier run, whose promise did not apply for a while.
        #[serde(default, skip_serializing_if = "is_zero")]
        used: u64,
        /// The promise.
        #[serde(flatten)]
        aim: Aim,
    },
    /// It was stopped for a while.
    Pause {
        /// Seconds of the target used up so far.
        used: u64,
    },
    /// It runs again, from the moment of the event.
    Resume {
        /// When it went on.
        #[schema(value_type = String, format = DateTime)]
        at: Timestamp,
        /// The promise, with the deadline moved.
        #[serde(flatten)]
        aim: Aim,
    },
    /// The deadline is near.
    Warn,
    /// The deadline passed.
    Breach {
        /// The deadline that was missed.
        #[schema(value_type = String, format = DateTime)]
        deadline: Timestamp,
    },
    /// The awaited thing happened. A breached clock stays breached, and stops.
    Fulfill {
        /// Seconds of the target used up in all.
        used: u64,
    },
    /// The promise changed: another policy, priority or calendar.
    Retarget {
        /// The policy that makes the promise now.
        policy: PolicyId,
        /// The promise that now holds. For a paused clock the deadline is absent.
        #[serde(flatten)]
        aim: Aim,
    },
    /// The promise no longer applies: nobody waits, no policy matches, or the ticket is spam.
    Cancel {
        /// Seconds of the target used up in all.
        #[serde(default, skip_serializing_if = "is_zero")]
        used: u64,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

/// A promise and the moments that follow from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Aim {
    /// Seconds of the calendar's working time; of plain time without a calendar.
    pub target: u64,
    /// The working hours that count; around the clock without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// When the target is used up. Absent while paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// When to warn. Absent while paused, when there is no warning, or when it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub warn_at: Option<Timestamp>,
}

/// One clock of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Clock {
    /// What it measures.
    pub metric: Metric,
    /// Which run of the metric.
    pub instance: u32,
    /// How it stands.
    pub state: ClockState,
    /// The policy that made the promise.
    pub policy: PolicyId,
    /// The promise.
    #[serde(flatten)]
    pub aim: Aim,
    /// Seconds of the target used up before the present run.
    #[serde(default)]
    pub used: u64,
    /// Since when it has been running. Absent while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Whether the warning was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warned: bool,
    /// The deadline that was missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub breached: Option<Timestamp>,
    /// Why it awaits nothing more. Absent while it runs or is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
}

/// Why a clock awaits nothing more. Tells a breached clock that stopped from one that is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The awaited thing happened, in time or not.
    Fulfilled,
    /// The promise no longer applied. Kept so that the next run gets a new number, and what was used up of a resolution.
    Cancelled,
}

/// The clocks of a ticket: at most one for each metric, the latest run.
///
/// The rules return [`ClockChange`]s and leave the clocks as they are; [`Sla::apply`] carries them out. A caller
/// applies [`Sla::elapse`] before any other rule, so that an answer after the deadline meets a breached clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sla {
    clocks: Vec<Clock>,
}
