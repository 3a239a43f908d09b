//! No event of a service level is missing, doubled or stale.
//!
//! The log is gone through with rules of its own: what each event must have said, from the times of the events and the
//! owner's promise alone.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::sla::{ClockChange, ClockStep, Metric};
use desk::ticket::Status;
use jiff::{SignedDuration, Timestamp};

use super::picture::{Case, Picture};
use crate::journey::{Promise, Stage};

/// How late the clock may be when nothing goes wrong any more: the minute's event is lost now and then.
const LATE: SignedDuration = SignedDuration::from_mins(20);

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let now = stage.cloud.hours.now();
    for (id, case) in &picture.cases {
        let mut audit = Audit::new(stage.office.promise);
        audit.go_through(case, now);
        broken.extend(audit.broken.into_iter().map(|what| format!("{id}: {what}")));
    }
}

/// A clock as the rules have it.
#[derive(Debug, Clone)]
struct Clock {
    instance: u32,
    pending: bool,
    since: Option<Timestamp>,
    /// Milliseconds used up before the present run.
    used: i64,
    deadline: Option<Timestamp>,
    warn_at: Option<Timestamp>,
    breached: bool,
    warned: bool,
    /// How often it was paused: each time less than a second is lost.
    pauses: i64,
}

#[derive(Debug)]
struct Audit {
    promise: Promise,
    status: Status,
    /// When the oldest question came that nobody has answered.
    waiting: Option<Timestamp>,
    /// The questions so far, and when they came.
    asked: BTreeMap<u64, Timestamp>,
    clocks: BTreeMap<Metric, Clock>,
    broken: Vec<String>,
}

impl Audit {
    fn new(promise: Promise) -> Self {
        Self {
            promise,
            status: Status::New,
            waiting: None,
            asked: BTreeMap::new(),
            clocks: BTreeMap::new(),
            broken: Vec::new(),
        }
    }

