//! What the core promises, through its public functions.

mod decide;
mod fold;
