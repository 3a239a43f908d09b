//! Some seeds, and every effect of the stories lost once. `tests/simulate` runs many more.

use std::collections::BTreeMap;

use simulation::crashes;
use simulation::fault::Fate;
use simulation::run::{Scenario, Story, run};

#[test]
fn some_seeds_hold() {
    for seed in 1..=20 {
        let outcome = run(&Scenario::Seed(seed), false);
        assert_eq!(outcome.broken, Vec::<String>::new(), "seed {seed}");
    }
}

/// Loses each effect of a story once, in each way.
fn each_lost_once(story: Story) {
    let effects = crashes::effects(story).unwrap();
    assert!(effects > 50, "the story has {effects} effects");
    for scenario in crashes::singles(story, effects) {
        let outcome = run(&scenario, false);
        assert_eq!(outcome.broken, Vec::<String>::new(), "{scenario:?}");
        // Where something is out of reach, the story refuses by itself.
        let struck = Fate::LOSSES.iter().filter_map(|fate| outcome.struck.get(fate.word())).sum::<u64>();
        assert_eq!(struck, 1, "{scenario:?}");
    }
}

#[test]
fn every_effect_of_an_order_may_be_lost_once() {
    each_lost_once(Story::Order);
}

#[test]
fn every_effect_of_a_visit_may_be_lost_once() {
    each_lost_once(Story::Visit);
}

#[test]
fn every_effect_of_a_family_may_be_lost_once() {
    each_lost_once(Story::Family);
}

#[test]
fn every_effect_of_a_return_may_be_lost_once() {
    each_lost_once(Story::Return);
}

#[test]
fn every_effect_of_trouble_may_be_lost_once() {
    each_lost_once(Story::Trouble);
}

#[test]
fn every_effect_of_promises_may_be_lost_once() {
    each_lost_once(Story::Promises);
}

#[test]
fn who_asks_for_patience_leaves_no_doubt() {
    // `…  #28 sender/1: request sendDocument`
    fn sending(line: &str) -> Option<u64> {
        let (number, effect) = line.split_once('#')?.1.split_once(' ')?;
        let (function, what) = effect.split_once(": ")?;
        let sends = function.starts_with("sender/") && (what == "mail" || what.starts_with("request send"));
        sends.then(|| number.parse().ok())?
    }

    let mut sent = 0;
    for story in Story::ALL {
        let told = run(&Scenario::Story(story, BTreeMap::new()), true).trace;
        for number in told.iter().filter_map(|line| sending(line)) {
            let scenario = Scenario::Story(story, BTreeMap::from([(number, Fate::Throttled(20))]));
            let outcome = run(&scenario, false);
            assert_eq!(outcome.broken, Vec::<String>::new(), "{scenario:?}");
            assert_eq!(outcome.struck.get(Fate::Throttled(20).word()), Some(&1), "{scenario:?}");
            sent += 1;
        }
    }
    assert!(sent > 10, "{sent} requests");
}

#[test]
fn the_stories_tell_what_they_should() {
    let parts: [(Story, (usize, usize), &[&str]); 6] = [
        (
            Story::Order,
            (4, 3),
            &[
                "POST /api/v1/tickets 201",
                "request sendMessage",
                "mail",
                "outbound send",
                "object originals",
                "work send",
            ],
        ),
        (Story::Visit, (3, 3), &["attachments 201", "mail", "messages 202", "push", "read 204"]),
        (Story::Family, (3, 2), &["request getFile", "request sendDocument", "request answerCallbackQuery"]),
        (Story::Return, (3, 3), &["notes 201", "replies 201", "replay 200"]),
        (Story::Trouble, (2, 2), &["redrive 20", "resolve 20", "PATCH /api/v1/connections/"]),
        (Story::Promises, (4, 1), &["PUT /api/v1/sla-policies/", "clock/1: table write S#recomputation"]),
    ];
    for (story, said, parts) in parts {
        let outcome = run(&Scenario::Story(story, BTreeMap::new()), true);
        assert_eq!(outcome.broken, Vec::<String>::new(), "{story:?}");
        assert_eq!(outcome.said, said, "{story:?}");
        for part in parts {
            assert!(outcome.trace.iter().any(|line| line.contains(part)), "nothing of `{part}` in {story:?}");
        }
    }
    let kinds: [(Story, &[&str]); 6] = [
        (Story::Order, &["clock breach", "clock warn", "event updated", "ticket opened in a conversation"]),
        (
            Story::Visit,
            &["copy sent", "copy read", "file stored", "message by email", "push message", "push reload"],
        ),
        (
            Story::Family,
            &["conversation moved", "event button_pressed", "event reacted", "file stored", "ticket solved"],
        ),
        (
            Story::Return,
            &[
                "event auto_closed",
                "event followed_up",
                "event message_edited",
                "event note_added",
                "event reacted",
                "event reinterpreted",
                "event reply_due",
                "repetition after 7 days",
            ],
        ),
        (Story::Promises, &["clock cancel", "clock retarget", "event sla_recomputed"]),
        (
            Story::Trouble,
            &[
                "dead letter of inbound",
                "event gap",
                "event reachability_changed",
                "event reply_failed",
                "reply failed",
            ],
        ),
    ];
    for (story, kinds) in kinds {
        let seen = run(&Scenario::Story(story, BTreeMap::new()), false).seen;
        for kind in kinds.iter().chain(&["reply sent"]) {
            assert!(seen.get(*kind).is_some_and(|times| *times > 0), "no {kind} in {story:?}: {seen:?}");
        }
    }
}
