//! Rules of FIFO queues.

use std::time::Duration;

use super::queues::{LONG, PAST_SHORT, SHORT, Scope};
use crate::queue::{Outgoing, QueueError};

pub(super) async fn a_group_keeps_its_order(scope: &Scope<'_>) {
    let case = "order";
    let names: Vec<String> = (10..35).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // More at once than one request of SQS carries.
    scope.send(case, "g", &names[..15]).await;
    scope.send(case, "g", &names[15..]).await;
    let mut received = Vec::new();
    while received.len() < names.len() {
        let first = scope.receive(case, 1, LONG).await;
        received.extend(scope.names(case, &first));
        scope.delete(&first[0]).await;
    }
    assert_eq!(received, names);
    scope.nothing(case).await;
}

pub(super) async fn a_group_waits_while_a_message_is_in_hand(scope: &Scope<'_>) {
    let case = "wait";
    scope.send(case, "g", &["1", "2", "3"]).await;
    let first = scope.receive_one(case, LONG).await;
    scope.nothing(case).await;
    // What is sent meanwhile waits, too.
    scope.send(case, "g", &["4"]).await;
    scope.nothing(case).await;
    scope.delete(&first).await;
    assert_eq!(scope.drain(case, 3).await, ["2", "3", "4"]);
}

pub(super) async fn other_groups_go_on(scope: &Scope<'_>) {
    let case = "others";
    scope.send(case, "g", &["g1"]).await;
    let first = scope.receive_one(case, LONG).await;
    scope.send(case, "g", &["g2"]).await;
    scope.send(case, "h", &["h1", "h2"]).await;
    assert_eq!(scope.drain(case, 2).await, ["h1", "h2"]);
    scope.nothing(case).await;
    scope.delete(&first).await;
    assert_eq!(scope.drain(case, 1).await, ["g2"]);
}

pub(super) async fn repetitions_are_swallowed(scope: &Scope<'_>) {
    let case = "dedup";
    let message = scope.message(case, "g", "1");
    scope.queue.send(vec![message.clone(), message.clone()]).await.unwrap();
    // The id counts, whatever the body and the group.
    let elsewhere =
        Outgoing { body: scope.body(case, "other"), group: Some("other".to_owned()), ..message.clone() };
    scope.queue.send(vec![elsewhere]).await.unwrap();
    assert_eq!(scope.drain(case, 1).await, ["1"]);
    scope.nothing(case).await;
    // Also once the first has been deleted.
    scope.queue.send(vec![message.clone()]).await.unwrap();
    scope.nothing(case).await;
    // And a body alone makes no repetition.
    let again = Outgoing { deduplication: Some(scope.group(case, "again")), ..message };
    scope.queue.send(vec![again]).await.unwrap();
    assert_eq!(scope.drain(case, 1).await, ["1"]);
}

pub(super) async fn a_released_message_comes_before_later_ones(scope: &Scope<'_>) {
    let case = "release";
    scope.send(case, "g", &["1", "2"]).await;
    let first = scope.receive_one(case, LONG).await;
    scope.release(&first, Duration::ZERO).await;
    let again = scope.receive_one(case, LONG).await;
    assert_eq!((&again.id, again.receives), (&first.id, 2));
    scope.delete(&again).await;
    assert_eq!(scope.drain(case, 1).await, ["2"]);
}

pub(super) async fn a_message_released_for_later_holds_its_group(scope: &Scope<'_>) {
    let case = "later";
    scope.send(case, "g", &["1", "2"]).await;
    let first = scope.receive_one(case, LONG).await;
    scope.release(&first, SHORT).await;
    scope.nothing(case).await;
    scope.pause(PAST_SHORT).await;
    assert_eq!(scope.drain(case, 2).await, ["1", "2"]);
}

pub(super) async fn a_message_whose_visibility_ends_comes_first(scope: &Scope<'_>) {
    let case = "visibility";
    scope.send(case, "g", &["1", "2"]).await;
    let first = scope.receive_one(case, SHORT).await;
    scope.pause(PAST_SHORT).await;
    let again = scope.receive_one(case, LONG).await;
    assert_eq!((&again.id, again.receives), (&first.id, 2));
    scope.delete(&again).await;
    assert_eq!(scope.drain(case, 1).await, ["2"]);
}

pub(super) async fn a_dead_letter_lets_its_group_go_on(scope: &Scope<'_>) {
    let case = "dead";
    scope.send(case, "g", &["1", "2"]).await;
    scope.exhaust(case, "1").await;
    let second = scope.receive_one(case, LONG).await;
    assert_eq!((&second.body, second.receives), (&scope.body(case, "2"), 1));
    scope.delete(&second).await;
    let letter = scope.dead_letter(case).await;
    assert_eq!((letter.body, letter.group), (scope.body(case, "1"), Some(scope.group(case, "g"))));
    scope.nothing(case).await;
}

pub(super) async fn group_and_deduplication_are_required(scope: &Scope<'_>) {
    let message = scope.message("required", "g", "1");
    let empty = || Some(String::new());
    let long = || Some("x".repeat(129));
    for bad in [
        Outgoing { group: None, ..message.clone() },
        Outgoing { deduplication: None, ..message.clone() },
        Outgoing { group: empty(), ..message.clone() },
        Outgoing { deduplication: empty(), ..message.clone() },
        Outgoing { group: long(), ..message.clone() },
        Outgoing { deduplication: long(), ..message.clone() },
        Outgoing { group: Some("a b".to_owned()), ..message.clone() },
        Outgoing { deduplication: Some("ü".to_owned()), ..message.clone() },
    ] {
        let answer = scope.queue.send(vec![bad.clone()]).await;
        assert!(matches!(answer, Err(QueueError::Invalid(_))), "{bad:?}: {answer:?}");
    }
    scope.nothing("required").await;
}
