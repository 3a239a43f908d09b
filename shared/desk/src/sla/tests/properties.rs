//! What holds of the clocks whatever happens to a ticket.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

/// What may happen to a ticket.
#[derive(Debug, Clone)]
enum Step {
    Ask,
    Answer,
    Undelivered,
    Move(Status),
    Priority(Priority),
    Calendar(bool),
    Tick,
}

fn any_step() -> impl Strategy<Value = (Step, i64)> {
    let priorities = [Priority::Low, Priority::Normal, Priority::Urgent];
    let step = prop_oneof![
        4 => Just(Step::Ask),
        3 => Just(Step::Answer),
        1 => Just(Step::Undelivered),
        4 => prop::sample::select(&Status::ALL[..]).prop_map(Step::Move),
        2 => prop::sample::select(priorities.to_vec()).prop_map(Step::Priority),
        1 => any::<bool>().prop_map(Step::Calendar),
        3 => Just(Step::Tick),
    ];
    // Mostly minutes, sometimes days, in milliseconds.
    (step, prop_oneof![4 => 0..3_000_000_i64, 1 => 0..200_000_000_i64])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_clocks_keep_their_promises(steps in prop::collection::vec(any_step(), 1..60)) {
        let with_hours = settings();
        let around_the_clock = Settings { calendars: Vec::new(), ..with_hours.clone() };
        let (mut settings, mut priority) = (&with_hours, Priority::Normal);
        let (mut sla, mut log) = (Sla::default(), Vec::new());
        let (mut status, mut answered, mut now) = (Status::New, false, monday("08:00"));
        let mut started = BTreeMap::new();
        log.extend(sla.take(sla.opened(&terms(settings), now)));
        started.insert((Metric::Resolution, 1), now);
        for (step, pause) in steps {
            now += SignedDuration::from_millis(pause);
            let before = sla.clone();
            let mut changes = sla.take(sla.elapse(now));
            prop_assert_eq!(sla.elapse(now), []);
            prop_assert!(sla.next_due().is_none_or(|due| due >= now));
            match &step {
                Step::Priority(new) => priority = *new,
                Step::Calendar(hours) => settings = if *hours { &with_hours } else { &around_the_clock },
                _ => {}
            }
            let terms = Terms { priority, ..terms(settings) };
            changes.extend(sla.take(match step {
                Step::Ask => sla.asked(&terms, answered, now),
                Step::Answer => {
                    answered = true;
                    sla.answered(&terms, now)
                }
                Step::Undelivered if answered => sla.undelivered(&terms, now),
                Step::Move(to) => sla.moved(&terms, std::mem::replace(&mut status, to), to, now),
                Step::Priority(_) | Step::Calendar(_) => sla.retargeted(&terms, now),
                Step::Undelivered | Step::Tick => Vec::new(),
            }));

            let response = |clock: &&Clock| clock.metric != Metric::Resolution && clock.is_pending();
            let pending = sla.clocks.iter().filter(response).count();
            prop_assert!(pending <= 1, "{pending} response clocks are pending");
            for change in &changes {
                if let ClockStep::Activate { at, .. } = &change.step {
                    let last = started.keys().filter(|(metric, _)| *metric == change.metric).max();
                    prop_assert_eq!(change.instance, last.map_or(1, |(_, instance)| instance + 1));
                    // A resolution goes on where its promise had ended.
                    let since = match change.metric {
                        Metric::Resolution => started.get(&(change.metric, 1)).copied().unwrap_or(*at),
                        _ => *at,
                    };
                    started.insert((change.metric, change.instance), since);
                }
            }
            for clock in &sla.clocks {
                let age = now.duration_since(started[&(clock.metric, clock.instance)]).as_secs();
                prop_assert!(clock.used <= age.unsigned_abs());
                prop_assert_eq!(clock.breached.is_some(), clock.state == ClockState::Breached);
                prop_assert!(clock.since.is_none() || clock.is_pending());
                let same = |old: &&Clock| (old.metric, old.instance) == (clock.metric, clock.instance);
                if let Some(old) = before.clocks.iter().find(same) {
                    prop_assert!(old.breached.is_none() || clock.breached == old.breached);
                    prop_assert!(clock.used >= old.used);
                }
                if clock.state == ClockState::Met {
                    prop_assert!(clock.ended == Some(Ending::Fulfilled) && !clock.is_pending());
                }
            }
            log.extend(changes);
        }
        let log: Vec<ClockChange> = serde_json::from_str(&serde_json::to_string(&log).unwrap()).unwrap();
        let mut folded = Sla::default();
        log.iter().for_each(|change| folded.apply(change));
        prop_assert_eq!(&folded, &sla);
        let stored = serde_json::to_string(&sla).unwrap();
        prop_assert_eq!(serde_json::from_str::<Sla>(&stored).unwrap(), sla);
    }
}
