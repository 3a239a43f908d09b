//! What the most frequent ways may ask of DynamoDB. The figures are the design's; a change that exceeds them must earn it.

use benchmark::counting::Asked;
use benchmark::figures::units::Units;

/// Reads, writes, and the items of each transaction.
type Calls = (usize, usize, Vec<usize>);

/// Counts one way, and holds it to what it may ask and to the units that this may cost.
async fn costs(way: impl Fn(Units) -> Asked, calls: Calls, read_units: f64, write_units: usize) {
    let asked = way(Units::count().await.unwrap());
    assert_eq!((asked.reads, asked.writes, asked.transactions.clone()), calls);
    assert!(asked.read_units <= read_units, "{asked:?}");
    assert!(asked.write_units <= write_units, "{asked:?}");
}

#[tokio::test]
async fn a_message_on_an_existing_conversation() {
    // Thread and head; then head, event, platform message.
    costs(|units| units.existing, (2, 1, vec![3]), 2.0, 10).await;
}

#[tokio::test]
async fn the_first_message_of_a_stranger() {
    // Thread, connection, identity; the number; contact, identity, thread, head, two events, list, number, message.
    costs(|units| units.stranger, (3, 2, vec![9]), 3.0, 22).await;
}

#[tokio::test]
async fn a_duplicate() {
    // Thread and head.
    costs(|units| units.duplicate, (2, 0, vec![]), 2.0, 0).await;
}

#[tokio::test]
async fn a_reply_by_the_api() {
    // The token, the ticket and its connection; then head, event, outbox; the ticket and the reply as they now stand.
    costs(|units| units.reply_api, (5, 1, vec![3]), 5.0, 10).await;
}

#[tokio::test]
async fn a_reply_by_the_sender() {
    // What is to be sent and for which ticket; the claim; the result with the platform's message.
    costs(|units| units.reply_sender, (2, 2, vec![1, 2]), 2.0, 10).await;
}

#[tokio::test]
async fn what_the_relay_reads_of_a_message() {
    // The ticket, which tells whose windows are to be told.
    costs(|units| units.relayed, (1, 0, vec![]), 1.0, 0).await;
}

#[tokio::test]
async fn an_idle_sweep() {
    // Three kinds of due items in four shards, and changed settings; the heartbeat.
    costs(|units| units.idle, (13, 1, vec![]), 6.5, 1).await;
}

#[tokio::test]
async fn a_breach() {
    // Head; then head and event.
    costs(|units| units.breach, (1, 1, vec![2]), 1.0, 8).await;
}

#[tokio::test]
async fn other_tickets_make_no_difference() {
    let alone = Units::count().await.unwrap();
    let among = Units::count_among(500).await.unwrap();
    assert_eq!(Units { idle: alone.idle.clone(), breach: alone.breach.clone(), ..among }, alone);
}
