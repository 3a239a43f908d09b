//! The rules that move the clocks of a ticket.

use jiff::Timestamp;

use super::{Aim, Clock, ClockChange, ClockState, ClockStep, Ending, Metric, Sla, Terms};
use crate::calendar;
use crate::ticket::Status;

impl Sla {
    /// Whether no clock was ever started.
    pub fn is_empty(&self) -> bool {
        self.clocks.is_empty()
    }

    /// The clocks, in the order of the metrics, without cancelled ones.
    pub fn clocks(&self) -> &[Clock] {
        // `apply` keeps the cancelled ones last.
        let standing = self.clocks.partition_point(|clock| clock.ended != Some(Ending::Cancelled));
        self.clocks.get(..standing).unwrap_or_default()
    }

    /// The clock of a metric, unless it was cancelled.
    pub fn clock(&self, metric: Metric) -> Option<&Clock> {
        self.clocks().iter().find(|clock| clock.metric == metric)
    }

    /// Carries out a change. Total: what does not fit the clock is ignored.
    pub fn apply(&mut self, change: &ClockChange) {
        match &change.step {
            ClockStep::Activate { at, policy, used, aim } => {
                let earlier = self.clocks.iter().position(|clock| clock.metric == change.metric);
                if let Some(clock) = earlier.and_then(|index| self.clocks.get(index))
                    && (clock.is_pending() || clock.instance >= change.instance)
                {
                    return;
                }
                self.clocks.retain(|clock| clock.metric != change.metric);
                self.clocks.push(Clock {
                    metric: change.metric,
                    instance: change.instance,
                    state: ClockState::Running,
                    policy: *policy,
                    aim: aim.clone(),
                    used: *used,
                    since: Some(*at),
                    warned: false,
                    breached: None,
                    ended: None,
                });
            }
            step => {
                let same =
                    |clock: &&mut Clock| (clock.metric, clock.instance) == (change.metric, change.instance);
                if let Some(clock) = self.clocks.iter_mut().find(same) {
                    clock.follow(step);
                }
            }
        }
        self.clocks.sort_by_key(|clock| (clock.ended == Some(Ending::Cancelled), clock.metric));
    }

    /// When time next demands something: the earliest warning or deadline still ahead or not yet acted on.
    pub fn next_due(&self) -> Option<Timestamp> {
        let running = self.clocks.iter().filter(|clock| clock.state == ClockState::Running);
        running.flat_map(|clock| [clock.aim.warn_at, clock.aim.deadline]).flatten().min()
    }

    /// What the passing of time does: warnings whose moment has come, and breaches of deadlines that lie before
    /// `now`; exactly at the deadline the promise can still be kept. When both are due, the breach alone is told.
    pub fn elapse(&self, now: Timestamp) -> Vec<ClockChange> {
        let running = self.clocks.iter().filter(|clock| clock.state == ClockState::Running);
        let due = running.filter_map(|clock| match (clock.aim.deadline, clock.aim.warn_at) {
            (Some(deadline), _) if deadline < now => Some(clock.change(ClockStep::Breach { deadline })),
            (_, Some(warn_at)) if warn_at <= now => Some(clock.change(ClockStep::Warn)),
            _ => None,
        });
        due.collect()
    }

    /// The ticket was opened, or is promised a resolution now: starts that clock, unless there is one. It goes on with the
    /// time that was used up before its promise did not apply for a while.
    pub fn opened(&self, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        match self.clock(Metric::Resolution) {
            Some(_) => Vec::new(),
            None => self.activate(Metric::Resolution, terms, now),
        }
    }

    /// A customer asked: starts a response clock, unless one is pending.
    ///
    /// That is the one of the first response while no human ever answered. A ticket that was left unanswered, past
    /// the deadline, and is asked again has broken that promise for good; then the next response is measured.
    pub fn asked(&self, terms: &Terms<'_>, answered_before: bool, now: Timestamp) -> Vec<ClockChange> {
        if self.awaits_response() {
            Vec::new()
        } else if answered_before || self.clock(Metric::FirstResponse).is_some() {
            self.activate(Metric::NextResponse, terms, now)
        } else {
            self.activate(Metric::FirstResponse, terms, now)
        }
    }

