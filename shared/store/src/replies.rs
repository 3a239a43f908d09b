//! The outbox: replies and how far they have come.

use desk::channel::ThreadKey;
use desk::ids::{ConnectionId, ReplyId, TicketId};
use desk::reply::{Delivery, Reply};
use jiff::{SignedDuration, Timestamp};

use crate::desk::Desk;
use crate::keys;
use crate::messages::platform_message;
use crate::table::{Condition, Index, Item, Query, TableError, Write};

/// The kind of due items that unfinished replies are.
pub const DUE: &str = "reply";
/// When the clock looks after a reply that should have been sent at once.
const LOOK_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How many of a thread's latest replies are read at once.
const PAGE: usize = 10;

/// The kind of due items that the replies of a broken connection are.
pub fn held_kind(connection: ConnectionId) -> String {
    format!("held:{connection}")
}

impl Desk {
    /// A reply.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn reply(&self, thread: &ThreadKey, id: ReplyId) -> Result<Option<Reply>, TableError> {
        self.table.get(&keys::reply(thread, id)).await?.map(Item::read).transpose()
    }

    /// Several replies of a conversation, in any order.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn replies(&self, thread: &ThreadKey, ids: &[ReplyId]) -> Result<Vec<Reply>, TableError> {
        let keys: Vec<_> = ids.iter().map(|id| keys::reply(thread, *id)).collect();
        self.table.get_many(&keys).await?.into_iter().map(Item::read).collect()
    }

    /// A conversation's unfinished replies, in the order of writing.
    ///
    /// Replies are finished in order, so the unfinished ones are the latest: reading stops at the first page without
    /// any. `hint` names one that may be older, such as a scheduled one that others overtook.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn unfinished_replies(
        &self,
        thread: &ThreadKey,
        hint: Option<ReplyId>,
    ) -> Result<Vec<Reply>, TableError> {
        let mut unfinished: Vec<Reply> = Vec::new();
        let mut after = None;
        loop {
            let query = Query::partition(keys::thread(thread).pk)
                .begins_with("R#")
                .after(after.take())
                .descending()
                .limit(PAGE);
            let page = self.table.query(query).await?;
            after = page.items.last().map(|last| last.key.sk.clone());
            let replies = page.items.into_iter().map(Item::read).collect::<Result<Vec<Reply>, _>>()?;
            let before = unfinished.len();
            unfinished.extend(replies.into_iter().filter(|reply| reply.state.is_unfinished()));
            if !page.more || unfinished.len() == before {
                break;
            }
        }
        if let Some(hint) = hint
            && !unfinished.iter().any(|reply| reply.id == hint)
        {
            unfinished.extend(self.reply(thread, hint).await?.filter(|reply| reply.state.is_unfinished()));
        }
        Ok(in_order(unfinished))
    }

    /// Writes a reply that was read at the version before, or fails with [`TableError::ConditionFailed`].
    ///
    /// # Errors
    /// When somebody else wrote it meanwhile, or the table is unavailable.
    pub async fn save_reply(&self, reply: &mut Reply) -> Result<(), TableError> {
        self.table.write(vec![next_version(reply)?]).await
    }

    /// Writes a reply, and where its latest part stands as a message of the platform: `under` its conversation, or
    /// where ids are unique among several. `companions` go along.
    ///
    /// # Errors
    /// When somebody else wrote the reply meanwhile, a companion's condition does not hold, or the table is unavailable.
    pub async fn save_reply_part(
        &self,
        reply: &mut Reply,
        under: &ThreadKey,
        part: &str,
        companions: Vec<Write>,
    ) -> Result<(), TableError> {
        let message = platform_message(under, &reply.thread, part, reply.ticket, reply.seq)?;
        // A platform that gives the same id twice must not keep the reply from being finished.
        let mut writes = vec![next_version(reply)?, Write::Put(message, Condition::Any)];
        writes.extend(companions);
        self.table.write(writes).await
    }

    /// Ends every claim on a reply at once, so that whoever looks next asks about it instead of waiting. How many there
    /// were.
    ///
    /// For a process that has the desk to itself and has just started: whoever claimed a reply is gone.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn end_claims(&self) -> Result<usize, TableError> {
        let mut ended = 0;
        for shard in 0..keys::DUE_SHARDS {
            let mut after = None;
            loop {
                let query = Query::partition(keys::due_partition(DUE, shard))
                    .index(Index::Due)
                    .after(after.take())
                    .limit(100);
                let page = self.table.query(query).await?;
                after = page.items.last().and_then(|last| last.due.as_ref()).map(|due| due.sk.clone());
                let keys: Vec<_> = page.items.into_iter().map(|item| item.key).collect();
                for item in self.table.get_many(&keys).await? {
                    let mut reply: Reply = item.read()?;
                    if reply.state == Delivery::Sending {
                        let now = self.now();
                        reply.lease = Some(now);
                        reply.due_at = Some(now);
                        self.save_reply(&mut reply).await?;
                        ended += 1;
                    }
                }
                if !page.more {
                    break;
                }
            }
        }
        Ok(ended)
    }

    /// The keys of replies that wait for a connection to be mended, oldest first.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn held_replies(
        &self,
        connection: ConnectionId,
        limit: usize,
    ) -> Result<Vec<Reply>, TableError> {
        let mut held = Vec::new();
        for shard in 0..keys::DUE_SHARDS {
            let query = Query::partition(keys::due_partition(&held_kind(connection), shard))
                .index(Index::Due)
                .limit(limit);
            let keys: Vec<_> =
                self.table.query(query).await?.items.into_iter().map(|item| item.key).collect();
            for chunk in keys.chunks(100) {
                held.extend(self.table.get_many(chunk).await?.into_iter().map(Item::read).collect::<Result<
                    Vec<Reply>,
                    _,
                >>(
                )?);
            }
        }
        held.retain(|reply| reply.held && reply.state.is_unfinished());
        held.sort_by_key(|reply| reply.id);
        Ok(held)
    }
}

