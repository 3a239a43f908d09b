//! Some seeds, and every effect of the story lost once. `tests/simulate` runs many more.

use std::collections::BTreeMap;

use simulation::crashes;
use simulation::run::{Scenario, run};

#[test]
fn some_seeds_hold() {
    for seed in 1..=20 {
        let outcome = run(&Scenario::Seed(seed), false);
        assert_eq!(outcome.broken, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn every_effect_of_the_story_may_be_lost_once() {
    let effects = crashes::effects().unwrap();
    assert!(effects > 50, "the story has {effects} effects");
    for scenario in crashes::singles(effects) {
        let outcome = run(&scenario, false);
        assert_eq!(outcome.broken, Vec::<String>::new(), "{scenario:?}");
        let struck: u64 = outcome.struck.values().sum();
        assert_eq!(struck, 1, "{scenario:?}");
    }
}

#[test]
fn the_story_tells_what_it_should() {
    let outcome = run(&Scenario::Story(BTreeMap::new()), true);
    assert_eq!(outcome.broken, Vec::<String>::new());
    assert_eq!(outcome.said, (4, 2));
    for part in
        ["request sendMessage", "mail", "inbound send", "outbound send", "object originals", "work send"]
    {
        assert!(outcome.trace.iter().any(|line| line.contains(part)), "nothing of `{part}`");
    }
}
