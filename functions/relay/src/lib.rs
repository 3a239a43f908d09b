//! The table's stream → the queues.
//!
//! The stream's only consumer: hands on what must happen next, and does nothing slow. Every effect is idempotent by
//! the id of the event or reply, because the stream repeats itself. A transient failure stops the batch where it
//! stands; a record that cannot be handled goes to the dead letters, and the stream moves on.

use std::sync::Arc;

use desk::event::{Event, Fact};
use desk::reply::Reply;
use store::envelope::{Outbound, Work};
use store::keys;
use store::queue::{Outgoing, Queue, QueueError};
use store::table::{Inserted, Item, TableError};

/// The relay.
#[derive(Clone)]
pub struct Relay {
    outbound: Arc<dyn Queue>,
    work: Arc<dyn Queue>,
    dead: Arc<dyn Queue>,
}

/// What follows from one record.
#[derive(Debug, Default)]
struct Effects {
    outbound: Vec<Outgoing>,
    work: Vec<Outgoing>,
}

impl Relay {
    /// A relay to these queues; `dead` takes the records that it cannot handle.
    pub fn new(outbound: Arc<dyn Queue>, work: Arc<dyn Queue>, dead: Arc<dyn Queue>) -> Self {
        Self { outbound, work, dead }
    }

    /// Hands on what follows from insertions, in order.
    ///
    /// # Errors
    /// The position of the first one that must come again, with all after it.
    pub async fn handle(&self, inserted: &[Inserted]) -> Result<(), String> {
        for one in inserted {
            if let Err(error) = self.hand_on(one).await {
                tracing::warn!(position = one.position, %error, "a change was not handed on");
                return Err(one.position.clone());
            }
        }
        Ok(())
    }

    async fn hand_on(&self, inserted: &Inserted) -> Result<(), QueueError> {
        let key = inserted.item.key.clone();
        match effects(inserted.item.clone()) {
            Ok(effects) => {
                if !effects.outbound.is_empty() {
                    self.outbound.send(effects.outbound).await?;
                }
                if !effects.work.is_empty() {
                    self.work.send(effects.work).await?;
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(pk = key.pk, sk = key.sk, %error, "a change cannot be understood");
                let body =
                    serde_json::json!({"pk": key.pk, "sk": key.sk, "error": error.to_string()}).to_string();
                self.dead.send(vec![Outgoing { body, group: None, deduplication: None }]).await
            }
        }
    }
}

/// What follows from an inserted item; nothing from most kinds.
fn effects(item: Item) -> Result<Effects, TableError> {
    if item.key.sk.starts_with("R#") {
        let reply: Reply = item.read()?;
        let outbound = Outbound { thread: reply.thread, reply: reply.id };
        return Ok(Effects { outbound: vec![outbound.pack("new")], ..Effects::default() });
    }
    let Some((ticket, seq)) = keys::parse_event(&item.key) else { return Ok(Effects::default()) };
    let event: Event = item.read()?;
    let has_files = event
        .content
        .said()
        .is_some_and(|said| said.message.attachments.iter().any(|file| file.source.is_some()));
    let mut work = Vec::new();
    if has_files {
        work.push(Work::FetchFiles { ticket, seq }.pack());
    }
    match event.fact {
        Fact::Opened(opened) => work.push(Work::IndexContact { contact: opened.contact }.pack()),
        Fact::ButtonPressed(_) => work.push(Work::Acknowledge { ticket, seq }.pack()),
        _ => {}
    }
    Ok(Effects { work, ..Effects::default() })
}
