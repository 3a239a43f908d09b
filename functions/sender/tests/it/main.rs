//! What becomes of replies whose connection is broken.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use channels::Directory;
use channels::http::Http;
use channels::platform::Outlets;
use desk::reply::Reply;
use object_store::memory::InMemory;
use sender::Sender;
use serde_json::json;
use store::Desk;
use store::blobs::{Blobs, NoLinks};
use store::connections::{Health, StoredConnection};
use store::envelope::Outbound;
use store::environment::System;
use store::keys;
use store::queue::Queue as _;
use store::seal::SealingKey;
use store::sqlite::{Sqlite, SqliteTable, TableName};
use store::table::{Condition, Item, Key, Page, Query, Table, TableError, Write};
use tokio::time::Instant;

/// A table in which something happens just before a reply is held.
struct Meanwhile {
    table: SqliteTable,
    happens: Mutex<Vec<Write>>,
}

#[async_trait]
impl Table for Meanwhile {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let holds = |write: &Write| matches!(write, Write::Put(item, _) if item.body.get("held") == Some(&json!(true)));
        if writes.iter().any(holds) {
            let happens = std::mem::take(&mut *self.happens.lock().unwrap());
            if !happens.is_empty() {
                self.table.write(happens).await?;
            }
        }
        self.table.write(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.table.increment(key).await
    }
}

fn connection(health: Health) -> StoredConnection {
    StoredConnection {
        id: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA1".parse().unwrap(),
        channel: "telegram".try_into().unwrap(),
        version: 2,
        name: "Bot".to_owned(),
        settings: Default::default(),
        secrets: Default::default(),
        health,
        resuming: false,
        created_at: "2026-03-01T10:00:00Z".parse().unwrap(),
    }
}

fn broken() -> Health {
    let since = "2026-03-01T11:00:00Z".parse().unwrap();
    Health::Broken { reason: "unauthorized".to_owned(), detail: "Unauthorized".to_owned(), since }
}

fn stored(connection: &StoredConnection) -> Write {
    let key = keys::connection(&connection.channel, connection.id);
    Write::Put(Item::new(key, connection).unwrap(), Condition::Any)
}

/// A reply that meets a broken connection, to which something happens before the reply is held: how many of the batch
/// must come again, and the reply as it then stands.
async fn sent(happens: Vec<Write>) -> (usize, Reply) {
    let folder = tempfile::tempdir().unwrap();
    let environment = Arc::new(System::new());
    let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
    let table = Meanwhile { table: sqlite.table(TableName::Main), happens: Mutex::new(happens) };
    let desk = Desk::new(Arc::new(table), environment);
    let reply: Reply = serde_json::from_value(json!({
        "id": "rep_01ARZ3NDEKTSV4RRFFQ69G5FA2",
        "ticket": "tkt_01ARZ3NDEKTSV4RRFFQ69G5FA3",
        "seq": 3,
        "thread": {"channel": "telegram", "connection": "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA1", "conversation": "42"},
        "content": {"text": "Tomorrow."},
        "state": "queued",
        "version": 1,
        "created_at": "2026-03-01T12:00:00Z",
    }))
    .unwrap();
    let entry = Item::new(keys::reply(&reply.thread, reply.id), &reply).unwrap();
    desk.table().write(vec![stored(&connection(broken())), Write::Put(entry, Condition::Any)]).await.unwrap();

    let directory = Directory::new(desk.clone(), Arc::new(SealingKey::new(&[7; 32]).unwrap()));
    let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks));
    let sender = Sender::new(desk.clone(), directory, blobs, Outlets { http: Http::new(), mailer: None });
    let queue = sqlite.queue("outbound", true);
    let outbound = Outbound { thread: reply.thread.clone(), reply: reply.id };
    queue.send(vec![outbound.pack("")]).await.unwrap();
    let batch = queue.receive(1, Duration::from_secs(60)).await.unwrap();
    let failed = sender.handle(&batch, Instant::now() + Duration::from_secs(120)).await;
    (failed.len(), desk.reply(&reply.thread, reply.id).await.unwrap().unwrap())
}

#[tokio::test]
async fn a_reply_waits_for_its_connection_to_be_mended() {
    let (again, reply) = sent(Vec::new()).await;
    assert_eq!((again, reply.held), (0, true));
}

#[tokio::test]
async fn a_reply_that_is_held_after_the_connection_was_mended_goes_on() {
    // The clock has let go on what was held, and looks no more.
    let (again, reply) = sent(vec![stored(&connection(Health::Ok))]).await;
    assert_eq!((again, reply.held), (1, false));
    assert!(reply.due_at.is_some(), "and the clock looks after it");
}
