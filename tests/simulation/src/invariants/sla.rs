//! No event of a service level is missing, doubled or stale.
//!
//! The log is gone through with rules of its own: what each event must have said, from the times of the events and the
//! owner's promises alone.

mod clock;
mod promises;
mod standing;
mod waiting;

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::sla::{ClockChange, ClockStep, Metric};
use desk::ticket::Status;
use jiff::{SignedDuration, Timestamp};

use self::clock::Clock;
use self::promises::Promises;
use self::waiting::{Waiting, is_question};
use super::picture::{Case, Picture};
use crate::journey::Stage;

/// How late the clock may be when nothing goes wrong any more: the minute's event is lost now and then.
const LATE: SignedDuration = SignedDuration::from_mins(20);
/// How long after a moment has come, or was set, a sweep may still miss it: a function that was given up may write so
/// much later, and an index lags.
const UNSEEN: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let now = stage.cloud.hours.now();
    let promises = Promises(stage.history.state().promised.clone());
    let sweeps = stage.cloud.whole_sweeps();
    for (id, case) in &picture.cases {
        let mut audit = Audit::new(&promises, &sweeps);
        audit.go_through(case, now);
        broken.extend(audit.broken.into_iter().map(|what| format!("{id}: {what}")));
    }
}

#[derive(Debug)]
struct Audit<'a> {
    promises: &'a Promises,
    /// From when to when the clock looked for what is due, and missed nothing.
    sweeps: &'a [(Timestamp, Timestamp)],
    status: Status,
    waiting: Waiting,
    clocks: BTreeMap<Metric, Clock>,
    broken: Vec<String>,
}

impl<'a> Audit<'a> {
    fn new(promises: &'a Promises, sweeps: &'a [(Timestamp, Timestamp)]) -> Self {
        Self {
            promises,
            sweeps,
            status: Status::New,
            waiting: Waiting::default(),
            clocks: BTreeMap::new(),
            broken: Vec::new(),
        }
    }

    fn go_through(&mut self, case: &Case, now: Timestamp) {
        for event in &case.events {
            self.seen_in_time(event.at);
            self.elapsed(event);
            for change in &event.effects.sla {
                self.follow(change, event);
            }
            self.waiting.follow(event, self.status);
            let before = self.status;
            if let Some(status) = event.effects.status {
                self.status = status;
            }
            self.stands(event, before);
        }
        self.seen_in_time(now);
        for (metric, clock) in &self.clocks {
            let overdue = |at: Timestamp| clock.since.is_some() && now.duration_since(at) > LATE;
            if clock.deadline.is_some_and(overdue) || clock.warn_at.is_some_and(overdue) {
                self.broken.push(format!("{metric:?} is overdue and nothing was told"));
            }
        }
        self.keeps_what_is_promised();
    }

    /// No sweep that missed nothing went past what was due, up to the next event.
    fn seen_in_time(&mut self, next: Timestamp) {
        for (metric, clock) in self.clocks.iter().filter(|(_, clock)| clock.since.is_some()) {
            let Some(due) = [clock.warn_at, clock.deadline].into_iter().flatten().min() else { continue };
            let to_be_seen = due.max(clock.set) + UNSEEN;
            if self.sweeps.iter().any(|(begun, ended)| *begun >= to_be_seen && *ended < next) {
                self.broken
                    .push(format!("{metric:?} was due at {due}, and a sweep went past it before {next}"));
            }
        }
    }

    /// What time has done by an event is told by it, and nothing else.
    fn elapsed(&mut self, event: &Event) {
        let mut expected: Vec<(Metric, &str)> = Vec::new();
        for (metric, clock) in self.clocks.iter().filter(|(_, clock)| clock.since.is_some()) {
            if clock.deadline.is_some_and(|deadline| deadline < event.at) {
                expected.push((*metric, "breach"));
            } else if clock.warn_at.is_some_and(|warn_at| warn_at <= event.at) {
                expected.push((*metric, "warning"));
            }
        }
        let mut told: Vec<(Metric, &str)> = Vec::new();
        for change in &event.effects.sla {
            match change.step {
                ClockStep::Breach { .. } => told.push((change.metric, "breach")),
                ClockStep::Warn => told.push((change.metric, "warning")),
                _ => {}
            }
        }
        told.sort_unstable();
        if told != expected {
            self.wrong(event, &format!("tells {told:?} where {expected:?} was due"));
        }
    }