    /// A human answered: fulfils the pending response clock.
    pub fn answered(&self, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        self.pending_responses().map(|clock| clock.fulfil(terms, now)).collect()
    }

    /// An answer turned out not to have been delivered: starts a clock of the next response, unless a response
    /// clock is pending. The fulfilled one stays as it is, because the team did answer in time.
    pub fn undelivered(&self, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        if self.awaits_response() { Vec::new() } else { self.activate(Metric::NextResponse, terms, now) }
    }

    /// The status changed.
    ///
    /// - Into one that pauses: running clocks pause.
    /// - Into an active one: paused clocks resume. On reopening the resolution clock goes on, as the same instance
    ///   with the time used so far, on the promise that held when it stopped.
    /// - Out of activity: the resolution is reached, unless the ticket is spam, which nobody resolves. Nobody waits for a
    ///   response any more. So these clocks are cancelled; one that is already breached stops and stays breached.
    pub fn moved(&self, terms: &Terms<'_>, from: Status, to: Status, now: Timestamp) -> Vec<ClockChange> {
        let reopened = !from.is_active() && to.is_active();
        let mut changes = Vec::new();
        for clock in &self.clocks {
            let goes_on = if clock.is_pending() {
                to.is_active() && !to.pauses_sla() && clock.since.is_none()
            } else {
                reopened && !clock.metric.awaits_answer() && clock.ended == Some(Ending::Fulfilled)
            };
            if goes_on {
                changes.push(clock.change(ClockStep::Resume { at: now, aim: clock.aim_from(terms, now) }));
            }
            if to.pauses_sla() && (clock.since.is_some() || goes_on) {
                changes.push(clock.change(ClockStep::Pause { used: clock.used_by(terms, now) }));
            }
            if !to.is_active() && clock.is_pending() {
                let reached = !clock.metric.awaits_answer() && to != Status::Spam;
                let over = reached || clock.state == ClockState::Breached;
                changes.push(if over { clock.fulfil(terms, now) } else { clock.cancel(terms, now) });
            }
        }
        changes
    }

    /// The ticket stands still: clocks that were just started pause.
    pub fn paused(&self, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        let running = self.clocks.iter().filter(|clock| clock.since.is_some());
        running.map(|clock| clock.change(ClockStep::Pause { used: clock.used_by(terms, now) })).collect()
    }

    /// The priority, a policy or a calendar changed: pending clocks follow the promise that now holds, or are
    /// cancelled when there is none. Nothing when all stays as it is.
    ///
    /// The time used so far counts against the new target. A deadline that has passed by now is breached by the
    /// next [`Sla::elapse`]. Met and breached clocks are history and stay. Starts no clock: for what a new policy
    /// adds to an active ticket call [`Sla::opened`], and [`Sla::asked`] while a customer waits; both leave the
    /// clocks alone that are there.
    pub fn retargeted(&self, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        let open =
            self.clocks.iter().filter(|clock| clock.is_pending() && clock.state != ClockState::Breached);
        open.filter_map(|clock| clock.retarget(terms, now)).collect()
    }

    fn pending_responses(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().filter(|clock| clock.is_pending() && clock.metric.awaits_answer())
    }

    fn awaits_response(&self) -> bool {
        self.pending_responses().next().is_some()
    }

    fn activate(&self, metric: Metric, terms: &Terms<'_>, now: Timestamp) -> Vec<ClockChange> {
        let Some((policy, target)) = terms.policy().and_then(|policy| Some((policy, policy.target(metric)?)))
        else {
            return Vec::new();
        };
        let earlier = self.clocks.iter().find(|clock| clock.metric == metric);
        let instance = earlier.map_or(0, |clock| clock.instance).saturating_add(1);
        let used = earlier.filter(|_| !metric.awaits_answer()).map_or(0, |clock| clock.used);
        let aim = terms.aim(target, policy.calendar, policy.warn_percent, used, Some(now));
        let step = ClockStep::Activate { at: now, policy: policy.id, used, aim };
        vec![ClockChange { metric, instance, step }]
    }
}

impl Clock {
    /// Whether it still awaits what it measures: running, paused, or breached and not yet stopped.
    pub fn is_pending(&self) -> bool {
        self.ended.is_none()
    }