/// Replies of a conversation in the order of writing: by their ids, but on one ticket by the events that announced them, of
/// which the ids of what is written at the same time may say otherwise.
fn in_order(mut replies: Vec<Reply>) -> Vec<Reply> {
    replies.sort_by_key(|reply| (reply.ticket, reply.seq));
    let mut before: Option<(TicketId, ReplyId)> = None;
    let written = |reply: Reply| {
        let earlier = before.filter(|(ticket, _)| *ticket == reply.ticket);
        let latest = earlier.map_or(reply.id, |(_, id)| id.max(reply.id));
        before = Some((reply.ticket, latest));
        (latest, reply)
    };
    let mut written: Vec<(ReplyId, Reply)> = replies.into_iter().map(written).collect();
    written.sort_by_key(|(latest, _)| *latest);
    written.into_iter().map(|(_, reply)| reply).collect()
}

/// The write of a new reply.
pub fn put_reply(reply: &Reply) -> Result<Write, TableError> {
    Ok(Write::Put(item(reply)?, Condition::Absent))
}

/// When the clock looks after a reply written now.
pub fn look_after(reply: &Reply) -> Option<Timestamp> {
    reply.not_before.or_else(|| look_again(reply.created_at))
}

/// When the clock looks again after a reply that it handed to the sender, or that the sender works on.
pub fn look_again(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(LOOK_AFTER).ok()
}

/// The write of a reply that was read at the version before.
///
/// # Errors
/// Never in practice: when the reply does not serialise.
pub fn next_version(reply: &mut Reply) -> Result<Write, TableError> {
    let seen = reply.version;
    reply.version += 1;
    Ok(Write::Put(item(reply)?, Condition::Version(seen)))
}

fn item(reply: &Reply) -> Result<Item, TableError> {
    let key = keys::reply(&reply.thread, reply.id);
    let mut item = Item::new(key.clone(), reply)?;
    if reply.state.is_unfinished()
        && let Some(due_at) = reply.due_at
    {
        let held = held_kind(reply.thread.connection);
        let kind = if reply.held { held.as_str() } else { DUE };
        item.due = Some(keys::due(kind, reply.id.ulid(), due_at, &key));
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use desk::ids::Ulid;
    use serde_json::json;

    use super::*;

    /// A reply that was written at a millisecond, by the clock of whoever took it in.
    fn reply(ticket: u64, seq: u64, written: u64) -> Reply {
        let thread = json!({
            "channel": "telegram",
            "connection": ConnectionId::new(Ulid::from_parts(1, 1)),
            "conversation": "1",
        });
        serde_json::from_value(json!({
            "id": ReplyId::new(Ulid::from_parts(written, 1)),
            "thread": thread,
            "ticket": TicketId::new(Ulid::from_parts(ticket, 1)),
            "seq": seq,
            "content": {},
            "state": "queued",
            "version": 1,
            "created_at": "2026-03-04T12:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn replies_leave_as_they_were_written_on_whichever_ticket() {
        // The second ticket was opened while the first one was solved, on which something was written after that.
        let written = [reply(1, 3, 10), reply(2, 3, 20), reply(2, 4, 30), reply(1, 6, 40)];
        let (one, other) = (written[0].clone(), written[3].clone());
        let mixed = vec![other, written[2].clone(), one, written[1].clone()];
        assert_eq!(in_order(mixed), written);
        // On one ticket its events tell, where clocks say otherwise.
        let written = [reply(1, 3, 12), reply(1, 4, 11), reply(2, 2, 13)];
        assert_eq!(in_order(written.iter().rev().cloned().collect()), written);
        let between = [reply(1, 3, 15), reply(1, 4, 11)];
        let written = [reply(2, 2, 13), between[0].clone(), between[1].clone()];
        assert_eq!(in_order(written.iter().rev().cloned().collect()), written);
    }
}
