//! Replies that were held for a connection go on once it is mended, also those that the index shows late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clock::Clock;
use desk::reply::Reply;
use serde_json::json;
use store::Desk;
use store::connections::{Health, StoredConnection};
use store::environment::System;
use store::queue::Queue as _;
use store::sqlite::{Sqlite, SqliteTable, TableName};
use store::table::{Index, Item, Key, Page, Query, Table, TableError, Write};

const CONNECTION: &str = "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA1";
const LATE: &str = "rep_01ARZ3NDEKTSV4RRFFQ69G5FB2";

/// A table whose index does not show one reply for a while.
struct Lagging {
    table: SqliteTable,
    shows: AtomicBool,
}

#[async_trait]
impl Table for Lagging {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.table.get_many(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        let due = query.index == Index::Due;
        let mut page = self.table.query(query).await?;
        if due && !self.shows.load(Ordering::Relaxed) {
            page.items.retain(|item| !LATE.ends_with(item.key.sk.trim_start_matches("R#")));
        }
        Ok(page)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.table.write(writes).await
    }

    async fn increment(&self, key: &Key) -> Result<u64, TableError> {
        self.table.increment(key).await
    }
}

/// A reply of a conversation of its own, held.
fn held(id: &str, conversation: &str) -> Reply {
    serde_json::from_value(json!({
        "id": id,
        "ticket": "tkt_01ARZ3NDEKTSV4RRFFQ69G5FA3",
        "seq": 3,
        "thread": {"channel": "telegram", "connection": CONNECTION, "conversation": conversation},
        "content": {"text": "Tomorrow."},
        "state": "queued",
        "version": 1,
        "held": true,
        "due_at": "2026-03-01T12:00:00Z",
        "created_at": "2026-03-01T12:00:00Z",
    }))
    .unwrap()
}

#[tokio::test]
async fn a_held_reply_that_the_index_shows_late_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Arc::new(System::new());
    let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
    let table = Arc::new(Lagging { table: sqlite.table(TableName::Main), shows: AtomicBool::new(false) });
    let desk = Desk::new(table.clone(), environment);
    let mended = StoredConnection {
        id: CONNECTION.parse().unwrap(),
        channel: "telegram".try_into().unwrap(),
        version: 1,
        name: "Bot".to_owned(),
        settings: Default::default(),
        secrets: Default::default(),
        health: Health::Ok,
        resuming: true,
        created_at: "2026-03-01T10:00:00Z".parse().unwrap(),
    };
    desk.save_connection(&mended, Vec::new()).await.unwrap();
    let queue = sqlite.queue("outbound", true);
    let clock = Clock::new(desk.clone(), Arc::new(sqlite.table(TableName::Index)), Arc::new(queue.clone()));
    for (id, conversation) in [("rep_01ARZ3NDEKTSV4RRFFQ69G5FB1", "1"), (LATE, "2")] {
        let mut reply = held(id, conversation);
        let entry = Item::new(store::keys::reply(&reply.thread, reply.id), &reply).unwrap();
        desk.table().write(vec![Write::Put(entry, store::table::Condition::Absent)]).await.unwrap();
        desk.save_reply(&mut reply).await.unwrap();
    }

    let handed_on = async || {
        clock.sweep(|| true).await.unwrap();
        let messages = queue.receive(10, Duration::from_secs(60)).await.unwrap();
        messages.into_iter().filter_map(|message| message.group).collect::<Vec<_>>()
    };
    assert_eq!(handed_on().await.len(), 1, "the one that it shows");
    table.shows.store(true, Ordering::Relaxed);
    assert_eq!(handed_on().await.len(), 1, "the one that came to light");
    assert!(handed_on().await.is_empty());
    let connection = desk.connection(&mended.channel, mended.id).await.unwrap().unwrap();
    assert!(!connection.resuming, "there is nothing more to look for");
}
