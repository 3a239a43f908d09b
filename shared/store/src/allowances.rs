//! How often a connection may say something by itself: counted in the same write as what it says, so that neither a
//! repeated delivery nor a crash counts twice.

use desk::channel::ThreadKey;
use desk::ids::ConnectionId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};

/// What the note of a used-up allowance is called among the counts.
const USED_UP: &str = "used-up";
/// How long it is told that an allowance was used up.
const TOLD: SignedDuration = SignedDuration::from_hours(24);

/// What may be done so often within a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// What is counted, for logs and the doctor, such as `the domain example.org`.
    pub what: String,
    /// How often it may be done.
    pub times: u64,
    /// Within how long; counted from midnight of 1970 on, not from the first time.
    pub within: SignedDuration,
}

/// How often something was done.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    version: u64,
}

/// An allowance that was used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedUp {
    /// What was counted.
    pub what: String,
    /// How often it may be done.
    pub times: u64,
    /// When it was asked for last.
    pub at: Timestamp,
}

impl Desk {
    /// The writes that count one more time for all allowances, or the first one that is used up. The writes fail when
    /// somebody else counted meanwhile.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn allow(
        &self,
        thread: &ThreadKey,
        allowances: &[Allowance],
    ) -> Result<Result<Vec<Write>, UsedUp>, TableError> {
        let now = self.now();
        let mut writes = Vec::with_capacity(allowances.len());
        for Allowance { what, times, within } in allowances {
            let length = within.as_secs().max(1);
            let period = now.as_second().div_euclid(length);
            let key = keys::allowance(thread.connection, &format!("{what}:{length}:{period}"));
            let count: Count = self.table.get(&key).await?.map(Item::read).transpose()?.unwrap_or_default();
            if count.version >= *times {
                return Ok(Err(UsedUp { what: what.clone(), times: *times, at: now }));
            }
            let condition = match count.version {
                0 => Condition::Absent,
                version => Condition::Version(version),
            };
            let mut item = Item::new(key, &Count { version: count.version + 1 })?;
            item.expires_at = Some((period + 2).saturating_mul(length));
            writes.push(Write::Put(item, condition));
        }
        Ok(Ok(writes))
    }

    /// Notes for the doctor that an allowance was used up.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn note_used_up(&self, thread: &ThreadKey, used_up: &UsedUp) -> Result<(), TableError> {
        let mut item = Item::new(keys::allowance(thread.connection, USED_UP), used_up)?;
        item.expires_at = used_up.at.saturating_add(TOLD).ok().map(Timestamp::as_second);
        self.table.write(vec![Write::Put(item, Condition::Any)]).await
    }

    /// The allowance of a connection that was used up last, if that was within a day.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn used_up(&self, connection: ConnectionId) -> Result<Option<UsedUp>, TableError> {
        let noted = self.table.get(&keys::allowance(connection, USED_UP)).await?;
        let noted: Option<UsedUp> = noted.map(Item::read).transpose()?;
        Ok(noted.filter(|noted| self.now().duration_since(noted.at) < TOLD))
    }
}
