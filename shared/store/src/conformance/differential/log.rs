//! Compares answers, and keeps which differences a run met.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::answer::Answer;
use super::differences::{DIFFERENCES, Difference, Recognised};
use super::tables::{FAILED, HELD};
use super::{Engine, SEED};
use crate::conformance::{PATIENCE, PAUSE};

/// What the runs of one engine against SQLite met.
pub struct Log {
    engine: Engine,
    /// How often, by what was met.
    met: Mutex<BTreeMap<&'static str, u64>>,
}

/// Where a run is.
pub(super) struct Place<'a> {
    pub(super) seed: u64,
    pub(super) step: usize,
    pub(super) what: &'a (dyn Debug + Sync),
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, step {}: {:?}", self.seed, self.step, self.what)
    }
}

impl Log {
    /// Nothing yet.
    pub fn new(engine: Engine) -> Self {
        Self { engine, met: Mutex::default() }
    }

    /// The engine that is compared with SQLite.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// How often something was met: a difference by its name, or what a run counts besides.
    pub fn times(&self, name: &str) -> u64 {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }

    /// Whether transactions held about as often as they failed. Of one seed alone this is not expected.
    pub fn is_balanced(&self) -> bool {
        let (held, failed) = (self.times(HELD), self.times(FAILED));
        std::env::var(SEED).is_ok() || (held < 2 * failed && failed < 2 * held)
    }

    /// All that was met, in a line.
    pub fn report(&self) -> String {
        let mut line = format!("{:?} and SQLite:", self.engine);
        for (name, times) in &*self.met.lock().unwrap_or_else(PoisonError::into_inner) {
            let _infallible = write!(line, " {name} ×{times};");
        }
        line
    }

    pub(super) fn count(&self, name: &'static str) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    /// Whether the engine may do something that is in the list.
    pub(super) fn allows(&self, name: &str) -> bool {
        self.allowed().any(|difference| difference.name == name)
    }

    fn allowed(&self) -> impl Iterator<Item = &'static Difference> {
        DIFFERENCES.iter().filter(|difference| difference.engines.contains(&self.engine))
    }

    /// Asks the engine, again where it may need that, until its answer is the expected one but for what is in the list.
    ///
    /// # Panics
    /// When it is not.
    pub(super) async fn same(
        &self,
        place: &Place<'_>,
        ask: impl AsyncFn() -> Answer,
        expected: &Answer,
        pause: impl Fn(Duration) -> BoxFuture<'static, ()>,
    ) {
        let mut waited = Duration::ZERO;
        loop {
            let found = ask().await;
            if let Some(met) = self.explain(&found, expected) {
                met.into_iter().for_each(|name| self.count(name));
                return;
            }
            if waited >= PATIENCE || !self.may_wait(&found, expected) {
                let engine = self.engine;
                panic!(
                    "{engine:?} and SQLite differ: {place}\n {engine:?}: {found:?}\n SQLite: {expected:?}\n\
                     To see it again: {SEED}={}",
                    place.seed
                );
            }
            pause(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Whether asking again may change an answer.
    pub(super) fn may_wait(&self, found: &Answer, expected: &Answer) -> bool {
        let met = self.allowed().find(
            |difference| matches!(difference.recognised, Recognised::Awaited(may) if may(found, expected)),
        );
        met.is_some_and(|met| {
            self.count(met.name);
            true
        })
    }

    /// The differences without which two answers would not be equal; `None` when they are not even so.
    fn explain(&self, found: &Answer, expected: &Answer) -> Option<Vec<&'static str>> {
        if found == expected {
            return Some(Vec::new());
        }
        let levellers: Vec<_> = self
            .allowed()
            .filter_map(|difference| match difference.recognised {
                Recognised::Levelled(level) => Some((difference.name, level)),
                Recognised::Awaited(_) => None,
            })
            .collect();
        let equal_without = |left_out: Option<&str>| {
            let (mut found, mut expected) = (found.clone(), expected.clone());
            for (name, level) in &levellers {
                if Some(*name) != left_out {
                    level(&mut found, &mut expected);
                }
            }
            found == expected
        };
        equal_without(None).then(|| {
            let names = levellers.iter().map(|(name, _)| *name);
            names.filter(|name| !equal_without(Some(*name))).collect()
        })
    }
}
