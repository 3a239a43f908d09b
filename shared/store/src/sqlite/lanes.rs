//! The rules of the queues, as statements of the writer.
//!
//! Every message travels in a lane: that of its group, or one of its own on a standard queue. A lane with a message
//! in hand is closed until that message is deleted or comes back, as on SQS; so what can be received is the first
//! messages of the free lanes, found by index however much waits behind.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::environment::Environment;
use crate::queue::{DEDUPLICATION_WINDOW, MAX_RECEIVES, Message, Outgoing, QueueError};

/// The most lapsed deduplication ids that sending a message sweeps away: more than it adds.
const SWEPT: i64 = 16;
/// How often the process may end with a message in hand until that message is taken for the reason.
const MAX_INTERRUPTIONS: u32 = 50;

/// One queue, at one moment of the writer.
pub(super) struct Lanes<'a> {
    pub(super) connection: &'a Connection,
    pub(super) queue: &'a str,
    pub(super) fifo: bool,
    pub(super) environment: &'a dyn Environment,
    /// In milliseconds since 1970, as all times here.
    pub(super) now: i64,
}

/// One delivery of one message: what a receipt names.
pub(super) struct Delivery {
    seq: i64,
    receives: u32,
}

impl Delivery {
    pub(super) fn parse(receipt: &str) -> Result<Self, QueueError> {
        let parsed = receipt.split_once('.').and_then(|(seq, receives)| {
            Some(Self { seq: seq.parse().ok()?, receives: receives.parse().ok()? })
        });
        parsed.ok_or_else(|| QueueError::Invalid(format!("`{receipt}` is no receipt")))
    }

    fn receipt(&self) -> String {
        format!("{}.{}", self.seq, self.receives)
    }
}

/// A message as it is stored.
struct Stored {
    seq: i64,
    id: String,
    body: String,
    sent_at: i64,
    receives: u32,
    interruptions: u32,
}

impl Stored {
    const COLUMNS: &'static str = "seq, id, body, sent_at, receives, interruptions";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            body: row.get(2)?,
            sent_at: row.get(3)?,
            receives: row.get(4)?,
            interruptions: row.get(5)?,
        })
    }

    const fn is_hopeless(&self) -> bool {
        self.receives >= MAX_RECEIVES || self.interruptions >= MAX_INTERRUPTIONS
    }
}

