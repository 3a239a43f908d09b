//! What the most frequent ways may ask of DynamoDB.

use benchmark::counting::Asked;
use benchmark::figures::units::{
    BREACH, Budget, DUPLICATE, EXISTING, IDLE, RELAYED, REPLY_API, REPLY_SENDER, STRANGER, Units,
};

/// Counts one way, and holds it to what it may ask and to the units that this may cost.
async fn costs(way: impl Fn(Units) -> Asked, budget: &Budget) {
    let asked = way(Units::count().await.unwrap());
    assert!(budget.allows(&asked), "{asked:?} of {budget:?}");
}

#[tokio::test]
async fn a_message_on_an_existing_conversation() {
    costs(|units| units.existing, &EXISTING).await;
}

#[tokio::test]
async fn the_first_message_of_a_stranger() {
    costs(|units| units.stranger, &STRANGER).await;
}

#[tokio::test]
async fn a_duplicate() {
    costs(|units| units.duplicate, &DUPLICATE).await;
}

#[tokio::test]
async fn a_reply_by_the_api() {
    costs(|units| units.reply_api, &REPLY_API).await;
}

#[tokio::test]
async fn a_reply_by_the_sender() {
    costs(|units| units.reply_sender, &REPLY_SENDER).await;
}

#[tokio::test]
async fn what_the_relay_reads_of_a_message() {
    costs(|units| units.relayed, &RELAYED).await;
}

#[tokio::test]
async fn an_idle_sweep() {
    costs(|units| units.idle, &IDLE).await;
}

#[tokio::test]
async fn a_breach() {
    costs(|units| units.breach, &BREACH).await;
}

#[tokio::test]
async fn other_tickets_make_no_difference() {
    let alone = Units::count().await.unwrap();
    let among = Units::count_among(500).await.unwrap();
    assert_eq!(Units { idle: alone.idle.clone(), breach: alone.breach.clone(), ..among }, alone);
}
