//! Replies that were held for a connection go on once it is mended, also those that the clock comes to see late.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use desk::reply::Reply;
use serde_json::json;
use store::Desk;
use store::connections::{Health, StoredConnection};
use store::environment::System;
use store::keys;
use store::queue::Queue as _;
use store::sqlite::{Sqlite, TableName};
use store::table::{Condition, Item, Write};

const CONNECTION: &str = "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA1";

/// Holds a reply of a conversation of its own, as the sender does.
async fn hold(desk: &Desk, id: &str, conversation: &str) {
    let mut reply: Reply = serde_json::from_value(json!({
        "id": id,
        "ticket": "tkt_01ARZ3NDEKTSV4RRFFQ69G5FA3",
        "seq": 3,
        "thread": {"channel": "telegram", "connection": CONNECTION, "conversation": conversation},
        "content": {"text": "Tomorrow."},
        "state": "queued",
        "version": 1,
        "due_at": "2026-03-01T12:00:00Z",
        "created_at": "2026-03-01T12:00:00Z",
    }))
    .unwrap();
    let entry = Item::new(keys::reply(&reply.thread, reply.id), &reply).unwrap();
    desk.table().write(vec![Write::Put(entry, Condition::Absent)]).await.unwrap();
    reply.held = true;
    desk.save_reply(&mut reply).await.unwrap();
}

#[tokio::test]
async fn held_replies_go_on_until_a_sweep_finds_none() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Arc::new(System::new());
    let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
    let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
    let queue = sqlite.queue("outbound", true);
    let clock = Clock::new(desk.clone(), Arc::new(sqlite.table(TableName::Index)), Arc::new(queue.clone()));
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

    let handed_on = async || {
        clock.sweep(|| true).await.unwrap();
        queue.receive(10, Duration::from_secs(60)).await.unwrap().len()
    };
    hold(&desk, "rep_01ARZ3NDEKTSV4RRFFQ69G5FB1", "1").await;
    assert_eq!(handed_on().await, 1);
    // The index lags behind: it shows this one only now.
    hold(&desk, "rep_01ARZ3NDEKTSV4RRFFQ69G5FB2", "2").await;
    assert_eq!(handed_on().await, 1, "the one that came to light");
    assert_eq!(handed_on().await, 0);
    let connection = desk.connection(&mended.channel, mended.id).await.unwrap().unwrap();
    assert!(!connection.resuming, "there is nothing more to look for");
}
