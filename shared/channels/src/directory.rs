//! Connections ready to be used, kept for a short while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use desk::channel::Channel;
use desk::ids::ConnectionId;
use jiff::{SignedDuration, Timestamp};
use store::Desk;
use store::connections::StoredConnection;
use store::seal::{SealingKey, Unsealable};
use store::table::TableError;

use crate::Connection;

/// How long a process trusts a connection that it has read.
const TRUST: SignedDuration = SignedDuration::from_secs(20);
/// The most connections that are kept; far more than a firm has.
const MOST: usize = 1000;

/// Reads connections, opens their secrets, and keeps them for a short while.
#[derive(Clone)]
pub struct Directory {
    desk: Desk,
    key: Arc<SealingKey>,
    kept: Arc<Mutex<HashMap<ConnectionId, Kept>>>,
}

#[derive(Clone)]
struct Kept {
    at: Timestamp,
    known: Arc<Known>,
}

/// A connection with how it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// As it is stored.
    pub stored: StoredConnection,
    /// With its secrets in the clear.
    pub open: Connection,
}

/// Why a connection is not ready to be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Its secrets were sealed with another key than this installation's.
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl Directory {
    /// A directory of a desk's connections.
    pub fn new(desk: Desk, key: Arc<SealingKey>) -> Self {
        Self { desk, key, kept: Arc::default() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.desk.now()
    }

    /// A connection, at most some seconds old.
    ///
    /// # Errors
    /// When the table fails, or its secrets do not open.
    pub async fn connection(
        &self,
        channel: &Channel,
        id: ConnectionId,
    ) -> Result<Option<Arc<Known>>, DirectoryError> {
        let now = self.desk.now();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept.get(&id)
                && kept.known.stored.channel == *channel
                && now.duration_since(kept.at).abs() < TRUST
            {
                return Ok(Some(Arc::clone(&kept.known)));
            }
        }
        self.fresh(channel, id).await
    }

    /// A connection as it now stands.
    ///
    /// # Errors
    /// When the table fails, or its secrets do not open.
    pub async fn fresh(
        &self,
        channel: &Channel,
        id: ConnectionId,
    ) -> Result<Option<Arc<Known>>, DirectoryError> {
        let Some(stored) = self.desk.connection(channel, id).await? else {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            return Ok(None);
        };
        let open = unseal(&stored, &self.key)?;
        let known = Arc::new(Known { stored, open });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(id, Kept { at: self.desk.now(), known: Arc::clone(&known) });
        Ok(Some(known))
    }
}

/// A stored connection with its secrets in the clear.
///
/// # Errors
/// When they were sealed with another key.
pub fn unseal(stored: &StoredConnection, key: &SealingKey) -> Result<Connection, Unsealable> {
    let secrets = stored
        .secrets
        .iter()
        .map(|(name, sealed)| Ok((name.clone(), key.open(&place(stored.id, name), sealed)?)))
        .collect::<Result<_, Unsealable>>()?;
    Ok(Connection {
        id: stored.id,
        channel: stored.channel.clone(),
        name: stored.name.clone(),
        settings: stored.settings.clone(),
        secrets,
    })
}

/// The place that a secret of a connection is sealed for.
pub fn place(connection: ConnectionId, name: &str) -> String {
    format!("{connection}/{name}")
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}
