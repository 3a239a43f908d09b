//! Rules of single items.

use futures_util::future::join_all;
use serde_json::json;

use super::Scope;
use crate::table::limits::{MAX_PK_BYTES, MAX_SK_BYTES, TAKEN};
use crate::table::{Condition, Item, Key, MAX_ITEM_BYTES, TableError, Write};

pub(super) async fn what_is_put_is_read(scope: &Scope) {
    let mut item = scope.item("read", "@", &json!({"id": "tkt_1", "version": 1}));
    item.views = Some(scope.key("read-views", "1"));
    item.due = Some(scope.key("read-due", "2"));
    item.expires_at = Some(4_102_444_800);
    assert_eq!(scope.get(&item.key).await, None);
    scope.put(item.clone()).await;
    assert_eq!(scope.get(&item.key).await, Some(item));
    assert_eq!(scope.get(&scope.key("read", "@@")).await, None);
}

pub(super) async fn a_put_replaces_the_whole_item(scope: &Scope) {
    let mut item = scope.item("replace", "@", &json!({"old": 1, "both": 1}));
    item.due = Some(scope.key("replace-due", "1"));
    item.expires_at = Some(4_102_444_800);
    scope.put(item).await;
    let item = scope.item("replace", "@", &json!({"both": 2, "new": 2}));
    scope.put(item.clone()).await;
    assert_eq!(scope.get(&item.key).await, Some(item));
}

pub(super) async fn a_deleted_item_is_gone(scope: &Scope) {
    let item = scope.item("delete", "@", &json!({"a": 1}));
    scope.put(item.clone()).await;
    let delete = vec![Write::Delete(item.key.clone(), Condition::Any)];
    scope.write(delete.clone()).await.unwrap();
    assert_eq!(scope.get(&item.key).await, None);
    // Once more: nothing to delete is nothing to complain about.
    scope.write(delete).await.unwrap();
}

pub(super) async fn values_come_back_as_they_were(scope: &Scope) {
    let body = json!({
        "text": "Grüße, 世界 👩‍👩‍👧 \u{0}\u{1f}\"\\\n",
        "empty": {"text": "", "list": [], "map": {}},
        "null": null,
        "bools": [true, false],
        "whole": [0, -1, i64::MIN, i64::MAX, u64::MAX, 9_007_199_254_740_993_u64],
        "fractions": [0.1, -2.5, 1.0e-7, 123_456.789, 0.300_000_000_000_000_04, 1.797_693_134_862_315_7e100],
        "nested": {"a": [{"b": [[], [null, {"c": ""}]]}]},
        "Name mit Ünicode.and-dots": 1,
    });
    let item = scope.item("values", "@", &body);
    scope.put(item.clone()).await;
    assert_eq!(scope.body(&item.key).await, body);

    let empty = scope.item("values", "empty", &json!({}));
    scope.put(empty.clone()).await;
    assert_eq!(scope.get(&empty.key).await, Some(empty));
}

pub(super) async fn many_are_read_at_once(scope: &Scope) {
    let keys: Vec<Key> = (0..100).map(|n| scope.key("many", &format!("{n:03}"))).collect();
    let text = "x".repeat(1000);
    let item = |key: &Key| Item::new(key.clone(), &json!({"text": text})).unwrap();
    let puts = keys.iter().step_by(2).map(|key| Write::Put(item(key), Condition::Any));
    scope.write(puts.collect()).await.unwrap();
    let mut found: Vec<Key> =
        scope.table.get_many(&keys).await.unwrap().into_iter().map(|item| item.key).collect();
    found.sort();
    assert_eq!(found, keys.iter().step_by(2).cloned().collect::<Vec<_>>());
    assert_eq!(scope.table.get_many(&[]).await, Ok(vec![]));
    let too_many: Vec<Key> = (0..101).map(|n| scope.key("many", &n.to_string())).collect();
    assert!(matches!(scope.table.get_many(&too_many).await, Err(TableError::Invalid(_))));
}

