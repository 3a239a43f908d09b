//! The router on a real table: what it writes, and what that costs.

mod budget;
mod counting;
mod routing;
mod stage;
