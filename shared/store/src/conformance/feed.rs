//! Rules of the change feed.

use std::sync::Arc;

use serde_json::json;

use super::Scope;
use crate::table::{ChangeFeed, Condition, Inserted, Item, TableError, Write};

/// A table and the feed of what is inserted into it.
pub(super) struct Fed {
    pub(super) scope: Scope,
    pub(super) feed: Arc<dyn ChangeFeed>,
}

impl Fed {
    /// All insertions into one partition that are unacknowledged.
    async fn of(&self, partition: &str) -> Vec<Inserted> {
        let pk = self.scope.partition(partition);
        let all = self.feed.inserted(10_000).await.unwrap();
        all.into_iter().filter(|inserted| inserted.item.key.pk == pk).collect()
    }

    async fn sort_keys_of(&self, partition: &str) -> Vec<String> {
        self.of(partition).await.into_iter().map(|inserted| inserted.item.key.sk).collect()
    }

    async fn insert(&self, partition: &str, sort_keys: &[&str]) {
        let put = |sk: &&str| Write::Put(self.scope.item(partition, sk, &json!({})), Condition::Absent);
        self.scope.write(sort_keys.iter().map(put).collect()).await.unwrap();
    }
}

pub(super) async fn insertions_are_told_in_order(fed: &Fed) {
    fed.insert("feed-order", &["c", "a"]).await;
    fed.insert("feed-order", &["b"]).await;
    assert_eq!(fed.sort_keys_of("feed-order").await, ["c", "a", "b"]);
    // Unacknowledged, they are told again.
    assert_eq!(fed.sort_keys_of("feed-order").await, ["c", "a", "b"]);
    assert_eq!(fed.feed.inserted(2).await.unwrap().len(), 2);
}

pub(super) async fn an_insertion_is_told_as_it_was(fed: &Fed) {
    let inserted = Item {
        views: Some(fed.scope.key("feed-views", "1")),
        due: Some(fed.scope.key("feed-due", "1")),
        expires_at: Some(4_102_444_800),
        ..fed.scope.item("feed-image", "@", &json!({"state": "queued", "version": 1}))
    };
    fed.scope.put(inserted.clone()).await;
    fed.scope.put(fed.scope.item("feed-image", "@", &json!({"state": "sent"}))).await;
    let told: Vec<Item> = fed.of("feed-image").await.into_iter().map(|inserted| inserted.item).collect();
    assert_eq!(told, [inserted]);
}

pub(super) async fn only_insertions_are_told(fed: &Fed) {
    let item = fed.scope.item("feed-only", "@", &json!({}));
    fed.scope.put(item.clone()).await;
    fed.scope.put(item.clone()).await;
    fed.scope.write(vec![Write::Delete(item.key.clone(), Condition::Any)]).await.unwrap();
    assert_eq!(fed.sort_keys_of("feed-only").await, ["@"]);
    // What was removed can be inserted again.
    fed.scope.put(item).await;
    assert_eq!(fed.sort_keys_of("feed-only").await, ["@", "@"]);
}

pub(super) async fn a_failed_transaction_tells_nothing(fed: &Fed) {
    fed.insert("feed-failed", &["a"]).await;
    let answer = fed
        .scope
        .write(vec![
            Write::Put(fed.scope.item("feed-failed", "b", &json!({})), Condition::Any),
            Write::Put(fed.scope.item("feed-failed", "a", &json!({})), Condition::Absent),
        ])
        .await;
    assert_eq!(answer, Err(TableError::ConditionFailed(vec![1])));
    assert_eq!(fed.sort_keys_of("feed-failed").await, ["a"]);
}

pub(super) async fn what_is_acknowledged_is_forgotten(fed: &Fed) {
    fed.insert("feed-forget", &["a", "b", "c"]).await;
    let told = fed.of("feed-forget").await;
    fed.feed.acknowledge(&told[1].position).await.unwrap();
    assert_eq!(fed.sort_keys_of("feed-forget").await, ["c"]);
    assert!(fed.of("feed-order").await.is_empty(), "all that came before is forgotten, too");
    // Twice is once, and positions go on.
    fed.feed.acknowledge(&told[1].position).await.unwrap();
    fed.feed.acknowledge(&told[2].position).await.unwrap();
    fed.insert("feed-forget", &["d"]).await;
    assert_eq!(fed.sort_keys_of("feed-forget").await, ["d"]);
}
