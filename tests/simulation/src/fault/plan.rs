//! Which effects are struck, and how.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::invocation::Stall;
use crate::chance::Chance;

/// What becomes of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It happens, and the function learns of it.
    Passes,
    /// The function ends before it.
    CrashBefore,
    /// It happens, and the function ends before it learns of it.
    CrashAfter,
    /// It happens, and the function is told that nobody knows.
    AcknowledgementLost,
    /// It does not happen, and the function is told that nobody knows.
    Refused,
    /// It does not happen, because somebody else is writing the same.
    Conflict,
    /// It happens after so many milliseconds.
    Late(u64),
    /// It happens so many milliseconds after the function was told that nobody knows: the request was still under way
    /// when its sender gave up, and may come after what the sender did then.
    Overdue(u64),
    /// The same, after the function has ended.
    CrashOverdue(u64),
    /// A platform does not do it, and wants to be left alone for so many seconds.
    Throttled(u64),
}

impl Fate {
    /// The ways in which a function can lose track of an effect that happens at once, or never.
    pub const CRASHES: [Self; 3] = [Self::CrashBefore, Self::CrashAfter, Self::AcknowledgementLost];

    /// The ways in which a function can lose track of an effect.
    pub const LOSSES: [Self; 5] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::AcknowledgementLost,
        Self::Overdue(7000),
        Self::CrashOverdue(7000),
    ];

    /// A word for traces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::CrashBefore => "crash before",
            Self::CrashAfter => "crash after",
            Self::AcknowledgementLost => "acknowledgement lost",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Late(_) => "late",
            Self::Overdue(_) => "overdue",
            Self::CrashOverdue(_) => "crash overdue",
            Self::Throttled(_) => "throttled",
        }
    }
}

/// What an effect is had on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// A table.
    Table,
    /// Those partitions of a table that tell where a platform's messages stand.
    Messages,
    /// A queue.
    Queue,
    /// The object store.
    Objects,
    /// A platform.
    Platform,
    /// The gateway that holds connections of windows.
    Live,
    /// Whoever called the function.
    Answer,
}

/// How often each fault strikes an effect, in so many of 1000 cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of [`Fate::CrashBefore`].
    pub crash_before: u64,
    /// Of [`Fate::CrashAfter`].
    pub crash_after: u64,
    /// Of [`Fate::AcknowledgementLost`].
    pub lost: u64,
    /// Of [`Fate::Refused`].
    pub refused: u64,
    /// Of [`Fate::Conflict`].
    pub conflict: u64,
    /// Of [`Fate::Late`].
    pub late: u64,
    /// Of [`Fate::Overdue`] and of [`Fate::CrashOverdue`].
    pub overdue: u64,
    /// Of [`Fate::Throttled`], of requests to platforms only.
    pub throttled: u64,
    /// Of readings that fail.
    pub unreadable: u64,
    /// Of batches of a queue whose consumer stalls, for longer than they are in hand.
    pub stalls: u64,
}

impl Rates {
    /// Some faults and not others, some rare and some common: what never fails hides what else does.
    pub fn of(chance: &Chance) -> Self {
        let rate = || if chance.happens(500) { *chance.pick(&[3, 15, 60]).unwrap_or(&3) } else { 0 };
        Self {
            crash_before: rate(),
            crash_after: rate(),
            lost: rate(),
            refused: rate(),
            conflict: rate(),
            late: rate(),
            overdue: rate(),
            // Platforms throttle often, and often again, so that replies are held up between their parts.
            throttled: if chance.happens(300) { *chance.pick(&[100, 400]).unwrap_or(&100) } else { 0 },
            unreadable: rate(),
            stalls: rate(),
        }
    }
}

/// A time in which a port does nothing at all.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// The port.
    pub port: Port,
    /// From when on.
    pub from: Instant,
    /// For how long.
    pub lasts: Duration,
}

impl Outage {
    /// Whether it is going on, and the port is out by it.
    pub(super) fn hits(&self, port: Port) -> bool {
        let now = Instant::now();
        let hit = self.port == port || (self.port, port) == (Port::Table, Port::Messages);
        hit && self.from <= now && now < self.from + self.lasts
    }
}

/// Which effects are struck.
#[derive(Debug)]
pub enum Plan {
    /// None, and none is counted.
    Off,
    /// These, by their numbers.
    Exactly(BTreeMap<u64, Fate>),
    /// Those that chance finds.
    Chance {
        /// The chance.
        chance: Arc<Chance>,
        /// How often.
        rates: Rates,
    },
}

impl Plan {
    pub(super) fn fate(&self, number: u64, port: Port) -> Fate {
        match self {
            Self::Off => Fate::Passes,
            Self::Exactly(struck) => struck.get(&number).copied().unwrap_or(Fate::Passes),
            Self::Chance { chance, rates } => {
                let overdue = *chance.pick(&[700, 5000, 25_000]).unwrap_or(&5000);
                let seconds = *chance.pick(&[2, 20, 45, 90]).unwrap_or(&2);
                let fates = [
                    (rates.crash_before, Fate::CrashBefore),
                    (rates.crash_after, Fate::CrashAfter),
                    (rates.lost, Fate::AcknowledgementLost),
                    (rates.refused, Fate::Refused),
                    (
                        if matches!(port, Port::Table | Port::Messages) { rates.conflict } else { 0 },
                        Fate::Conflict,
                    ),
                    (rates.late, Fate::Late(*chance.pick(&[50, 900, 12_000]).unwrap_or(&50))),
                    (rates.overdue, Fate::Overdue(overdue)),
                    (rates.overdue, Fate::CrashOverdue(overdue)),
                    (if port == Port::Platform { rates.throttled } else { 0 }, Fate::Throttled(seconds)),
                ];
                let mut drawn = chance.below(1000);
                for (rate, fate) in fates {
                    if drawn < rate {
                        return fate;
                    }
                    drawn -= rate;
                }
                Fate::Passes
            }
        }
    }

    /// Whether and how a consumer stalls whose messages are in hand for so long.
    pub(super) fn stall(&self, visibility: Duration) -> Option<Stall> {
        let Self::Chance { chance, rates } = self else { return None };
        let most = visibility.as_secs();
        chance.happens(rates.stalls).then(|| Stall {
            after: chance.below(8),
            lasts: Duration::from_secs(chance.between(most * 9 / 10, most * 2)),
        })
    }

    pub(super) fn reading_fails(&self) -> bool {
        match self {
            Self::Off | Self::Exactly(_) => false,
            Self::Chance { chance, rates } => chance.happens(rates.unreadable),
        }
    }
}
