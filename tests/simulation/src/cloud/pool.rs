//! Machines of one function, kept as long as nothing ends them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chance::Chance;

/// How often a machine is given up although nothing happened to it, in so many of 1000 cases.
const GIVEN_UP: u64 = 30;

/// The machines of one function that have nothing to do.
#[derive(Debug)]
pub(super) struct Pool<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    idle: Vec<Kept<T>>,
    built: u64,
}

/// A machine with its number.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) number: u64,
    pub(super) function: T,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { idle: Vec::new(), built: 0 }) }
    }
}

impl<T> Pool<T> {
    /// A machine that has nothing to do, or a new one.
    pub(super) fn take(&self, chance: &Chance, build: impl FnOnce() -> T) -> Kept<T> {
        let number = {
            let mut state = self.state();
            if let Some(kept) = state.idle.pop()
                && !chance.happens(GIVEN_UP)
            {
                return kept;
            }
            state.built += 1;
            state.built
        };
        Kept { number, function: build() }
    }

    /// Gives a machine back that is still good.
    pub(super) fn give_back(&self, kept: Kept<T>) {
        self.state().idle.push(kept);
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
