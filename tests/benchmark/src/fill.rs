//! A desk with many tickets, stored by the desk's own functions.

use std::io;
use std::path::Path;
use std::sync::Arc;

use desk::calendar::Zone;
use desk::channel::{ChannelClass, ThreadKey};
use desk::command::{Command, Request};
use desk::event::{Actor, MessageReceived, Said};
use desk::inbound::Sender;
use desk::message::MessageContent;
use desk::ticket::Priority;
use jiff::{SignedDuration, Timestamp};
use store::Desk;
use store::environment::{Environment, System};
use store::opening::{Customer, Start};
use store::sqlite::{Sqlite, TableName};
use store::table::ChangeFeed as _;

/// How many are stored at once: they share a commit.
const AT_ONCE: usize = 128;

/// Stores so many tickets of as many customers, each with one message, as if everything that follows was done.
///
/// # Errors
/// When they cannot be stored.
pub async fn tickets(database: &Path, count: usize) -> io::Result<()> {
    store(database, count, Arc::new(System::new())).await
}

/// The same for tickets that were opened thirty days ago and never answered: what they promise is overdue.
///
/// # Errors
/// When they cannot be stored.
pub async fn overdue(database: &Path, count: usize) -> io::Result<()> {
    store(database, count, Arc::new(Ago(System::new()))).await
}

/// The time of thirty days ago.
#[derive(Debug)]
struct Ago(System);

impl Environment for Ago {
    fn now(&self) -> Timestamp {
        self.0.now().saturating_sub(SignedDuration::from_hours(30 * 24)).unwrap_or_default()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

async fn store(database: &Path, count: usize, environment: Arc<dyn Environment>) -> io::Result<()> {
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let sqlite = Sqlite::open(database, Arc::clone(&environment)).map_err(io::Error::other)?;
    let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
    let zone = Zone::try_from("UTC").map_err(io::Error::other)?;
    desk.install_defaults(zone).await.map_err(io::Error::other)?;
    let shares: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            let desk = desk.clone();
            let run = desk.environment().ulid();
            tokio::spawn(async move {
                for number in (first..count).step_by(AT_ONCE) {
                    open(&desk, &format!("{run}-{number}"), number).await?;
                }
                Ok::<_, io::Error>(())
            })
        })
        .collect();
    for share in shares {
        share.await.map_err(io::Error::other)??;
    }
    let changes = sqlite.changes();
    // Everything that is there is acknowledged with the last of it.
    while let Some(last) = changes.inserted(100_000).await.map_err(io::Error::other)?.last() {
        changes.acknowledge(&last.position).await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn open(desk: &Desk, conversation: &str, number: usize) -> io::Result<()> {
    let conversation = conversation.to_owned();
    let connection = "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().map_err(io::Error::other)?;
    let channel = desk::channel::Channel::try_from("telegram").map_err(io::Error::other)?;
    let thread = ThreadKey { channel, connection, conversation: conversation.clone() };
    let sender = Sender {
        kind: "telegram".to_owned(),
        address: conversation,
        name: Some(format!("Customer {number}")),
        username: None,
        language: None,
        phone: None,
    };
    let start = Start {
        customer: Customer::Sender(sender),
        thread: Some((thread.clone(), None)),
        class: Some(ChannelClass::Chat),
        priority: Priority::Normal,
        team: None,
        subject: format!("Where is parcel {number}?"),
        previous: None,
        related: None,
        correspondence: None,
        actor: None,
        cause: None,
    };
    let received = MessageReceived {
        message: "1".to_owned(),
        sent_at: desk.now(),
        asks: true,
        album: None,
        attachments: 0,
        late: false,
        automatic: None,
        thread: None,
        new_author: false,
    };
    let text = format!("Where is parcel {number}? It should have been here on Monday.");
    let said = Said { message: MessageContent::text(text), ..Said::default() };
    let first = |contact| {
        Some(Request {
            actor: Actor::Contact { id: contact },
            cause: None,
            command: Command::Receive(Box::new(received.clone()), Box::new(said.clone())),
        })
    };
    desk.open_ticket(start, first, |_, ticket| {
        Ok(vec![store::messages::put_platform_message(&thread, &thread, "1", ticket.id, ticket.seq)?])
    })
    .await
    .map_err(io::Error::other)?;
    Ok(())
}
