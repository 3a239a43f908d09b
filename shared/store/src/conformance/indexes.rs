//! Rules of the indexes, which may lag behind the table.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::{PATIENCE, PAUSE, Scope};
use crate::table::{Condition, Index, Item, Page, Query, VIEWS_PROJECTION, Write};

/// Queries until the answer is as expected, or patience ends.
async fn shows(scope: &Scope, query: Query, expected: &[Item], more: bool) {
    let expected = Page { items: expected.to_vec(), more };
    let begun = Instant::now();
    loop {
        let page = scope.table.query(query.clone()).await.unwrap();
        if page == expected {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{query:?}\n found {page:?}\n expected {expected:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

fn read(scope: &Scope, index: Index, partition: &str) -> Query {
    Query::partition(scope.partition(partition)).index(index)
}

/// An item as the `due` index shows it.
fn keys_only(item: &Item) -> Item {
    Item { views: None, expires_at: None, body: Map::new(), ..item.clone() }
}

pub(super) async fn views_carry_their_projection(scope: &Scope) {
    let mut body: Map<String, Value> =
        VIEWS_PROJECTION.iter().map(|&name| (name.to_owned(), json!(name))).collect();
    body.insert("tags".to_owned(), json!(["a", {"b": null}]));
    let projected = body.clone();
    body.insert("version".to_owned(), json!(1));
    body.insert("secret".to_owned(), json!("not in the index"));
    let mut item = scope.item("views", "@", &Value::Object(body));
    item.views = Some(scope.key("views-in", "1"));
    item.due = Some(scope.key("views-due", "1"));
    item.expires_at = Some(4_102_444_800);
    scope.put(item.clone()).await;
    let expected = Item { due: None, expires_at: None, body: projected, ..item };
    shows(scope, read(scope, Index::Views, "views-in"), &[expected], false).await;
    // The index has partitions of its own.
    shows(scope, read(scope, Index::Views, "views"), &[], false).await;
}

pub(super) async fn due_carries_keys_only(scope: &Scope) {
    let mut item = scope.item("due", "@", &json!({"id": "tkt_1", "due_at": "2030"}));
    item.due = Some(scope.key("due-in", "2030-01-01"));
    item.views = Some(scope.key("due-views", "1"));
    item.expires_at = Some(4_102_444_800);
    scope.put(item.clone()).await;
    shows(scope, read(scope, Index::Due, "due-in").to("2030-02"), &[keys_only(&item)], false).await;
    shows(scope, read(scope, Index::Due, "due-in").to("2029-12"), &[], false).await;
}

pub(super) async fn an_item_moves_and_leaves_with_its_place(scope: &Scope) {
    let mut item = scope.item("move", "@", &json!({"id": "tkt_1"}));
    let (here, there) = (read(scope, Index::Views, "move-here"), read(scope, Index::Views, "move-there"));
    let due = read(scope, Index::Due, "move-due");
    item.views = Some(scope.key("move-here", "1"));
    item.due = Some(scope.key("move-due", "1"));
    scope.put(item.clone()).await;
    let in_views = |item: &Item| Item { due: None, ..item.clone() };
    shows(scope, here.clone(), &[in_views(&item)], false).await;
    shows(scope, due.clone(), &[keys_only(&item)], false).await;

    item.views = Some(scope.key("move-there", "2"));
    item.due = None;
    scope.put(item.clone()).await;
    shows(scope, here, &[], false).await;
    shows(scope, there.clone(), &[in_views(&item)], false).await;
    shows(scope, due, &[], false).await;

    item.views = None;
    scope.put(item).await;
    shows(scope, there, &[], false).await;
}

pub(super) async fn a_deleted_item_leaves_its_indexes(scope: &Scope) {
    let mut item = scope.item("leave", "@", &json!({}));
    item.due = Some(scope.key("leave-due", "1"));
    scope.put(item.clone()).await;
    let due = read(scope, Index::Due, "leave-due");
    shows(scope, due.clone(), &[keys_only(&item)], false).await;
    scope.write(vec![Write::Delete(item.key, Condition::Any)]).await.unwrap();
    shows(scope, due, &[], false).await;
}

pub(super) async fn indexes_are_read_in_pages(scope: &Scope) {
    let mut items: Vec<Item> = (1..=5)
        .map(|n| Item {
            // Against the order of the table.
            views: Some(scope.key("paged-in", &format!("{n}"))),
            ..scope.item("paged", &format!("{}", 9 - n), &json!({"id": n}))
        })
        .collect();
    for item in &items {
        scope.put(item.clone()).await;
    }
    let all = read(scope, Index::Views, "paged-in");
    shows(scope, all.clone(), &items, false).await;
    shows(scope, all.clone().limit(2), &items[..2], true).await;
    shows(scope, all.clone().limit(3).after(Some("2".to_owned())), &items[2..], false).await;
    items.reverse();
    shows(scope, all.clone().descending().limit(2), &items[..2], true).await;
    shows(scope, all.descending().limit(2).after(Some("3".to_owned())), &items[3..], false).await;
}
