//! The figures, one a module.

pub mod acknowledgement;
pub mod clock;
pub mod cost;
mod first;
pub mod functions;
pub mod mail;
pub mod units;
