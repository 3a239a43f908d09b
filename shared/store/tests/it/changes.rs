//! How the change feed wakes up who waits, and whose insertions it tells.

use std::time::{Duration, Instant};

use serde_json::json;
use store::sqlite::TableName;
use store::table::{ChangeFeed, Condition, Item, Key, Table, TableError, Write};

use crate::environment::Desk;

const LONG: Duration = Duration::from_mins(10);

fn put(sk: &str) -> Vec<Write> {
    let item = Item::new(Key::new("T#1", sk), &json!({})).unwrap();
    vec![Write::Put(item, Condition::Any)]
}

#[tokio::test]
async fn an_insertion_wakes_up_who_waits() {
    let desk = Desk::new();
    let (table, changes) = (desk.sqlite.table(TableName::Main), desk.sqlite.changes());
    let begun = Instant::now();
    let relay = changes.clone();
    let waiting = tokio::spawn(async move { relay.wait(LONG).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    table.write(put("1")).await.unwrap();
    waiting.await.unwrap().unwrap();
    // Until it is acknowledged, there is nothing to wait for.
    changes.wait(LONG).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));

    let told = changes.inserted(10).await.unwrap();
    changes.acknowledge(&told[0].position).await.unwrap();
    let begun = Instant::now();
    changes.wait(Duration::from_millis(50)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn positions_are_never_used_again() {
    let desk = Desk::new();
    desk.sqlite.table(TableName::Main).write(put("1")).await.unwrap();
    let first = desk.sqlite.changes().inserted(10).await.unwrap().remove(0);
    desk.sqlite.changes().acknowledge(&first.position).await.unwrap();
    let desk = desk.reopen();
    desk.sqlite.table(TableName::Main).write(put("2")).await.unwrap();
    // A late repetition of the acknowledgement does not swallow the second.
    desk.sqlite.changes().acknowledge(&first.position).await.unwrap();
    assert_eq!(desk.sqlite.changes().inserted(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_index_table_has_no_feed() {
    let desk = Desk::new();
    desk.sqlite.table(TableName::Index).write(put("1")).await.unwrap();
    assert_eq!(desk.sqlite.changes().inserted(10).await, Ok(vec![]));
    assert!(matches!(desk.sqlite.changes().acknowledge("x").await, Err(TableError::Invalid(_))));
}

#[tokio::test]
async fn a_feed_tells_only_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let sqlite = store::sqlite::Sqlite::open_feeding(&path, crate::environment::Moved::new(), &["E#", "R#"]);
    let sqlite = sqlite.unwrap();
    let table = sqlite.table(TableName::Main);
    for sk in ["@", "E#1", "T#1", "R#1", "E"] {
        table.write(put(sk)).await.unwrap();
    }
    let told = sqlite.changes().inserted(10).await.unwrap();
    let told: Vec<_> = told.iter().map(|one| one.item.key.sk.as_str()).collect();
    assert_eq!(told, ["E#1", "R#1"]);
}
