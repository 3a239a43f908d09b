//! The table's stream → the queues.
//!
//! The stream's only consumer: hands on what must happen next, and does nothing slow. Every effect is idempotent by
//! the id of the event or reply, because the stream repeats itself. A transient failure stops the batch where it
//! stands; a record that cannot be handled goes to the dead letters, and the stream moves on.

use std::sync::Arc;

use channels::platform::News;
use desk::event::{Actor, Event, Fact};
use desk::ids::TicketId;
use desk::reply::Reply;
use store::Desk;
use store::envelope::{Outbound, Work};
use store::keys;
use store::live::Live;
use store::queue::{Outgoing, Queue, QueueError};
use store::table::{Inserted, Item, TableError};

/// What the sort keys begin with of everything that something follows from: events and replies.
pub const READS: &[&str] = &["E#", "R#"];

/// How many insertions are handed on at once, and come again together when that fails.
const TOGETHER: usize = 10;

/// The relay.
#[derive(Clone)]
pub struct Relay {
    outbound: Arc<dyn Queue>,
    work: Arc<dyn Queue>,
    dead: Arc<dyn Queue>,
    watched: Option<Watched>,
}

/// Where customers have open connections, and what tells whose a ticket is.
#[derive(Clone)]
struct Watched {
    desk: Desk,
    live: Arc<dyn Live>,
}

/// What follows from one record.
#[derive(Debug, Default)]
struct Effects {
    outbound: Vec<Outgoing>,
    work: Vec<Outgoing>,
    /// The ticket whose customer wrote.
    received: Option<TicketId>,
}

impl Relay {
    /// A relay to these queues; `dead` takes the records that it cannot handle.
    pub fn new(outbound: Arc<dyn Queue>, work: Arc<dyn Queue>, dead: Arc<dyn Queue>) -> Self {
        Self { outbound, work, dead, watched: None }
    }

    /// The same, telling customers' open connections what came in.
    #[must_use]
    pub fn telling(self, desk: Desk, live: Arc<dyn Live>) -> Self {
        Self { watched: Some(Watched { desk, live }), ..self }
    }

    /// Hands on what follows from insertions, in order.
    ///
    /// # Errors
    /// The position of the first one that must come again, with all after it.
    pub async fn handle(&self, inserted: &[Inserted]) -> Result<(), String> {
        for some in inserted.chunks(TOGETHER) {
            let Some(first) = some.first() else { break };
            if let Err(error) = self.hand_on(some).await {
                tracing::warn!(position = first.position, %error, "changes were not handed on");
                return Err(first.position.clone());
            }
        }
        Ok(())
    }

    /// What follows from some insertions leaves together: one request to a queue in place of one each.
    async fn hand_on(&self, inserted: &[Inserted]) -> Result<(), QueueError> {
        let (mut outbound, mut work, mut dead, mut received) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
        for one in inserted {
            let key = one.item.key.clone();
            match effects(one.item.clone()) {
                Ok(effects) => {
                    outbound.extend(effects.outbound);
                    work.extend(effects.work);
                    received.extend(effects.received);
                }
                Err(error) => {
                    tracing::error!(pk = key.pk, sk = key.sk, %error, "a change cannot be understood");
                    let body = serde_json::json!({"pk": key.pk, "sk": key.sk, "error": error.to_string()});
                    dead.push(Outgoing { body: body.to_string(), group: None, deduplication: None });
                }
            }
        }
        for (queue, messages) in [(&self.outbound, outbound), (&self.work, work), (&self.dead, dead)] {
            if !messages.is_empty() {
                queue.send(messages).await?;
            }
        }
        if let Some(watched) = &self.watched {
            for ticket in received {
                watched.tell(ticket).await;
            }
        }
        Ok(())
    }
}

impl Watched {
    /// Tells the windows that the customer has open that one of them wrote. Best effort: they ask by themselves, too.
    async fn tell(&self, ticket: TicketId) {
        let thread = match self.desk.ticket(ticket).await {
            Ok(ticket) => ticket.and_then(|ticket| ticket.thread),
            Err(error) => {
                tracing::info!(%ticket, %error, "open connections were not told of a message");
                return;
            }
        };
        let Some(thread) = thread else { return };
        let platform = channels::platform(thread.channel.as_str());
        if let Some(frame) = platform.and_then(|platform| platform.frame(News::Received)) {
            self.live.push(&thread, &frame).await;
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
    // What came in another conversation is nothing that the windows of this one show.
    let received = matches!(&event.fact, Fact::MessageReceived(message) if message.thread.is_none());
    let received = received.then_some(ticket);
    match event.fact {
        Fact::Opened(opened) => work.push(Work::IndexContact { contact: opened.contact }.pack()),
        Fact::MessageReceived(message) if message.new_author => {
            if let Actor::Contact { id } = event.actor {
                work.push(Work::IndexContact { contact: id }.pack());
            }
        }
        Fact::ButtonPressed(_) => work.push(Work::Acknowledge { ticket, seq }.pack()),
        _ => {}
    }
    Ok(Effects { work, received, ..Effects::default() })
}
