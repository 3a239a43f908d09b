//! Addresses that cannot be reached any more: writing to them would only cost the firm its good name with providers.

use desk::channel::Channel;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, Query, TableError, Write};
use crate::tickets::Listed;

/// How many keys are read at once.
const MAX_KEYS: usize = 100;

/// An address that cannot be reached any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suppression {
    /// The address.
    pub address: String,
    /// A stable word, such as `bounced` or `complained`.
    pub reason: String,
    /// What was reported.
    pub detail: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

impl Desk {
    /// Those of some addresses that cannot be reached.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn suppressed(
        &self,
        channel: &Channel,
        addresses: &[String],
    ) -> Result<Vec<Suppression>, TableError> {
        let mut keys: Vec<_> = addresses.iter().map(|address| keys::suppression(channel, address)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut found = Vec::new();
        for some in keys.chunks(MAX_KEYS) {
            found.extend(self.table.get_many(some).await?);
        }
        found.into_iter().map(Item::read).collect()
    }

    /// All addresses of a channel that cannot be reached.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn suppressions(
        &self,
        channel: &Channel,
        after: Option<String>,
        limit: usize,
    ) -> Result<Listed<Suppression>, TableError> {
        let query = Query::partition(keys::suppression_partition(channel)).after(after).limit(limit);
        let page = self.table.query(query).await?;
        let next = page.items.last().filter(|_| page.more).map(|last| last.key.sk.clone());
        let items = page.items.into_iter().map(Item::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Listed { items, next })
    }

    /// Notes that an address cannot be reached. The first reason stays.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn suppress(&self, channel: &Channel, suppression: &Suppression) -> Result<(), TableError> {
        let item = Item::new(keys::suppression(channel, &suppression.address), suppression)?;
        match self.table.write(vec![Write::Put(item, Condition::Absent)]).await {
            Ok(()) | Err(TableError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets an address be written to again.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn lift_suppression(&self, channel: &Channel, address: &str) -> Result<(), TableError> {
        let key = keys::suppression(channel, address);
        self.table.write(vec![Write::Delete(key, Condition::Any)]).await
    }
}
