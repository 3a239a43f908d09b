//! What a message may cost. The figures are the design's; a change that exceeds them must earn it.

use crate::counting::Asked;
use crate::stage::{Stage, message};

#[tokio::test]
async fn a_message_on_an_existing_conversation() {
    let stage = Stage::new().await;
    assert_eq!(stage.deliver(message("1", "Where is my parcel?"), 1).await, []);
    stage.table.take();
    assert_eq!(stage.deliver(message("2", &"It was due on Monday. ".repeat(10)), 1).await, []);
    let Asked { gets, queries, increments, transactions, write_units } = stage.table.take();
    assert_eq!((gets, queries, increments), (2, 0, 0), "the thread, then the head");
    assert_eq!(transactions, [3], "head, event, platform message");
    assert!(write_units <= 10, "{write_units} write units");
}

#[tokio::test]
async fn the_first_message_of_a_stranger() {
    let stage = Stage::new().await;
    assert_eq!(stage.deliver(message("1", "Hello"), 1).await, []);
    let Asked { gets, queries, increments, transactions, .. } = stage.table.take();
    assert_eq!((gets, queries, increments), (3, 0, 1), "thread, connection, identity; the number");
    assert_eq!(transactions, [9], "contact, identity, thread, head, two events, list, number, message");
}

#[tokio::test]
async fn a_repeated_delivery_costs_two_reads() {
    let stage = Stage::new().await;
    stage.deliver(message("1", "Hello"), 1).await;
    let before = stage.ticket(1).await;
    stage.table.take();
    assert_eq!(stage.deliver(message("1", "Hello"), 1).await, []);
    let asked = stage.table.take();
    assert_eq!(asked, Asked { gets: 2, ..Asked::default() }, "the thread, then the head");
    assert_eq!(stage.ticket(1).await, before);
}

#[tokio::test]
async fn a_delivery_repeated_after_many_others_writes_nothing() {
    let stage = Stage::new().await;
    for id in 1..=20 {
        assert_eq!(stage.deliver(message(&id.to_string(), "Hello?"), 1).await, []);
    }
    let before = stage.ticket(1).await;
    assert_eq!(stage.deliver(message("1", "Hello?"), 1).await, []);
    assert_eq!(stage.ticket(1).await, before);
    assert_eq!(stage.ticket(2).await, None);
}
