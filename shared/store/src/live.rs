//! Open connections of customers: pushing to them, and who is there.
//!
//! What is pushed is a hint and never the only carrier: the conversation itself is in the table.

use async_trait::async_trait;
use desk::channel::ThreadKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::{Condition, Item, Query, Table, TableError, Write};

/// How long somebody counts as writing after the last sign of it.
const TYPING: SignedDuration = SignedDuration::from_secs(10);

/// Pushes to the open connections of conversations.
#[async_trait]
pub trait Live: std::fmt::Debug + Send + Sync + 'static {
    /// Pushes a frame to everybody who has this conversation open. Best effort: what goes wrong is logged.
    async fn push(&self, thread: &ThreadKey, frame: &str);
}

/// Pushes to nobody: where there are no open connections.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

#[async_trait]
impl Live for Nobody {
    async fn push(&self, _: &ThreadKey, _: &str) {}
}

/// An open connection that a gateway holds, as the `index` table knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The gateway's id of it.
    pub id: String,
    /// The gateway's URL for posting to its connections.
    pub endpoint: String,
    /// The conversation that it looks at.
    pub thread: ThreadKey,
}

/// Notes an open connection until `expires`, after which the gateway holds it no longer.
///
/// # Errors
/// When the table is unavailable.
pub async fn opened(index: &dyn Table, open: &Open, expires: Timestamp) -> Result<(), TableError> {
    let mut by_thread = Item::new(keys::open_connection(&open.thread, &open.id), open)?;
    let mut by_id = Item::new(keys::open_connection_by_id(&open.id), open)?;
    by_thread.expires_at = Some(expires.as_second());
    by_id.expires_at = Some(expires.as_second());
    index.write(vec![Write::Put(by_thread, Condition::Any), Write::Put(by_id, Condition::Any)]).await
}

/// Notes that a connection was closed.
///
/// # Errors
/// When the table is unavailable.
pub async fn closed(index: &dyn Table, open: &Open) -> Result<(), TableError> {
    index
        .write(vec![
            Write::Delete(keys::open_connection(&open.thread, &open.id), Condition::Any),
            Write::Delete(keys::open_connection_by_id(&open.id), Condition::Any),
        ])
        .await
}

/// The open connection with this id.
///
/// # Errors
/// When the table is unavailable.
pub async fn open(index: &dyn Table, id: &str) -> Result<Option<Open>, TableError> {
    index.get(&keys::open_connection_by_id(id)).await?.map(Item::read).transpose()
}

/// The open connections of a conversation, up to 100.
///
/// # Errors
/// When the table is unavailable.
pub async fn open_of(index: &dyn Table, thread: &ThreadKey) -> Result<Vec<Open>, TableError> {
    let partition = keys::open_connection(thread, "").pk;
    index.query(Query::partition(partition)).await?.items.into_iter().map(Item::read).collect()
}

#[derive(Debug, Serialize, Deserialize)]
struct Typing {
    until: Timestamp,
}

/// Notes that the customer of a conversation is writing.
///
/// # Errors
/// When the table is unavailable.
pub async fn note_typing(index: &dyn Table, thread: &ThreadKey, now: Timestamp) -> Result<(), TableError> {
    let until = now.saturating_add(TYPING).unwrap_or(Timestamp::MAX);
    let mut item = Item::new(keys::typing(thread), &Typing { until })?;
    item.expires_at = Some(until.as_second().saturating_add(1));
    index.write(vec![Write::Put(item, Condition::Any)]).await
}

/// Whether the customer of a conversation is writing just now.
///
/// # Errors
/// When the table is unavailable.
pub async fn is_typing(index: &dyn Table, thread: &ThreadKey, now: Timestamp) -> Result<bool, TableError> {
    let typing: Option<Typing> = index.get(&keys::typing(thread)).await?.map(Item::read).transpose()?;
    Ok(typing.is_some_and(|typing| typing.until > now))
}
