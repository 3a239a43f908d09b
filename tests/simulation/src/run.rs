//! One run: a desk, its people, what goes wrong, and what must hold.

mod seeded;
mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

pub use self::story::Story;
use crate::cloud::Cloud;
use crate::fault::Fate;
use crate::history::History;
use crate::invariants::{broken, seen, unfinished};
use crate::journey::{Office, Promise, Stage, everybody_looks, read_again};

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scenario {
    /// What a seed makes of everything.
    Seed(u64),
    /// One short story, in which these effects are struck.
    Story(Story, BTreeMap<u64, Fate>),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What did not hold.
    pub broken: Vec<String>,
    /// What tells two runs apart that were not the same.
    pub hash: u64,
    /// How many effects there were, as long as things could go wrong.
    pub effects: u64,
    /// How often each fault struck.
    pub struck: BTreeMap<&'static str, u64>,
    /// How often each kind of thing happened.
    pub seen: BTreeMap<String, u64>,
    /// How many messages customers wrote, and how many replies agents did.
    pub said: (usize, usize),
    /// What happened, if it was to be kept.
    pub trace: Vec<String>,
}

impl Outcome {
    /// How a run ended that was looked at twice: nothing that was broken before is forgotten.
    fn followed_by(self, later: Self) -> Self {
        let mut broken = self.broken;
        broken.extend(later.broken);
        let mut told = BTreeSet::new();
        broken.retain(|what| told.insert(what.clone()));
        Self { broken, effects: self.effects, ..later }
    }
}

/// Runs a scenario, in a world of its own.
///
/// # Panics
/// When there is no thread to run on.
#[expect(clippy::expect_used, reason = "without a runtime nothing can be said about the desk")]
pub fn run(scenario: &Scenario, keep_trace: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match scenario {
            Scenario::Seed(seed) => seeded::run(*seed, keep_trace).await,
            Scenario::Story(story, struck) => story::run(*story, struck.clone(), keep_trace).await,
        }
    })
}

/// A desk that was set up, with everything that calls functions running.
async fn open(cloud: Arc<Cloud>, promise: Promise) -> Result<Stage, String> {
    cloud.start();
    let office = Office::set_up(&cloud, promise).await?;
    let history = History::default();
    let opened = cloud.hours.now();
    history.promised(history.promise(promise, opened), opened);
    Ok(Stage { cloud, history: Arc::new(history), office: Arc::new(office) })
}

/// Gives the desk time to finish everything. What is left after days is told.
async fn drain(stage: &Stage) -> Option<String> {
    const LONGEST: Duration = Duration::from_hours(72);
    let begun = Instant::now();
    let mut pause = Duration::from_secs(61);
    loop {
        let left = unfinished(stage)?;
        if begun.elapsed() > LONGEST {
            return Some(left);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_mins(30));
    }
}

/// Ends a run: nothing goes wrong any more, everything is given time, dead letters are sent again by the operator.
async fn close(stage: &Stage) -> Outcome {
    let cloud = &stage.cloud;
    let effects = cloud.faults.effects();
    cloud.faults.stop();
    cloud.trace.note("nothing goes wrong any more");
    let mut left = drain(stage).await;
    // What somebody had in hand who was sending them again when nothing went wrong any more is free again.
    tokio::time::sleep(Duration::from_secs(31)).await;
    for (name, queue) in cloud.with_dead_letters() {
        if !queue.dead_letters().is_empty() {
            // Only what failed at every delivery may be here; sent again, it must arrive like everything else.
            cloud.trace.note(&format!("dead letters of {name} are sent again"));
            let path = format!("/dead-letters/{name}/redrive");
            stage.office.insist(cloud, Method::POST, &path, None, None).await;
            left = left.or(drain(stage).await);
        }
    }
    if stage.history.state().said.iter().any(|said| said.kept) {
        read_again(stage).await;
        left = left.or(drain(stage).await);
    }
    everybody_looks(stage).await;
    let mut broken = broken(stage).await;
    broken.extend(left.map(|left| format!("the desk does not come to rest: {left}")));
    if cloud.is_quiet() && cloud.with_dead_letters().iter().any(|(_, queue)| !queue.dead_letters().is_empty())
    {
        broken.push("there are dead letters although nothing went wrong any more".to_owned());
    }
    if !cloud.relay_dead.is_empty() {
        broken.push(format!("the relay did not understand {:?}", cloud.relay_dead.bodies()));
    }
    let seen = seen(stage);
    let history = stage.history.state();
    Outcome {
        broken,
        hash: cloud.trace.hash(),
        effects,
        struck: cloud.faults.struck(),
        seen,
        said: (history.said.len(), history.asked.len()),
        trace: cloud.trace.lines(),
    }
}

fn unopened(error: String) -> Outcome {
    Outcome {
        broken: vec![format!("the desk could not be set up: {error}")],
        hash: 0,
        effects: 0,
        struck: BTreeMap::new(),
        seen: BTreeMap::new(),
        said: (0, 0),
        trace: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_broken_stays_so_whatever_is_found_later() {
        let broken = |what: &[&str]| Outcome {
            broken: what.iter().map(|what| (*what).to_owned()).collect(),
            ..unopened(String::new())
        };
        let both = broken(&["a", "b"]).followed_by(broken(&["b", "c"]));
        assert_eq!(both.broken, ["a", "b", "c"]);
        assert_eq!(broken(&["a"]).followed_by(broken(&[])).broken, ["a"]);
    }
}
