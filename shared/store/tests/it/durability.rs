//! What was acknowledged stays, however many write at once.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use store::queue::{Outgoing, Queue};
use store::sqlite::TableName;
use store::table::{ChangeFeed, Condition, Item, Key, Query, Table, TableError, Write};
use tokio::task::JoinSet;

use crate::environment::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_everything_acknowledged_stays() {
    const WRITERS: usize = 64;
    const EACH: usize = 10;
    let desk = Desk::new();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let table = desk.sqlite.table(TableName::Main);
        let queue = desk.sqlite.queue("work", false);
        writers.spawn(async move {
            for n in 0..EACH {
                let key = Key::new(format!("T#{writer}"), format!("E#{n}"));
                let event = Item::new(key.clone(), &json!({"n": n})).unwrap();
                let head = Item::new(Key::new("T#all", format!("{writer:02}")), &json!({"n": n})).unwrap();
                let writes =
                    vec![Write::Put(event.clone(), Condition::Absent), Write::Put(head, Condition::Any)];
                table.write(writes).await.unwrap();
                // Whoever reads after the acknowledgement sees it.
                assert_eq!(table.get(&key).await, Ok(Some(event.clone())));
                let again = table.write(vec![Write::Put(event, Condition::Absent)]).await;
                assert_eq!(again, Err(TableError::ConditionFailed(vec![0])));
                let message = Outgoing { body: format!("{writer}/{n}"), group: None, deduplication: None };
                queue.send(vec![message]).await.unwrap();
                table.increment(&Key::new("N", "@")).await.unwrap();
            }
        });
    }
    writers.join_all().await;

    let desk = desk.reopen();
    let table = desk.sqlite.table(TableName::Main);
    for writer in 0..WRITERS {
        let page = table.query(Query::partition(format!("T#{writer}"))).await.unwrap();
        assert_eq!(page.items.len(), EACH);
    }
    let counter = table.get(&Key::new("N", "@")).await.unwrap().unwrap();
    assert_eq!(counter.body["value"], json!(WRITERS * EACH));
    let heads_and_counter = WRITERS + 1;
    assert_eq!(
        desk.sqlite.changes().inserted(10_000).await.unwrap().len(),
        WRITERS * EACH + heads_and_counter
    );

    let queue = desk.sqlite.queue("work", false);
    let mut bodies = HashSet::new();
    loop {
        let batch = queue.receive(10, Duration::from_mins(1)).await.unwrap();
        if batch.is_empty() {
            break;
        }
        bodies.extend(batch.into_iter().map(|message| message.body));
    }
    assert_eq!(bodies.len(), WRITERS * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_stops_waiting_does_not_disturb_others() {
    let desk = Desk::new();
    let table = desk.sqlite.table(TableName::Main);
    for n in 0..50 {
        let item = Item::new(Key::new("T#1", format!("{n:02}")), &json!({})).unwrap();
        let write = table.write(vec![Write::Put(item, Condition::Any)]);
        // Gives up at once, most often with the request on its way.
        let _given_up = tokio::time::timeout(Duration::ZERO, write).await;
    }
    assert_eq!(table.increment(&Key::new("N", "@")).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_share_a_queue_and_take_each_message_once() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let message = |n: usize| Outgoing {
        body: format!("{n:03}"),
        group: Some(format!("g{}", n % 7)),
        deduplication: Some(n.to_string()),
    };
    queue.send((0..200).map(message).collect()).await.unwrap();
    let mut consumers = JoinSet::new();
    for _ in 0..8 {
        let queue = queue.clone();
        consumers.spawn(async move {
            let mut taken = Vec::new();
            while queue.depth().await.unwrap() != store::queue::Depth::default() {
                for message in queue.receive(3, Duration::from_mins(1)).await.unwrap() {
                    taken.push((message.body, message.receives));
                    queue.delete(&message.receipt).await.unwrap();
                }
            }
            taken
        });
    }
    let mut taken: Vec<_> = consumers.join_all().await.into_iter().flatten().collect();
    taken.sort();
    assert_eq!(taken, (0..200).map(|n| (format!("{n:03}"), 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn expired_items_are_purged_by_the_desk_s_clock() {
    let desk = Desk::new();
    let table = desk.sqlite.table(TableName::Index);
    for (sk, seconds) in [("a", 10), ("b", 20), ("c", 30)] {
        let mut item = Item::new(Key::new("L#1", sk), &json!({})).unwrap();
        item.expires_at = Some(1_767_225_600 + seconds);
        table.write(vec![Write::Put(item, Condition::Any)]).await.unwrap();
    }
    let left = async || table.query(Query::partition("L#1")).await.unwrap().items.len();
    assert_eq!(desk.sqlite.purge_expired(100).await, Ok(0));
    desk.clock.advance(Duration::from_secs(25));
    assert_eq!(left().await, 3, "expired items stay until they are purged");
    assert_eq!(desk.sqlite.purge_expired(1).await, Ok(1));
    assert_eq!(left().await, 2);
    assert_eq!(desk.sqlite.purge_expired(100).await, Ok(1));
    assert_eq!(left().await, 1);
}
