//! The same seed gives the same run.

use simulation::run::{Scenario, run};

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in [3, 78, 1004] {
        let first = run(&Scenario::Seed(seed), true);
        let second = run(&Scenario::Seed(seed), true);
        let difference = first.trace.iter().zip(&second.trace).find(|(one, other)| one != other);
        assert_eq!(difference, None, "seed {seed}");
        assert_eq!(first, second, "seed {seed}");
        assert!(first.effects > 20, "seed {seed} did next to nothing");
    }
    assert_ne!(run(&Scenario::Seed(1), false).hash, run(&Scenario::Seed(2), false).hash);
}
