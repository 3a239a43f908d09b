//! What can be opened, and what is said of what cannot.

use std::fs;
use std::time::Duration;

use serde_json::json;
use store::queue::{Outgoing, Queue};
use store::sqlite::{OpenError, Sqlite, TableName};
use store::table::{ChangeFeed, Condition, Item, Key, Table, Write};

use crate::environment::{Desk, Moved};

#[tokio::test]
async fn everything_is_there_after_closing_and_opening() {
    let desk = Desk::new();
    let key = Key::new("T#1", "@");
    let item = Item::new(key.clone(), &json!({"version": 1})).unwrap();
    desk.sqlite
        .table(TableName::Main)
        .write(vec![Write::Put(item.clone(), Condition::Absent)])
        .await
        .unwrap();
    let message =
        Outgoing { body: "1".to_owned(), group: Some("g".to_owned()), deduplication: Some("d".to_owned()) };
    desk.sqlite.queue("inbound", true).send(vec![message.clone()]).await.unwrap();

    let desk = desk.reopen();
    assert_eq!(desk.sqlite.table(TableName::Main).get(&key).await, Ok(Some(item.clone())));
    // The tables are apart.
    assert_eq!(desk.sqlite.table(TableName::Index).get(&key).await, Ok(None));
    assert_eq!(desk.sqlite.changes().inserted(10).await.unwrap()[0].item, item);
    let queue = desk.sqlite.queue("inbound", true);
    queue.send(vec![message]).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().waiting, 1, "the deduplication id is remembered");
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let desk = Desk::new();
    desk.sqlite.table(TableName::Main).increment(&Key::new("N", "@")).await.unwrap();
    let folder = desk.folder;
    drop(desk.sqlite);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["desk.db"]);
}

fn opened(prepare: impl FnOnce(&std::path::Path)) -> Result<Sqlite, OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    prepare(&path);
    Sqlite::open(&path, Moved::new())
}

#[test]
fn what_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let text = "Dear diary, ".repeat(100);
    fs::write(&path, &text).unwrap();
    assert!(matches!(Sqlite::open(&path, Moved::new()), Err(OpenError::Foreign(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let missing = Sqlite::open("/nowhere/at all/desk.db".as_ref(), Moved::new());
    let error = missing.unwrap_err();
    assert!(matches!(error, OpenError::Unopenable { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/at all/desk.db"), "{error}");
    let error = opened(|path| fs::create_dir(path).unwrap()).unwrap_err();
    assert!(matches!(error, OpenError::Unopenable { .. }), "{error}");
}

#[test]
fn the_database_of_another_program_is_refused() {
    let error = opened(|path| {
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    })
    .unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let error = opened(|path| {
        drop(Sqlite::open(path, Moved::new()).unwrap());
        let newer = rusqlite::Connection::open(path).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
    })
    .unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, known: 3, .. }), "{error}");
}

#[test]
fn an_empty_file_becomes_a_database() {
    opened(|path| fs::write(path, "").unwrap()).unwrap();
}

#[tokio::test]
async fn what_the_first_schema_kept_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/sqlite/schema.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.pragma_update(None, "application_id", 0x4c44_534b).unwrap();
    let message =
        "INSERT INTO messages (queue, lane, id, body, sent_at) VALUES ('inbound', 'g', 'm', 'kept', 0)";
    old.execute(message, []).unwrap();
    old.execute("INSERT INTO lanes (queue, lane, first) VALUES ('inbound', 'g', 1)", []).unwrap();
    drop(old);
    let sqlite = Sqlite::open(&path, Moved::new()).unwrap();
    let received = sqlite.queue("inbound", true).receive(10, Duration::from_secs(60)).await.unwrap();
    assert_eq!(received[0].body, "kept");
}
