//! What queues do by the clock, and how they wake up who waits.

use std::time::{Duration, Instant};

use store::queue::{Depth, MAX_RECEIVES, Outgoing, Queue, QueueError};
use store::sqlite::dead_letters_of;

use crate::environment::Desk;

const LONG: Duration = Duration::from_mins(10);
const MINUTE: Duration = Duration::from_mins(1);

fn message(group: &str, body: &str) -> Outgoing {
    Outgoing { body: body.to_owned(), group: Some(group.to_owned()), deduplication: Some(body.to_owned()) }
}

#[tokio::test]
async fn a_deduplication_id_lasts_five_minutes_from_its_first_use() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let waiting = async || queue.depth().await.unwrap().waiting;
    queue.send(vec![message("g", "1")]).await.unwrap();
    desk.clock.advance(Duration::from_millis(299_999));
    queue.send(vec![message("g", "1")]).await.unwrap();
    assert_eq!(waiting().await, 1);
    desk.clock.advance(Duration::from_millis(1));
    queue.send(vec![message("g", "1")]).await.unwrap();
    assert_eq!(waiting().await, 2);
    queue.send(vec![message("g", "1")]).await.unwrap();
    assert_eq!(waiting().await, 2);
    // Another queue has ids of its own.
    let other = desk.sqlite.queue("outbound", true);
    other.send(vec![message("g", "1")]).await.unwrap();
    assert_eq!(other.depth().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn visibility_ends_to_the_millisecond() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    queue.send(vec![message("g", "1"), message("g", "2")]).await.unwrap();
    let first = queue.receive(10, MINUTE).await.unwrap();
    assert_eq!(first.len(), 2, "a batch may hold several of a group");
    desk.clock.advance(MINUTE - Duration::from_millis(1));
    assert!(queue.receive(10, MINUTE).await.unwrap().is_empty());
    assert_eq!(queue.depth().await, Ok(Depth { waiting: 0, in_hand: 2 }));
    desk.clock.advance(Duration::from_millis(1));
    assert_eq!(queue.depth().await, Ok(Depth { waiting: 2, in_hand: 0 }));
    // The receipts have run out, though nobody has received the messages again.
    queue.delete(&first[0].receipt).await.unwrap();
    let again = queue.receive(10, MINUTE).await.unwrap();
    let bodies: Vec<&str> = again.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["1", "2"]);
}

#[tokio::test]
async fn a_dead_letter_keeps_what_it_was_and_dies_once() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let dead = queue.dead_letters();
    queue.send(vec![message("g", "1"), message("g", "2")]).await.unwrap();
    let sent_at = queue.receive(1, MINUTE).await.unwrap().remove(0).sent_at;
    for receives in 2..=MAX_RECEIVES {
        desk.clock.advance(MINUTE);
        assert_eq!(queue.receive(1, MINUTE).await.unwrap()[0].receives, receives);
    }
    assert_eq!(dead.depth().await, Ok(Depth::default()), "it is still in hand for the last time");
    desk.clock.advance(MINUTE);
    let second = queue.receive(10, MINUTE).await.unwrap();
    assert_eq!((second.len(), second[0].body.as_str(), second[0].receives), (1, "2", 1));
    for receives in 1..=2 * MAX_RECEIVES {
        let letter = dead.receive(10, MINUTE).await.unwrap().remove(0);
        assert_eq!(
            (letter.body.as_str(), letter.group.as_deref(), letter.receives),
            ("1", Some("g"), receives)
        );
        assert_eq!(letter.sent_at, sent_at);
        desk.clock.advance(MINUTE);
    }
    let beyond = desk.sqlite.queue(&dead_letters_of(&dead_letters_of("inbound")), true);
    assert_eq!(beyond.depth().await, Ok(Depth::default()));
}

#[tokio::test]
async fn after_a_restart_what_was_in_hand_comes_back_at_once() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    queue.send(vec![message("g", "1"), message("g", "2")]).await.unwrap();
    let lost = queue.receive(1, LONG).await.unwrap().remove(0);
    desk.sqlite.release_all().await.unwrap();
    queue.delete(&lost.receipt).await.unwrap();
    // It counts as not received, and comes alone: perhaps the restart was its doing.
    for body in ["1", "2"] {
        let again = queue.receive(10, LONG).await.unwrap();
        let seen: Vec<_> = again.iter().map(|message| (message.body.as_str(), message.receives)).collect();
        assert_eq!(seen, [(body, 1)]);
        queue.delete(&again[0].receipt).await.unwrap();
    }
}

