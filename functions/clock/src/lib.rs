//! The minute's scheduled event → whatever is due.
//!
//! The `due` index only suggests, oldest first; each item's own condition decides. A missed minute does no harm: the
//! next one finds the same items. Bounded in time: what is left over is next minute's.

mod recompute;

use std::sync::Arc;

use desk::command::{Command, Request};
use desk::event::Actor;
use desk::ids::TicketId;
use desk::reply::Reply;
use store::Desk;
use store::connections::{self, StoredConnection};
use store::envelope::Outbound;
use store::environment::sortable;
use store::execute::ExecuteError;
use store::heartbeat::{self, Heartbeat};
use store::keys;
use store::queue::{Queue, QueueError};
use store::replies;
use store::settings;
use store::table::{Index, Item, Key, Query, Table, TableError};
use store::tickets;

/// How many due items are read at once.
const PAGE: usize = 100;
/// How many of a mended connection's replies go on in one sweep.
const RESUMED_AT_ONCE: usize = 200;

/// The clock.
#[derive(Clone)]
pub struct Clock {
    desk: Desk,
    index: Arc<dyn Table>,
    outbound: Arc<dyn Queue>,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Due items that were looked at.
    pub due: usize,
    /// Items that could not be handled and come again next minute.
    pub failed: usize,
    /// Whether time ran out before everything due was seen.
    pub unfinished: bool,
}

/// Why a due item was not handled.
#[derive(Debug, thiserror::Error)]
enum ClockError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

impl Clock {
    /// A clock on a desk. Its heartbeat goes to the `index` table.
    pub fn new(desk: Desk, index: Arc<dyn Table>, outbound: Arc<dyn Queue>) -> Self {
        Self { desk, index, outbound }
    }

    /// Handles what is due, until `more_time` says no.
    ///
    /// # Errors
    /// When not even the index could be read; single items that fail are counted, logged, and come again.
    pub async fn sweep(&self, more_time: impl Fn() -> bool) -> Result<Swept, TableError> {
        let mut swept = Swept::default();
        for kind in [tickets::DUE, replies::DUE, connections::DUE] {
            for shard in 0..keys::DUE_SHARDS {
                self.sweep_shard(kind, shard, &more_time, &mut swept).await?;
            }
        }
        self.sweep_shard(settings::DUE, settings::DUE_SHARD, &more_time, &mut swept).await?;
        heartbeat::beat(&*self.index, &Heartbeat { at: self.desk.now(), unfinished: swept.unfinished })
            .await?;
        if swept.due > 0 {
            tracing::info!(due = swept.due, failed = swept.failed, unfinished = swept.unfinished, "swept");
        }
        Ok(swept)
    }

    async fn sweep_shard(
        &self,
        kind: &'static str,
        shard: u8,
        more_time: &impl Fn() -> bool,
        swept: &mut Swept,
    ) -> Result<(), TableError> {
        // A key begins with its time, so the end of this moment is this moment followed by the highest character.
        let until = format!("{}{}", sortable(self.desk.now()), char::MAX);
        let mut after = None;
        loop {
            let query = Query::partition(keys::due_partition(kind, shard))
                .index(Index::Due)
                .to(until.clone())
                .after(after)
                .limit(PAGE);
            let page = self.desk.table().query(query).await?;
            for item in &page.items {
                if !more_time() {
                    swept.unfinished = true;
                    return Ok(());
                }
                swept.due += 1;
                if let Err(error) = self.handle(kind, &item.key, more_time).await {
                    swept.failed += 1;
                    tracing::warn!(pk = item.key.pk, sk = item.key.sk, %error, "a due item was not handled");
                }
            }
            if !page.more {
                return Ok(());
            }
            after = page.items.last().and_then(|last| last.due.as_ref()).map(|due| due.sk.clone());
        }
    }

    async fn handle(&self, kind: &str, key: &Key, more_time: &impl Fn() -> bool) -> Result<(), ClockError> {
        match kind {
            tickets::DUE => self.ticket(key).await,
            replies::DUE => self.reply(key).await,
            connections::DUE => self.connection(key).await,
            _ => self.recompute(more_time).await,
        }
    }

    async fn ticket(&self, key: &Key) -> Result<(), ClockError> {
        let Some(id) = key.pk.strip_prefix("T#").and_then(|id| id.parse::<TicketId>().ok()) else {
            return Ok(());
        };
        let request =
            Request { actor: Actor::System, cause: Some("clock".to_owned()), command: Command::Tick };
        match self.desk.execute(id, request).await {
            Ok(_) | Err(ExecuteError::NoTicket(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends an unfinished reply's conversation to the sender once more: its queue message was lost, acknowledged
    /// because the wait is long, or is a scheduled one whose time came.
    async fn reply(&self, key: &Key) -> Result<(), ClockError> {
        let Some(mut reply) = self.desk.table().get(key).await?.map(Item::read::<Reply>).transpose()? else {
            return Ok(());
        };
        let now = self.desk.now();
        if !reply.state.is_unfinished() || reply.held || reply.due_at.is_none_or(|due_at| due_at > now) {
            return Ok(());
        }
        self.hand_to_sender(&reply).await?;
        reply.due_at = replies::look_again(now);
        match self.desk.save_reply(&mut reply).await {
            // The sender was faster.
            Err(TableError::ConditionFailed(_)) => Ok(()),
            done => Ok(done?),
        }
    }

    /// Lets the replies that waited for a connection go on, in order.
    async fn connection(&self, key: &Key) -> Result<(), ClockError> {
        let Some(mut connection) =
            self.desk.table().get(key).await?.map(Item::read::<StoredConnection>).transpose()?
        else {
            return Ok(());
        };
        if !connection.resuming {
            return Ok(());
        }
        let held = self.desk.held_replies(connection.id, RESUMED_AT_ONCE).await?;
        for mut reply in held.iter().cloned() {
            self.hand_to_sender(&reply).await?;
            reply.held = false;
            reply.due_at = replies::look_again(self.desk.now());
            match self.desk.save_reply(&mut reply).await {
                Ok(()) | Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The index lags behind; the work ends when a whole sweep finds nothing held any more.
        if held.is_empty() {
            connection.resuming = false;
            connection.version += 1;
            match self.desk.save_connection(&connection, Vec::new()).await {
                Ok(()) | Err(TableError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn hand_to_sender(&self, reply: &Reply) -> Result<(), QueueError> {
        let due = reply.due_at.map(sortable).unwrap_or_default();
        let outbound = Outbound { thread: reply.thread.clone(), reply: reply.id };
        self.outbound.send(vec![outbound.pack(&due)]).await
    }
}
