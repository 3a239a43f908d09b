//! Every effect of a story, lost in every way: each alone, and in pairs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::chance::Chance;
use crate::fault::Fate;
use crate::run::{Outcome, Scenario, Story, run};

/// Which effects of which story are struck, in the words of an option: `visit/12:crash-before,30:acknowledgement-lost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Struck(pub Story, pub BTreeMap<u64, Fate>);

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> =
            self.1.iter().map(|(number, fate)| format!("{number}:{}", option(*fate))).collect();
        write!(f, "{}/{}", self.0.name(), words.join(","))
    }
}

impl FromStr for Struck {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, words) = text.split_once('/').ok_or(format!("`{text}` is no STORY/NUMBER:FATE,…"))?;
        let story = Story::ALL.into_iter().find(|story| story.name() == name);
        let words = words.split(',').filter(|word| !word.is_empty());
        let struck = words.map(|word| {
            let (number, fate) = word.split_once(':').ok_or(format!("`{word}` is no NUMBER:FATE"))?;
            let known = Fate::LOSSES.into_iter().find(|known| option(*known) == fate);
            let number = number.parse().map_err(|_| format!("`{number}` is no number of an effect"))?;
            Ok((number, known.ok_or(format!("`{fate}` is not what the story's effects may meet"))?))
        });
        let struck = struck.collect::<Result<_, String>>()?;
        Ok(Self(story.ok_or(format!("`{name}` is no story"))?, struck))
    }
}

fn option(fate: Fate) -> String {
    fate.word().replace(' ', "-")
}

/// How many effects a story has when nothing goes wrong.
///
/// # Errors
/// With what does not hold even then.
pub fn effects(story: Story) -> Result<u64, Vec<String>> {
    let Outcome { broken, effects, .. } = run(&Scenario::Story(story, BTreeMap::new()), false);
    if broken.is_empty() { Ok(effects) } else { Err(broken) }
}

/// Each effect is lost once, in each way.
pub fn singles(story: Story, effects: u64) -> Vec<Scenario> {
    let one = |number| Fate::LOSSES.map(|fate| Scenario::Story(story, BTreeMap::from([(number, fate)])));
    (1..=effects).flat_map(one).collect()
}

/// Any two effects are lost: so many such plans, of any losses, which a seed decides; or all plans of two crashes.
///
/// Where all are tried, the second effect may be one that only the first loss leads to, so that there are a few more.
pub fn pairs(story: Story, effects: u64, sample: Option<(u64, u64)>) -> Vec<Scenario> {
    const FOLLOWING: u64 = 20;
    let pair =
        |first, one, second, other| Scenario::Story(story, BTreeMap::from([(first, one), (second, other)]));
    let Some((sample, seed)) = sample else {
        let mut all = Vec::new();
        for first in 1..=effects {
            for second in first + 1..=effects + FOLLOWING {
                for one in Fate::CRASHES {
                    all.extend(Fate::CRASHES.map(|other| pair(first, one, second, other)));
                }
            }
        }
        return all;
    };
    let chance = Chance::new(seed);
    let loss = || chance.pick(&Fate::LOSSES).copied().unwrap_or(Fate::CrashBefore);
    let draw = |_| {
        let first = chance.between(1, effects.saturating_sub(1));
        pair(first, loss(), chance.between(first + 1, effects), loss())
    };
    (0..sample).map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_told() {
        let plan =
            Struck(Story::Visit, BTreeMap::from([(12, Fate::CrashBefore), (30, Fate::AcknowledgementLost)]));
        assert_eq!(plan.to_string(), "visit/12:crash-before,30:acknowledgement-lost");
        assert_eq!(plan.to_string().parse(), Ok(plan));
        assert_eq!("order/".parse(), Ok(Struck(Story::Order, BTreeMap::new())));
        for wrong in ["12:crash-before", "order/12", "order/x:crash-before", "visit/12:late", "other/"] {
            assert!(wrong.parse::<Struck>().is_err(), "{wrong}");
        }
    }
}
