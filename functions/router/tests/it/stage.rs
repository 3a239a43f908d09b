//! A router on a table in a folder of its own.

use std::sync::Arc;
use std::time::Duration;

use desk::calendar::Zone;
use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::command::{Command, Request, Update};
use desk::event::{Actor, Content};
use desk::ids::{ConnectionId, Ulid};
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::MessageContent;
use desk::ticket::{Status, Ticket};
use jiff::Timestamp;
use object_store::memory::InMemory;
use router::Router;
use store::Desk;
use store::blobs::{Blobs, NoLinks};
use store::envelope::Envelope;
use store::environment::System;
use store::queue::{Failed, Message};
use store::sqlite::{Sqlite, SqliteQueue, SqliteTable, TableName};
use store::table::Table;
use tokio::time::Instant;

use crate::counting::Counting;

/// A router and what it stands on.
pub(crate) struct Stage {
    pub(crate) desk: Desk,
    pub(crate) table: Counting<SqliteTable>,
    pub(crate) dead: SqliteQueue,
    router: Router,
    blobs: Blobs,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let table = Counting::new(sqlite.table(TableName::Main));
        let desk = Desk::new(Arc::new(table.clone()), environment);
        desk.install_defaults(Zone::try_from("UTC").unwrap()).await.unwrap();
        desk.settings().await.unwrap();
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks));
        let dead = sqlite.queue("inbound", true).dead_letters();
        let router = Router::new(desk.clone(), blobs.clone(), Arc::new(dead.clone()));
        table.take();
        Self { desk, table, dead, router, blobs, _folder: folder }
    }

    /// Hands a delivery to the router, as the queue would the `receives`th time.
    pub(crate) async fn deliver(&self, inbound: Inbound, receives: u32) -> Vec<Failed> {
        let packed = Envelope::pack(inbound, &self.blobs).await.unwrap();
        self.deliver_body(packed.body, packed.group, receives).await
    }

    /// The same by a router of another process, which sees the table in its own way.
    pub(crate) async fn deliver_on(&self, table: Arc<dyn Table>, inbound: Inbound) -> Vec<Failed> {
        let desk = Desk::new(table, Arc::new(System::new()));
        let router = Router::new(desk, self.blobs.clone(), Arc::new(self.dead.clone()));
        let packed = Envelope::pack(inbound, &self.blobs).await.unwrap();
        self.hand(&router, packed.body, packed.group, 1).await
    }

    pub(crate) async fn deliver_body(
        &self,
        body: String,
        group: Option<String>,
        receives: u32,
    ) -> Vec<Failed> {
        self.hand(&self.router, body, group, receives).await
    }

    async fn hand(&self, router: &Router, body: String, group: Option<String>, receives: u32) -> Vec<Failed> {
        let message = Message {
            id: self.desk.environment().ulid().to_string(),
            receipt: "r".to_owned(),
            body,
            group,
            receives,
            sent_at: Timestamp::UNIX_EPOCH,
        };
        router.handle(&[message], Instant::now() + Duration::from_secs(60)).await
    }

    pub(crate) async fn ticket(&self, number: u64) -> Option<Ticket> {
        let id = self.desk.ticket_by_number(number).await.unwrap()?;
        self.desk.ticket(id).await.unwrap()
    }

    /// Closes a ticket for good.
    pub(crate) async fn close(&self, number: u64) -> Ticket {
        let ticket = self.ticket(number).await.unwrap();
        let update = Update { status: Some(Status::Closed), ..Update::default() };
        let request = Request { actor: Actor::System, cause: None, command: Command::Update(update) };
        self.desk.execute(ticket.id, request).await.unwrap().ticket
    }

    /// What is noted on a ticket's mails, in order.
    pub(crate) async fn notes(&self, number: u64) -> Vec<String> {
        let id = self.desk.ticket_by_number(number).await.unwrap().unwrap();
        let events = self.desk.events(id, 0, 100).await.unwrap().items;
        let letter = |event| match event {
            Content::Said(said) => said.letter,
            _ => None,
        };
        events.into_iter().filter_map(|event| letter(event.content)).flat_map(|letter| letter.notes).collect()
    }

    /// The kinds of a ticket's events, in order.
    pub(crate) async fn kinds(&self, number: u64) -> Vec<String> {
        let id = self.desk.ticket_by_number(number).await.unwrap().unwrap();
        let events = self.desk.events(id, 0, 100).await.unwrap().items;
        let kind = |event| serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned();
        events.iter().map(kind).collect()
    }
}

/// A delivery of a customer.
pub(crate) fn delivery(key: &str, happened: Happened) -> Inbound {
    Inbound {
        thread: thread(),
        class: ChannelClass::Messenger,
        key: key.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        sender: Some(Sender {
            kind: "telegram".to_owned(),
            address: "42".to_owned(),
            name: Some("Ann".to_owned()),
            username: Some("ann".to_owned()),
            language: Some("en".to_owned()),
            phone: None,
        }),
        happened,
        raw: None,
        letter: None,
        numbered_in: None,
    }
}

/// A message of a customer.
pub(crate) fn message(id: &str, text: &str) -> Inbound {
    let content = MessageContent::text(text);
    delivery(&format!("update:{id}"), Happened::Message { id: id.to_owned(), content, album: None })
}

pub(crate) fn thread() -> ThreadKey {
    ThreadKey {
        channel: Channel::try_from("telegram").unwrap(),
        connection: ConnectionId::new(Ulid::from_parts(1, 1)),
        conversation: "42".to_owned(),
    }
}