#[tokio::test]
async fn what_ends_the_process_again_and_again_becomes_a_dead_letter_alone() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    queue
        .send(vec![
            message("a", "before"),
            message("b", "fatal"),
            message("b", "behind"),
            message("c", "other"),
        ])
        .await
        .unwrap();
    let mut done = Vec::new();
    let mut ends = 0;
    loop {
        let batch = queue.receive(10, LONG).await.unwrap();
        if batch.is_empty() {
            break;
        }
        // What was done before it in a batch is not noted when the process ends there.
        if batch.iter().any(|message| message.body == "fatal") {
            desk.sqlite.release_all().await.unwrap();
            ends += 1;
            assert!(ends < 100, "it ends");
            continue;
        }
        for message in batch {
            queue.delete(&message.receipt).await.unwrap();
            done.push(message.body);
        }
    }
    done.sort();
    assert_eq!(done, ["before", "behind", "other"]);
    let letters = queue.dead_letters().receive(10, LONG).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.body.as_str()).collect::<Vec<_>>(), ["fatal"]);
    assert!(ends > MAX_RECEIVES, "an end of the process is excused more often than a failure");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let queue = Desk::new().sqlite.queue("work", false);
    for receipt in ["", "1", "1.", "a.b", "1.1.1"] {
        assert!(matches!(queue.delete(receipt).await, Err(QueueError::Invalid(_))));
        assert!(matches!(queue.release(receipt, MINUTE).await, Err(QueueError::Invalid(_))));
    }
    let too_long = Duration::from_hours(13);
    assert!(matches!(queue.receive(1, too_long).await, Err(QueueError::Invalid(_))));
    assert!(matches!(queue.release("1.1", too_long).await, Err(QueueError::Invalid(_))));
}

#[tokio::test]
async fn a_send_wakes_up_who_waits() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let begun = Instant::now();
    let consumer = queue.clone();
    let waiting = tokio::spawn(async move { consumer.wait(LONG).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    queue.send(vec![message("g", "1")]).await.unwrap();
    waiting.await.unwrap().unwrap();
    // What is there already needs no waiting.
    queue.wait(LONG).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn waiting_ends_when_something_becomes_visible() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    queue.send(vec![message("g", "1"), message("g", "2")]).await.unwrap();
    let first = queue.receive(1, Duration::from_millis(200)).await.unwrap().remove(0);
    let begun = Instant::now();
    queue.wait(LONG).await.unwrap();
    assert!((Duration::from_millis(200)..Duration::from_secs(10)).contains(&begun.elapsed()));
    // Deleting makes way for the next of the group.
    let consumer = queue.clone();
    let waiting = tokio::spawn(async move { consumer.wait(LONG).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    queue.delete(&first.receipt).await.unwrap();
    waiting.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn waiting_ends_by_itself() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let begun = Instant::now();
    queue.wait(Duration::from_millis(50)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_long_tail_behind_a_blocked_group_costs_nothing() {
    const TAIL: usize = 30_000;
    let desk = Desk::new();
    let queue = desk.sqlite.queue("inbound", true);
    let tail = (0..TAIL).map(|n| message("blocked", &n.to_string()));
    queue.send(tail.collect()).await.unwrap();
    queue.receive(1, LONG).await.unwrap();
    let begun = Instant::now();
    for n in 0..50 {
        queue.send(vec![message("free", &format!("free-{n}"))]).await.unwrap();
        let received = queue.receive(10, LONG).await.unwrap();
        assert_eq!(received.len(), 1);
        queue.delete(&received[0].receipt).await.unwrap();
    }
    // 150 commits; a scan of the tail by each would take longer than all of them.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_was_received_together_is_deleted_together() {
    let desk = Desk::new();
    let queue = desk.sqlite.queue("work", false);
    let messages =
        ["a", "b", "c"].map(|body| Outgoing { body: body.to_owned(), group: None, deduplication: None });
    queue.send(messages.to_vec()).await.unwrap();
    let received = queue.receive(10, Duration::from_secs(60)).await.unwrap();
    let receipts: Vec<&str> = received.iter().map(|message| message.receipt.as_str()).collect();
    queue.delete_all(&[]).await.unwrap();
    queue.delete_all(&receipts[..2]).await.unwrap();
    // A receipt that ran out is ignored here, too.
    queue.delete_all(&receipts[..1]).await.unwrap();
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.waiting, depth.in_hand), (0, 1));
    assert!(queue.delete_all(&["nonsense"]).await.is_err());
}
