//! Rules of transactions.

use futures_util::future::join_all;
use serde_json::json;

use super::items::refused;
use super::{PAUSE, Scope};
use crate::table::{Condition, Item, MAX_TRANSACTION_BYTES, MAX_WRITES, TableError, Write};

pub(super) async fn absent_holds_only_without_an_item(scope: &Scope) {
    let item = scope.item("absent", "@", &json!({"a": 1}));
    let other = scope.item("absent", "@", &json!({"a": 2}));
    scope.write(vec![Write::Delete(item.key.clone(), Condition::Absent)]).await.unwrap();
    scope.write(vec![Write::Put(item.clone(), Condition::Absent)]).await.unwrap();
    for write in
        [Write::Put(other.clone(), Condition::Absent), Write::Delete(item.key.clone(), Condition::Absent)]
    {
        assert_eq!(scope.write(vec![write]).await, Err(TableError::ConditionFailed(vec![0])));
    }
    assert_eq!(scope.get(&item.key).await, Some(item.clone()));
    scope.write(vec![Write::Delete(item.key.clone(), Condition::Any)]).await.unwrap();
    scope.write(vec![Write::Put(other, Condition::Absent)]).await.unwrap();
}

pub(super) async fn version_holds_only_for_this_version(scope: &Scope) {
    let of = |version: u64| scope.item("version", "@", &json!({"version": version}));
    let key = of(0).key;
    let fails = Err(TableError::ConditionFailed(vec![0]));
    assert_eq!(scope.write(vec![Write::Put(of(1), Condition::Version(0))]).await, fails);
    scope.put(of(7)).await;
    for wrong in [0, 6, 8, 70, u64::MAX] {
        for write in [
            Write::Put(of(8), Condition::Version(wrong)),
            Write::Delete(key.clone(), Condition::Version(wrong)),
        ] {
            assert_eq!(scope.write(vec![write]).await, fails, "{wrong}");
        }
    }
    scope.write(vec![Write::Put(of(u64::MAX), Condition::Version(7))]).await.unwrap();
    scope.write(vec![Write::Delete(key.clone(), Condition::Version(u64::MAX))]).await.unwrap();
    assert_eq!(scope.get(&key).await, None);
    // An item without a version, or with one that is no number, has none that could be met.
    for body in [json!({}), json!({"version": "1"}), json!({"version": null})] {
        scope.put(scope.item("version", "@", &body)).await;
        assert_eq!(scope.write(vec![Write::Put(of(2), Condition::Version(1))]).await, fails);
    }
}

pub(super) async fn all_failing_positions_are_told(scope: &Scope) {
    let of = |sk: &str| scope.item("positions", sk, &json!({"version": 1}));
    scope.put(of("a")).await;
    scope.put(of("c")).await;
    let answer = scope
        .write(vec![
            Write::Put(of("a"), Condition::Absent),
            Write::Put(of("b"), Condition::Absent),
            Write::Delete(of("c").key, Condition::Version(2)),
            Write::Put(of("d"), Condition::Any),
            Write::Delete(of("e").key, Condition::Version(1)),
        ])
        .await;
    assert_eq!(answer, Err(TableError::ConditionFailed(vec![0, 2, 4])));
}

pub(super) async fn nothing_is_written_when_a_condition_fails(scope: &Scope) {
    let old = scope.item("atomic", "old", &json!({"version": 1}));
    scope.put(old.clone()).await;
    let new = scope.item("atomic", "new", &json!({}));
    let answer = scope
        .write(vec![
            Write::Put(new.clone(), Condition::Any),
            Write::Put(scope.item("atomic", "old", &json!({"version": 2})), Condition::Version(1)),
            Write::Delete(scope.key("atomic", "missing"), Condition::Version(1)),
        ])
        .await;
    assert_eq!(answer, Err(TableError::ConditionFailed(vec![2])));
    assert_eq!(scope.get(&new.key).await, None);
    assert_eq!(scope.get(&old.key).await, Some(old));
}