    fn follow(&mut self, change: &ClockChange, event: &Event) {
        let metric = change.metric;
        if let ClockStep::Activate { at, aim, .. } = &change.step {
            let before = self.clocks.get(&metric).cloned();
            let instance = before.as_ref().map_or(0, |clock| clock.instance) + 1;
            let pending = before.as_ref().is_some_and(|clock| clock.pending);
            let right = change.instance == instance
                && self.promises.perhaps(metric, Some(aim.target), event.at)
                && self.may_start(metric, *at, event);
            if pending || !right {
                let effects = &event.effects;
                self.wrong(event, &format!("starts {metric:?} wrongly: {effects:?}, before it {before:?}"));
            }
            let goes_on = before.as_ref().filter(|_| metric == Metric::Resolution);
            let clock = Clock::begun(instance, (*at, event.at), aim, goes_on);
            if !clock.in_time(aim, event.at) {
                self.wrong(event, &format!("starts {metric:?} with {aim:?}: {clock:?}"));
            }
            self.clocks.insert(metric, clock);
            return;
        }
        let Some(mut clock) =
            self.clocks.get(&metric).cloned().filter(|clock| clock.instance == change.instance)
        else {
            self.wrong(event, &format!("moves {metric:?} {}, which does not stand", change.instance));
            return;
        };
        match &change.step {
            ClockStep::Activate { .. } => {}
            ClockStep::Pause { .. } | ClockStep::Fulfill { .. } => clock.stop(&change.step, event.at),
            ClockStep::Cancel { .. } => {
                let dropped = self.may_change(event) && self.promises.perhaps(metric, None, event.at);
                let left = event.effects.status.is_some_and(|status| !status.is_active());
                if !clock.pending || clock.breached || !(dropped || left) {
                    self.wrong(event, &format!("drops {metric:?}, which is promised: {clock:?}"));
                }
                clock.stop(&change.step, event.at);
            }
            ClockStep::Resume { at, aim } => {
                clock.pending = true;
                clock.since = Some(*at);
                if aim.target != clock.target || !clock.in_time(aim, event.at) {
                    self.wrong(event, &format!("goes on with {metric:?} as {aim:?}: {clock:?}"));
                }
                clock.promise(aim, event.at);
            }
            ClockStep::Warn => {
                clock.warned = true;
                clock.warn_at = None;
            }
            ClockStep::Breach { deadline } => {
                if clock.deadline != Some(*deadline) || clock.breached {
                    self.wrong(event, &format!("tells another breach of {metric:?} than there was"));
                }
                clock.breached = true;
                clock.deadline = None;
                clock.warn_at = None;
            }
            ClockStep::Retarget { aim, .. } => {
                let right = self.may_change(event)
                    && self.promises.perhaps(metric, Some(aim.target), event.at)
                    && (clock.pending && !clock.breached && clock.target != aim.target)
                    && clock.in_time(aim, event.at);
                if !right {
                    self.wrong(event, &format!("changes {metric:?} to {aim:?}: {clock:?}"));
                }
                clock.promise(aim, event.at);
            }
        }
        self.clocks.insert(metric, clock);
    }

    /// Since when a clock may count: from its event on, or, where an unanswered question is taken up again, from that.
    fn may_start(&self, metric: Metric, at: Timestamp, event: &Event) -> bool {
        if metric == Metric::Resolution || is_question(event, self.status) {
            return at == event.at;
        }
        // What a late answer does not answer goes on from when it was asked.
        let taken_up = self.waiting.left_since(event).or(self.waiting.since);
        match taken_up {
            Some(since) if !self.status.is_active() || follows_promises(event) => at == since,
            Some(since) => at == since || at == event.at,
            None => at == event.at && !follows_promises(event),
        }
    }

    /// Whether clocks may follow another promise by an event: when the owner changed it, and when work is taken up again.
    fn may_change(&self, event: &Event) -> bool {
        follows_promises(event)
            || (!self.status.is_active() && event.effects.status.is_some_and(Status::is_active))
    }

    fn wrong(&mut self, event: &Event, what: &str) {
        self.broken.push(format!("event {} {what}", event.seq));
    }
}

/// Whether the ticket is brought in line with what was promised last, or is promised something else by its priority.
const fn follows_promises(event: &Event) -> bool {
    match &event.fact {
        Fact::SlaRecomputed {} => true,
        Fact::Updated(changes) => changes.priority.is_some(),
        _ => false,
    }
}
