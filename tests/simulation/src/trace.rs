//! What happened in a run, in order: kept to be read, or only hashed.

use std::sync::{Mutex, PoisonError};

use crate::chance::{extend, hash};
use crate::time::Hours;

/// The trace of one run.
#[derive(Debug)]
pub struct Trace {
    hours: Hours,
    keep: bool,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    hash: u64,
    lines: Vec<String>,
}

impl Trace {
    /// An empty trace, which keeps its lines or not.
    pub fn new(hours: Hours, keep: bool) -> Self {
        Self { hours, keep, told: Mutex::new(Told { hash: hash(&[]), lines: Vec::new() }) }
    }

    /// Notes something with its time.
    pub fn note(&self, what: &str) {
        let now = self.hours.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.hash = extend(extend(told.hash, &now.as_millisecond().to_le_bytes()), what.as_bytes());
        if self.keep {
            told.lines.push(format!("{now:.3}  {what}"));
        }
    }

    /// What tells two runs apart that did not do the same at the same time.
    pub fn hash(&self) -> u64 {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).hash
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }
}
