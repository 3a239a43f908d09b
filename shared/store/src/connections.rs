//! Connections as they are stored: settings in the clear, secrets sealed.

use std::collections::BTreeMap;

use desk::channel::Channel;
use desk::ids::ConnectionId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::keys;
use crate::seal::Sealed;
use crate::table::{Condition, Item, Query, TableError, Write};

/// The kind of due items that mended connections are, until their held replies went on.
pub const DUE: &str = "connection";

/// One account of the firm on one channel, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredConnection {
    /// The id.
    pub id: ConnectionId,
    /// The channel.
    pub channel: Channel,
    /// Counts the writes.
    pub version: u64,
    /// The name inside the firm.
    pub name: String,
    /// Settings that are no secrets.
    pub settings: Map<String, Value>,
    /// Sealed settings, each for the place `<connection>/<name>`.
    pub secrets: BTreeMap<String, Sealed>,
    /// Whether it works.
    pub health: Health,
    /// Whether replies that were held for it have yet to go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resuming: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a connection works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// As far as we know it does.
    Ok,
    /// The platform refuses its credentials: replies wait until it is mended.
    Broken {
        /// A stable word, such as `unauthorized`.
        reason: String,
        /// What the platform said.
        detail: String,
        /// Since when.
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
}

/// A connection in the list of all.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    channel: Channel,
}

const DIRECTORY: &str = "connection";

impl Desk {
    /// A connection of a channel.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn connection(
        &self,
        channel: &Channel,
        id: ConnectionId,
    ) -> Result<Option<StoredConnection>, TableError> {
        self.table.get(&keys::connection(channel, id)).await?.map(Item::read).transpose()
    }

    /// A connection, when its channel is not known.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn connection_by_id(&self, id: ConnectionId) -> Result<Option<StoredConnection>, TableError> {
        let entry = self.table.get(&keys::setting(DIRECTORY, &id.to_string())).await?;
        let Some(entry) = entry.map(Item::read::<Listed>).transpose()? else { return Ok(None) };
        self.connection(&entry.channel, id).await
    }

    /// All connections, oldest first.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn connections(&self) -> Result<Vec<StoredConnection>, TableError> {
        let mut found: Vec<StoredConnection> = Vec::new();
        let mut after = None;
        loop {
            let page =
                self.table.query(Query::partition(keys::setting_partition(DIRECTORY)).after(after)).await?;
            after = page.items.last().map(|last| last.key.sk.clone());
            let mut keys = Vec::with_capacity(page.items.len());
            for item in page.items {
                let Ok(id) = item.key.sk.parse() else { continue };
                keys.push(keys::connection(&item.read::<Listed>()?.channel, id));
            }
            for item in self.table.get_many(&keys).await? {
                found.push(item.read()?);
            }
            if !page.more {
                break;
            }
        }
        found.sort_by_key(|connection| connection.id);
        Ok(found)
    }

    /// The connections of a channel, oldest first, without what they hold.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn connections_of(&self, channel: &Channel) -> Result<Vec<ConnectionId>, TableError> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page =
                self.table.query(Query::partition(keys::setting_partition(DIRECTORY)).after(after)).await?;
            after = page.items.last().map(|last| last.key.sk.clone());
            for item in page.items {
                let id = item.key.sk.parse();
                if let Ok(id) = id
                    && item.read::<Listed>()?.channel == *channel
                {
                    found.push(id);
                }
            }
            if !page.more {
                break;
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Writes a connection that was read at the version before; a new one has version 1. `companions` go along.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] when somebody else wrote it, or the table is unavailable.
    pub async fn save_connection(
        &self,
        connection: &StoredConnection,
        companions: Vec<Write>,
    ) -> Result<(), TableError> {
        let key = keys::connection(&connection.channel, connection.id);
        let mut item = Item::new(key.clone(), connection)?;
        if connection.resuming {
            item.due = Some(keys::due(DUE, connection.id.ulid(), self.now(), &key));
        }
        let mut writes = if connection.version == 1 {
            let entry = Listed { channel: connection.channel.clone() };
            let directory = keys::setting(DIRECTORY, &connection.id.to_string());
            vec![
                Write::Put(item, Condition::Absent),
                Write::Put(Item::new(directory, &entry)?, Condition::Absent),
            ]
        } else {
            vec![Write::Put(item, Condition::Version(connection.version - 1))]
        };
        writes.extend(companions);
        self.table.write(writes).await
    }

    /// Removes a connection. Its conversations and tickets stay.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn delete_connection(&self, connection: &StoredConnection) -> Result<(), TableError> {
        self.table
            .write(vec![
                Write::Delete(keys::connection(&connection.channel, connection.id), Condition::Any),
                Write::Delete(keys::setting(DIRECTORY, &connection.id.to_string()), Condition::Any),
            ])
            .await
    }
}