    fn go_through(&mut self, case: &Case, now: Timestamp) {
        for event in &case.events {
            self.elapsed(event);
            for change in &event.effects.sla {
                self.follow(change, event);
            }
            self.wait(event);
            if let Some(status) = event.effects.status {
                self.status = status;
            }
            self.stands(event);
        }
        for (metric, clock) in &self.clocks {
            let overdue = |at: Timestamp| clock.since.is_some() && now.duration_since(at) > LATE;
            if clock.deadline.is_some_and(overdue) || clock.warn_at.is_some_and(overdue) {
                self.broken.push(format!("{metric:?} is overdue and nothing was told"));
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
            let right = change.instance == instance && aim.target == self.target(metric);
            if pending || !right || !self.may_start(metric, *at, event) {
                let effects = &event.effects;
                self.wrong(event, &format!("starts {metric:?} wrongly: {effects:?}, before it {before:?}"));
            }
            let mut clock = Clock {
                instance,
                pending: true,
                since: Some(*at),
                used: before.filter(|_| metric == Metric::Resolution).map_or(0, |clock| clock.used),
                deadline: aim.deadline,
                warn_at: aim.warn_at,
                breached: false,
                warned: false,
                pauses: 0,
            };
            self.promised(metric, &mut clock, *at, event);
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
            ClockStep::Pause { .. } | ClockStep::Fulfill { .. } | ClockStep::Cancel { .. } => {
                clock.used += clock.since.map_or(0, |since| milliseconds(event.at.duration_since(since)));
                clock.pauses += 1;
                clock.since = None;
                clock.deadline = None;
                clock.warn_at = None;
                clock.pending = matches!(change.step, ClockStep::Pause { .. });
            }
            ClockStep::Resume { at, aim } => {
                clock.pending = true;
                clock.since = Some(*at);
                clock.deadline = aim.deadline;
                clock.warn_at = aim.warn_at;
                self.promised(metric, &mut clock, *at, event);
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
            ClockStep::Retarget { .. } => {
                self.wrong(event, "changes a promise that nobody changed");
            }
        }
        self.clocks.insert(metric, clock);
    }

    /// Since when a clock may count: from its event on, or, where an unanswered question is taken up again, from that.
    fn may_start(&self, metric: Metric, at: Timestamp, event: &Event) -> bool {
        // What a late answer does not answer goes on from when it was asked.
        let left = left_by(event).and_then(|question| self.asked.get(&question).copied());
        let taken_up = left.or(self.waiting).filter(|_| metric != Metric::Resolution && !is_question(event));
        match taken_up {
            Some(since) if !self.status.is_active() => at == since,
            Some(since) => at == since || at == event.at,
            None => at == event.at,
        }
    }

    /// Whether somebody waits after an event.
    fn wait(&mut self, event: &Event) {
        if is_question(event) {
            self.asked.insert(event.seq, event.at);
        }
        match &event.fact {
            _ if is_answer(event) => self.waiting = None,
            _ if left_by(event).is_some() => {
                self.waiting = left_by(event).and_then(|question| self.asked.get(&question).copied());
            }
            Fact::ReplyFailed(problem) | Fact::ReplyUncertain(problem) if problem.leaves_waiting() => {
                self.waiting = self.waiting.or(Some(event.at));
            }
            // Whoever asks again after a solution waits from then on.
            _ if is_question(event) && self.status == Status::Solved => self.waiting = Some(event.at),
            _ if is_question(event) => self.waiting = self.waiting.or(Some(event.at)),
            _ => {}
        }
        if event.effects.status == Some(Status::Closed) {
            self.waiting = None;
        }
    }

    /// The moments that a run is given are those that follow from what was used up.
    fn promised(&mut self, metric: Metric, clock: &mut Clock, at: Timestamp, event: &Event) {
        let target = i64::try_from(self.target(metric) * 1000).unwrap_or(i64::MAX);
        let left = |share: i64| (share - clock.used).max(0);
        let near = |told: Option<Timestamp>, left: i64| {
            told.is_some_and(|told| {
                (milliseconds(told.duration_since(at)) - left).abs() <= 1000 * clock.pauses
            })
        };
        let warning = left(target / 100 * i64::from(self.promise.warn_percent));
        let warns = near(clock.warn_at, warning) || (clock.warned && clock.warn_at.is_none());
        let in_time = if clock.breached {
            clock.deadline.is_none() && clock.warn_at.is_none()
        } else {
            near(clock.deadline, left(target)) && warns
        };
        if !in_time {
            let (deadline, warn_at) = (clock.deadline, clock.warn_at);
            self.wrong(
                event,
                &format!("gives {metric:?} {deadline:?} and {warn_at:?}, used {} ms", clock.used),
            );
        }
    }

    /// Which clocks there are after an event.
    fn stands(&mut self, event: &Event) {
        let pending = |metric: Metric| self.clocks.get(&metric).is_some_and(|clock| clock.pending);
        let answers =
            [Metric::FirstResponse, Metric::NextResponse].into_iter().filter(|one| pending(*one)).count();
        let resolution = pending(Metric::Resolution);
        let mut wrong = Vec::new();
        if answers > 1 {
            wrong.push("two answers are awaited");
        }
        if resolution != self.status.is_active() {
            wrong.push("the resolution is awaited without work, or work without it");
        }
        if !self.status.is_active() && answers > 0 {
            wrong.push("an answer is awaited where nobody works");
        }
        match &event.fact {
            _ if is_question(event) && self.status.is_active() && answers == 0 => {
                wrong.push("a question awaits no answer");
            }
            _ if left_by(event).is_some() && pending(Metric::FirstResponse) => {
                wrong.push("the first answer is awaited that was just given");
            }
            _ if left_by(event).is_some() && self.status.is_active() && answers == 0 => {
                wrong.push("a question that an answer left waiting awaits none");
            }
            _ if is_answer(event) && answers > 0 => wrong.push("an answer is awaited that was just given"),
            Fact::ReplyFailed(problem) | Fact::ReplyUncertain(problem)
                if problem.leaves_waiting() && self.status.is_active() && answers == 0 =>
            {
                wrong.push("an answer that did not arrive is not awaited");
            }
            _ => {}
        }
        let runs = self.status.is_active() && !self.status.pauses_sla();
        if self.clocks.values().any(|clock| clock.pending && clock.since.is_some() != runs) {
            wrong.push("a clock runs that should stand, or stands that should run");
        }
        for what in wrong {
            self.wrong(event, what);
        }
    }

    const fn target(&self, metric: Metric) -> u64 {
        match metric {
            Metric::FirstResponse => self.promise.first_response,
            Metric::NextResponse => self.promise.next_response,
            Metric::Resolution => self.promise.resolution,
        }
    }

    fn wrong(&mut self, event: &Event, what: &str) {
        self.broken.push(format!("event {} {what}", event.seq));
    }
}

fn is_question(event: &Event) -> bool {
    match &event.fact {
        Fact::MessageReceived(message) => message.asks,
        Fact::Gap { asks, .. } => *asks,
        Fact::ButtonPressed(_) => true,
        _ => false,
    }
}

/// Whether a human answers by it: one that is scheduled does when its time has come.
fn is_answer(event: &Event) -> bool {
    match &event.fact {
        Fact::Replied(replied) => !replied.automatic && replied.not_before.is_none(),
        Fact::ReplyDue { left, .. } => left.is_none(),
        Fact::ReplyConfirmed { automatic, left, .. } => !automatic && left.is_none(),
        _ => false,
    }
}

/// The question that an answer leaves waiting, because it was written before.
fn left_by(event: &Event) -> Option<u64> {
    match &event.fact {
        Fact::ReplyDue { left, .. } | Fact::ReplyConfirmed { left, .. } => *left,
        _ => None,
    }
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