    fn change(&self, step: ClockStep) -> ClockChange {
        ClockChange { metric: self.metric, instance: self.instance, step }
    }

    /// Seconds of the target used up until `now`.
    fn used_by(&self, terms: &Terms<'_>, now: Timestamp) -> u64 {
        let hours = terms.calendar(self.aim.calendar);
        let run = self.since.map_or(0, |since| calendar::between(hours, since, now));
        self.used.saturating_add(run)
    }

    fn fulfil(&self, terms: &Terms<'_>, now: Timestamp) -> ClockChange {
        self.change(ClockStep::Fulfill { used: self.used_by(terms, now) })
    }

    fn cancel(&self, terms: &Terms<'_>, now: Timestamp) -> ClockChange {
        self.change(ClockStep::Cancel { used: self.used_by(terms, now) })
    }

    /// The same promise for a run from `now` on. A broken one has no moments ahead.
    fn aim_from(&self, terms: &Terms<'_>, now: Timestamp) -> Aim {
        let Aim { target, calendar, .. } = self.aim;
        let warn_percent = terms.policy_named(self.policy).and_then(|policy| policy.warn_percent);
        let since = (self.state != ClockState::Breached).then_some(now);
        self.warn_once(terms.aim(target, calendar, warn_percent, self.used, since), now)
    }

    fn retarget(&self, terms: &Terms<'_>, now: Timestamp) -> Option<ClockChange> {
        let Some((policy, target)) =
            terms.policy().and_then(|policy| Some((policy, policy.target(self.metric)?)))
        else {
            return Some(self.cancel(terms, now));
        };
        let aim = terms.aim(target, policy.calendar, policy.warn_percent, self.used, self.since);
        let aim = self.warn_once(aim, now);
        let changed = self.policy != policy.id || self.aim != aim;
        changed.then(|| self.change(ClockStep::Retarget { policy: policy.id, aim }))
    }

    /// Takes the warning out where it was given, unless its new moment is still to come.
    fn warn_once(&self, aim: Aim, now: Timestamp) -> Aim {
        let warn_at = aim.warn_at.filter(|warn_at| !self.warned || *warn_at > now);
        Aim { warn_at, ..aim }
    }

    fn follow(&mut self, step: &ClockStep) {
        match step {
            ClockStep::Pause { used } if self.since.is_some() => {
                self.stop(*used, ClockState::Paused);
                self.aim.deadline = None;
            }
            ClockStep::Resume { at, aim }
                if self.since.is_none() && self.ended != Some(Ending::Cancelled) =>
            {
                self.since = Some(*at);
                self.ended = None;
                self.turn(ClockState::Running);
                self.promise(aim);
            }
            ClockStep::Warn if self.state == ClockState::Running => {
                self.warned = true;
                self.aim.warn_at = None;
            }
            ClockStep::Breach { deadline } if self.state == ClockState::Running => {
                self.breached = Some(*deadline);
                self.aim.warn_at = None;
                self.turn(ClockState::Breached);
            }
            ClockStep::Fulfill { used } if self.is_pending() => {
                self.stop(*used, ClockState::Met);
                self.ended = Some(Ending::Fulfilled);
            }
            ClockStep::Retarget { policy, aim }
                if self.is_pending() && self.state != ClockState::Breached =>
            {
                self.policy = *policy;
                self.promise(aim);
            }
            ClockStep::Cancel { used } if self.is_pending() && self.state != ClockState::Breached => {
                self.stop(self.used.max(*used), ClockState::Paused);
                self.aim.deadline = None;
                self.ended = Some(Ending::Cancelled);
            }
            _ => {}
        }
    }

    /// Enters a state. A broken promise stays broken.
    fn turn(&mut self, state: ClockState) {
        if self.state != ClockState::Breached {
            self.state = state;
        }
    }

    fn stop(&mut self, used: u64, state: ClockState) {
        self.used = used;
        self.since = None;
        self.aim.warn_at = None;
        self.turn(state);
    }

    fn promise(&mut self, aim: &Aim) {
        self.aim = aim.clone();
        self.warned &= aim.warn_at.is_none();
    }
}
