//! Every effect of one story, lost in every way: each alone, and in pairs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::chance::Chance;
use crate::fault::Fate;
use crate::run::{Outcome, Scenario, run};

/// Which effects of the story are struck, in the words of an option: `12:crash-before,30:acknowledgement-lost`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Struck(pub BTreeMap<u64, Fate>);

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> =
            self.0.iter().map(|(number, fate)| format!("{number}:{}", option(*fate))).collect();
        f.write_str(&words.join(","))
    }
}

impl FromStr for Struck {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split(',').filter(|word| !word.is_empty());
        let struck = words.map(|word| {
            let (number, fate) = word.split_once(':').ok_or(format!("`{word}` is no NUMBER:FATE"))?;
            let known = Fate::LOSSES.into_iter().find(|known| option(*known) == fate);
            let number = number.parse().map_err(|_| format!("`{number}` is no number of an effect"))?;
            Ok((number, known.ok_or(format!("`{fate}` is not what the story's effects may meet"))?))
        });
        struck.collect::<Result<_, String>>().map(Self)
    }
}

fn option(fate: Fate) -> String {
    fate.word().replace(' ', "-")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_told() {
        let plan = Struck(BTreeMap::from([(12, Fate::CrashBefore), (30, Fate::AcknowledgementLost)]));
        assert_eq!(plan.to_string(), "12:crash-before,30:acknowledgement-lost");
        assert_eq!(plan.to_string().parse(), Ok(plan));
        assert_eq!("".parse(), Ok(Struck::default()));
        for wrong in ["12", "x:crash-before", "12:late"] {
            assert!(wrong.parse::<Struck>().is_err(), "{wrong}");
        }
    }
}
