//! Every effect of one story, lost in every way: each alone, and in pairs.

use std::collections::BTreeMap;

use crate::chance::Chance;
use crate::fault::Fate;
use crate::run::{Outcome, Scenario, run};

/// How many effects the story has when nothing goes wrong.
///
/// # Errors
/// With what does not hold even then.
pub fn effects() -> Result<u64, Vec<String>> {
    let Outcome { broken, effects, .. } = run(&Scenario::Story(BTreeMap::new()), false);
    if broken.is_empty() { Ok(effects) } else { Err(broken) }
}

/// Each effect is lost once, in each way.
pub fn singles(effects: u64) -> Vec<Scenario> {
    let one = |number| Fate::LOSSES.map(|fate| Scenario::Story(BTreeMap::from([(number, fate)])));
    (1..=effects).flat_map(one).collect()
}

/// Any two effects are lost, in any ways: all such plans, or so many of them.
///
/// The second effect may be one that only the first loss leads to, so that there are a few more of them.
pub fn pairs(effects: u64, sample: Option<u64>) -> Vec<Scenario> {
    const FOLLOWING: u64 = 20;
    let pair = |first, one, second, other| Scenario::Story(BTreeMap::from([(first, one), (second, other)]));
    let Some(sample) = sample else {
        let mut all = Vec::new();
        for first in 1..=effects {
            for second in first + 1..=effects + FOLLOWING {
                for one in Fate::LOSSES {
                    all.extend(Fate::LOSSES.map(|other| pair(first, one, second, other)));
                }
            }
        }
        return all;
    };
    let chance = Chance::new(sample);
    let loss = || chance.pick(&Fate::LOSSES).copied().unwrap_or(Fate::CrashBefore);
    let draw = |_| {
        let first = chance.between(1, effects);
        pair(first, loss(), chance.between(first + 1, effects + FOLLOWING), loss())
    };
    (0..sample).map(draw).collect()
}