impl Lanes<'_> {
    pub(super) fn send(&self, messages: &[Outgoing]) -> rusqlite::Result<()> {
        for message in messages {
            if let Some(id) = &message.deduplication
                && !self.is_new(id)?
            {
                continue;
            }
            let id = self.environment.ulid().to_string();
            let lane = message.group.as_ref().unwrap_or(&id);
            self.append(self.queue, lane, &id, &message.body, self.now)?;
        }
        Ok(())
    }

    /// Takes messages in hand, oldest lane first. With `dead` given, those that were received too often go there.
    ///
    /// With one that was in hand when the process ended nothing else is handed out: if it is the reason, it shall not
    /// take others along.
    pub(super) fn receive(
        &self,
        limit: usize,
        visibility: i64,
        dead: Option<&str>,
    ) -> rusqlite::Result<Vec<Message>> {
        self.open_lapsed()?;
        let mut received = Vec::new();
        while received.len() < limit {
            let Some(lane) = self.first_free()? else { break };
            let mut first = self.first_of(&lane, limit - received.len())?;
            let alone = dead.and_then(|_| first.iter().position(|stored| stored.interruptions > 0));
            match alone {
                Some(0) if !received.is_empty() => break,
                Some(position) => first.truncate(position.max(1)),
                None => {}
            }
            for stored in first {
                match dead {
                    Some(dead) if stored.is_hopeless() => self.bury(dead, &lane, &stored)?,
                    _ => received.push(self.hand_out(&lane, stored, visibility)?),
                }
            }
            self.settle(&lane)?;
            if alone == Some(0) && !received.is_empty() {
                break;
            }
        }
        Ok(received)
    }

    pub(super) fn delete(&self, delivery: &Delivery) -> rusqlite::Result<()> {
        let lane = self
            .connection
            .prepare_cached(
                "DELETE FROM messages WHERE seq = ?1 AND receives = ?2 AND queue = ?3 AND visible_at > ?4 \
                 RETURNING lane",
            )?
            .query_row(params![delivery.seq, delivery.receives, self.queue, self.now], |row| row.get(0))
            .optional()?;
        lane.map_or(Ok(()), |lane: String| self.settle(&lane))
    }

    pub(super) fn release(&self, delivery: &Delivery, after: i64) -> rusqlite::Result<()> {
        let lane = self
            .connection
            .prepare_cached(
                "UPDATE messages SET visible_at = ?5 \
                 WHERE seq = ?1 AND receives = ?2 AND queue = ?3 AND visible_at > ?4 RETURNING lane",
            )?
            .query_row(
                params![delivery.seq, delivery.receives, self.queue, self.now, self.now + after],
                |row| row.get(0),
            )
            .optional()?;
        lane.map_or(Ok(()), |lane: String| self.settle(&lane))
    }

    /// Whether a deduplication id was not used within the window, and uses it.
    fn is_new(&self, id: &str) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "DELETE FROM deduplications WHERE rowid IN \
                 (SELECT rowid FROM deduplications WHERE until <= ?1 ORDER BY until LIMIT ?2)",
            )?
            .execute([self.now, SWEPT])?;
        let window = i64::try_from(DEDUPLICATION_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let used = self
            .connection
            .prepare_cached(
                "INSERT INTO deduplications (queue, id, until) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET until = excluded.until WHERE until <= ?4",
            )?
            .execute(params![self.queue, id, self.now.saturating_add(window), self.now])?;
        Ok(used > 0)
    }

    fn append(&self, queue: &str, lane: &str, id: &str, body: &str, sent_at: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO messages (queue, lane, id, body, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![queue, lane, id, body, sent_at])?;
        self.connection
            .prepare_cached(
                "INSERT INTO lanes (queue, lane, first) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![queue, lane, self.connection.last_insert_rowid()])?;
        Ok(())
    }

    /// Marks the lanes whose messages in hand have all come back as free.
    fn open_lapsed(&self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE lanes SET free_at = 0 WHERE queue = ?1 AND free_at > 0 AND free_at <= ?2",
            )?
            .execute(params![self.queue, self.now])?;
        Ok(())
    }

    fn first_free(&self) -> rusqlite::Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT lane FROM lanes WHERE queue = ?1 AND free_at = 0 ORDER BY first LIMIT 1")?
            .query_row([self.queue], |row| row.get(0))
            .optional()
    }

    fn first_of(&self, lane: &str, limit: usize) -> rusqlite::Result<Vec<Stored>> {
        let columns = Stored::COLUMNS;
        self.connection
            .prepare_cached(&format!(
                "SELECT {columns} FROM messages WHERE queue = ?1 AND lane = ?2 ORDER BY seq LIMIT ?3"
            ))?
            .query_map(params![self.queue, lane, i64::try_from(limit).unwrap_or(i64::MAX)], Stored::read)?
            .collect()
    }

    fn hand_out(&self, lane: &str, stored: Stored, visibility: i64) -> rusqlite::Result<Message> {
        let delivery = Delivery { seq: stored.seq, receives: stored.receives + 1 };
        self.connection
            .prepare_cached("UPDATE messages SET receives = ?2, visible_at = ?3 WHERE seq = ?1")?
            // Hidden for a millisecond at least: a lane that stayed free would be handed out twice in one go.
            .execute(params![delivery.seq, delivery.receives, self.now + visibility.max(1)])?;
        Ok(Message {
            id: stored.id,
            receipt: delivery.receipt(),
            body: stored.body,
            group: self.fifo.then(|| lane.to_owned()),
            receives: delivery.receives,
            sent_at: Timestamp::from_millisecond(stored.sent_at).unwrap_or_default(),
        })
    }

    fn bury(&self, dead: &str, lane: &str, stored: &Stored) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM messages WHERE seq = ?1")?.execute([stored.seq])?;
        self.append(dead, lane, &stored.id, &stored.body, stored.sent_at)
    }

    /// Brings a lane's row in line with its messages.
    fn settle(&self, lane: &str) -> rusqlite::Result<()> {
        let first: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(seq) FROM messages WHERE queue = ?1 AND lane = ?2")?
            .query_row([self.queue, lane], |row| row.get(0))?;
        let Some(first) = first else {
            self.connection
                .prepare_cached("DELETE FROM lanes WHERE queue = ?1 AND lane = ?2")?
                .execute([self.queue, lane])?;
            return Ok(());
        };
        let last_back: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(visible_at) FROM messages WHERE queue = ?1 AND lane = ?2 AND visible_at > 0",
            )?
            .query_row([self.queue, lane], |row| row.get(0))?;
        self.connection
            .prepare_cached("UPDATE lanes SET first = ?3, free_at = ?4 WHERE queue = ?1 AND lane = ?2")?
            .execute(params![self.queue, lane, first, last_back.filter(|&at| at > self.now).unwrap_or(0)])?;
        Ok(())
    }
}
