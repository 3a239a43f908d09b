//! Rules of standard queues.

use std::time::Duration;

use super::queues::{LONG, PAST_SHORT, SHORT, Scope};
use super::{PATIENCE, PAUSE};
use crate::queue::{Outgoing, QueueError};

pub(super) async fn all_messages_arrive(scope: &Scope<'_>) {
    let case = "all";
    let mut names: Vec<String> = (10..35).map(|n| n.to_string()).collect();
    // More at once than one request of SQS carries.
    scope.send(case, "", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let received = scope.receive(case, names.len(), LONG).await;
    for message in &received {
        scope.delete(message).await;
    }
    let mut arrived = scope.names(case, &received);
    arrived.sort();
    names.sort();
    assert_eq!(arrived, names);
    scope.nothing(case).await;
}

pub(super) async fn a_message_in_hand_is_hidden(scope: &Scope<'_>) {
    let case = "hidden";
    scope.send(case, "", &["1"]).await;
    let first = scope.receive_one(case, SHORT).await;
    // Others do not wait for it.
    scope.send(case, "", &["2"]).await;
    assert_eq!(scope.drain(case, 1).await, ["2"]);
    scope.nothing(case).await;
    scope.pause(PAST_SHORT).await;
    let again = scope.receive_one(case, LONG).await;
    assert_eq!((&again.id, again.receives, again.sent_at), (&first.id, 2, first.sent_at));
    scope.delete(&again).await;
    scope.nothing(case).await;
}

pub(super) async fn a_released_message_comes_back(scope: &Scope<'_>) {
    let case = "release";
    scope.send(case, "", &["1"]).await;
    let first = scope.receive_one(case, LONG).await;
    scope.release(&first, Duration::ZERO).await;
    let second = scope.receive_one(case, LONG).await;
    assert_eq!((&second.id, second.receives), (&first.id, 2));
    scope.release(&second, SHORT).await;
    scope.nothing(case).await;
    scope.pause(PAST_SHORT).await;
    let third = scope.receive_one(case, LONG).await;
    assert_eq!((&third.id, third.receives), (&first.id, 3));
    scope.delete(&third).await;
}

pub(super) async fn a_dead_letter_is_kept_apart(scope: &Scope<'_>) {
    let case = "dead";
    scope.send(case, "", &["1"]).await;
    scope.exhaust(case, "1").await;
    scope.nothing(case).await;
    assert_eq!(scope.dead_letter(case).await.body, scope.body(case, "1"));
    scope.nothing(case).await;
}

pub(super) async fn group_and_deduplication_are_refused(scope: &Scope<'_>) {
    let message = scope.message("refused", "", "1");
    let id = || Some("x".to_owned());
    for bad in
        [Outgoing { group: id(), ..message.clone() }, Outgoing { deduplication: id(), ..message.clone() }]
    {
        let answer = scope.queue.send(vec![bad.clone()]).await;
        assert!(matches!(answer, Err(QueueError::Invalid(_))), "{bad:?}: {answer:?}");
    }
}

pub(super) async fn depth_counts(scope: &Scope<'_>) {
    let case = "depth";
    let before = scope.depth().await;
    let shows = async |waiting: u64, in_hand: u64| {
        let mut waited = Duration::ZERO;
        loop {
            let now = scope.depth().await;
            if (now.waiting, now.in_hand) == (before.waiting + waiting, before.in_hand + in_hand) {
                break;
            }
            assert!(waited < PATIENCE, "{now:?}, at first {before:?}; {waiting} wait, {in_hand} are in hand");
            scope.pause(PAUSE).await;
            waited += PAUSE;
        }
    };
    scope.send(case, "", &["1", "2", "3"]).await;
    shows(3, 0).await;
    let received = scope.receive(case, 2, LONG).await;
    shows(1, 2).await;
    scope.delete(&received[0]).await;
    shows(1, 1).await;
    scope.release(&received[1], Duration::ZERO).await;
    shows(2, 0).await;
    scope.drain(case, 2).await;
    shows(0, 0).await;
}
