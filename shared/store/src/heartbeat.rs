//! When the clock last ran: what the doctor looks at first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::{Condition, Item, Key, Table, TableError, Write};

/// The latest sweep of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it ended.
    pub at: Timestamp,
    /// Whether time ran out before everything due was seen.
    pub unfinished: bool,
}

/// Notes a sweep in the `index` table.
///
/// # Errors
/// When the table is unavailable.
pub async fn beat(index: &dyn Table, heartbeat: &Heartbeat) -> Result<(), TableError> {
    index.write(vec![Write::Put(Item::new(key(), heartbeat)?, Condition::Any)]).await
}

/// The latest sweep, if there was one.
///
/// # Errors
/// When the table is unavailable.
pub async fn latest(index: &dyn Table) -> Result<Option<Heartbeat>, TableError> {
    index.get(&key()).await?.map(Item::read).transpose()
}

fn key() -> Key {
    Key::new("H#clock", "@")
}