pub(super) async fn keys_have_limits(scope: &Scope) {
    let pk = |bytes: usize| format!("{:x<bytes$}", scope.partition("long"));
    let longest = Key::new(pk(MAX_PK_BYTES), "s".repeat(MAX_SK_BYTES));
    scope.put(Item::new(longest.clone(), &json!({"a": 1})).unwrap()).await;
    assert_eq!(scope.body(&longest).await, json!({"a": 1}));

    let good = scope.key("keys", "@");
    for bad in [
        Key::new("", "@"),
        Key::new(good.pk.clone(), ""),
        Key::new(pk(MAX_PK_BYTES + 1), "@"),
        Key::new(good.pk.clone(), "s".repeat(MAX_SK_BYTES + 1)),
    ] {
        let mut in_index = Item::new(good.clone(), &json!({})).unwrap();
        in_index.views = Some(bad.clone());
        let puts = [Item::new(bad.clone(), &json!({})).unwrap(), in_index];
        for put in puts {
            refused(scope, vec![Write::Put(put, Condition::Any)]).await;
        }
        refused(scope, vec![Write::Delete(bad.clone(), Condition::Any)]).await;
        assert!(matches!(scope.table.get(&bad).await, Err(TableError::Invalid(_))));
        assert!(matches!(
            scope.table.get_many(std::slice::from_ref(&bad)).await,
            Err(TableError::Invalid(_))
        ));
        assert!(matches!(scope.table.increment(&bad).await, Err(TableError::Invalid(_))));
    }
    assert_eq!(scope.get(&good).await, None);
}

pub(super) async fn an_item_has_a_largest_size(scope: &Scope) {
    let key = scope.key("large", "@");
    let rest = "pk".len() + key.pk.len() + "sk".len() + key.sk.len() + "text".len();
    let of = |bytes: usize| Item::new(key.clone(), &json!({"text": "x".repeat(bytes - rest)})).unwrap();
    refused(scope, vec![Write::Put(of(MAX_ITEM_BYTES + 1), Condition::Any)]).await;
    assert_eq!(scope.get(&key).await, None);
    scope.put(of(MAX_ITEM_BYTES)).await;
    assert_eq!(scope.get(&key).await, Some(of(MAX_ITEM_BYTES)));
}

pub(super) async fn taken_names_are_refused(scope: &Scope) {
    for name in TAKEN {
        let item = scope.item("taken", "@", &json!({name: "x"}));
        refused(scope, vec![Write::Put(item, Condition::Any)]).await;
    }
    // Deeper down they are names like others.
    scope.put(scope.item("taken", "@", &json!({"a": {"pk": "x"}}))).await;
}

pub(super) async fn increments_count_from_one(scope: &Scope) {
    let key = scope.key("counter", "@");
    for expected in 1..=3 {
        assert_eq!(scope.table.increment(&key).await, Ok(expected));
    }
    assert_eq!(scope.body(&key).await, json!({"value": 3}));
    scope.put(Item::new(key.clone(), &json!({"value": 1023, "other": "kept"})).unwrap()).await;
    assert_eq!(scope.table.increment(&key).await, Ok(1024));
    assert_eq!(scope.body(&key).await, json!({"value": 1024, "other": "kept"}));
}

pub(super) async fn concurrent_increments_all_count(scope: &Scope) {
    let key = &scope.key("race", "@");
    let mut sums: Vec<u64> =
        join_all((0..50).map(|_| async { scope.table.increment(key).await.unwrap() })).await;
    sums.sort_unstable();
    assert_eq!(sums, (1..=50).collect::<Vec<_>>());
}

pub(super) async fn refused(scope: &Scope, writes: Vec<Write>) {
    let answer = scope.table.write(writes).await;
    assert!(matches!(answer, Err(TableError::Invalid(_))), "{answer:?}");
}