pub(super) async fn a_key_is_written_once(scope: &Scope) {
    let item = scope.item("once", "@", &json!({}));
    let put = Write::Put(item.clone(), Condition::Any);
    for second in [put.clone(), Write::Delete(item.key.clone(), Condition::Any)] {
        refused(scope, vec![put.clone(), second]).await;
    }
    assert_eq!(scope.get(&item.key).await, None);
}

pub(super) async fn a_transaction_has_1_to_100_writes(scope: &Scope) {
    let puts = |count: usize| -> Vec<Write> {
        let item = |n| scope.item("count", &format!("{n:03}"), &json!({"n": n}));
        (0..count).map(|n| Write::Put(item(n), Condition::Any)).collect()
    };
    refused(scope, vec![]).await;
    refused(scope, puts(MAX_WRITES + 1)).await;
    assert_eq!(scope.get(&scope.key("count", "000")).await, None);
    scope.write(puts(MAX_WRITES)).await.unwrap();
    assert_eq!(scope.body(&scope.key("count", "099")).await, json!({"n": 99}));
}

pub(super) async fn a_transaction_has_a_largest_size(scope: &Scope) {
    const ITEMS: usize = 16;
    let puts = |extra: usize| -> Vec<Write> {
        let put = |n: usize| {
            let key = scope.key("sum", &format!("{n:02}"));
            let rest = "pk".len() + key.pk.len() + "sk".len() + key.sk.len() + "text".len();
            let bytes = MAX_TRANSACTION_BYTES / ITEMS - rest + if n == 0 { extra } else { 0 };
            Write::Put(Item::new(key, &json!({"text": "x".repeat(bytes)})).unwrap(), Condition::Any)
        };
        (0..ITEMS).map(put).collect()
    };
    refused(scope, puts(1)).await;
    assert_eq!(scope.get(&scope.key("sum", "00")).await, None);
    scope.write(puts(0)).await.unwrap();
    assert!(scope.get(&scope.key("sum", "15")).await.is_some());
}

pub(super) async fn of_concurrent_writers_one_wins(scope: &Scope) {
    let attempt = |writer: usize| async move {
        let marker = scope.item("winner", &format!("writer {writer}"), &json!({}));
        let put = Write::Put(scope.item("winner", "@", &json!({"writer": writer})), Condition::Absent);
        match scope.write(vec![Write::Put(marker, Condition::Any), put]).await {
            Ok(()) => Some(writer),
            Err(TableError::ConditionFailed(positions)) => {
                assert_eq!(positions, [1]);
                None
            }
            Err(error) => panic!("{error}"),
        }
    };
    let winners: Vec<usize> = join_all((0..20).map(attempt)).await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(scope.body(&scope.key("winner", "@")).await, json!({"writer": winners[0]}));
    for writer in 0..20 {
        let marker = scope.get(&scope.key("winner", &format!("writer {writer}"))).await;
        assert_eq!(marker.is_some(), winners.contains(&writer), "{writer}");
    }
}

pub(super) async fn no_concurrent_increment_by_version_is_lost(scope: &Scope) {
    let head = |version: u64| scope.item("lost", "@", &json!({"version": version}));
    scope.put(head(0)).await;
    let add = |_| async {
        loop {
            let version = scope.body(&head(0).key).await["version"].as_u64().unwrap();
            let event = scope.item("lost", &format!("E#{version}"), &json!({}));
            let writes = vec![
                Write::Put(head(version + 1), Condition::Version(version)),
                Write::Put(event, Condition::Absent),
            ];
            match scope.table.write(writes).await {
                Ok(()) => break,
                Err(TableError::Conflict | TableError::ConditionFailed(_)) => {
                    tokio::time::sleep(PAUSE / 10).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    join_all((0..10).map(add)).await;
    assert_eq!(scope.body(&head(0).key).await, json!({"version": 10}));
}
