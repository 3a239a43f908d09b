//! Rules of queries of the table itself.

use serde_json::json;

use super::Scope;
use crate::table::{Condition, Page, Query, TableError, Write};

/// Puts an item under each sort key.
async fn fill(scope: &Scope, partition: &str, sort_keys: &[&str]) {
    let put = |sk: &&str| Write::Put(scope.item(partition, sk, &json!({"of": sk})), Condition::Any);
    scope.write(sort_keys.iter().map(put).collect()).await.unwrap();
}

async fn query(scope: &Scope, query: Query) -> Page {
    scope.table.query(query).await.unwrap()
}

async fn found(scope: &Scope, asked: Query) -> Vec<String> {
    sort_keys(query(scope, asked).await)
}

fn sort_keys(page: Page) -> Vec<String> {
    page.items.into_iter().map(|item| item.key.sk).collect()
}

fn range(scope: &Scope, partition: &str, from: &str, to: &str) -> Query {
    let mut query = Query::partition(scope.partition(partition)).to(to);
    query.from = Some(from.to_owned());
    query
}

pub(super) async fn a_partition_is_read_in_order_of_bytes(scope: &Scope) {
    let sorted = ["!", "1", "10", "2", "A", "B", "a", "ab", "b", "ä", "ﬀ", "\u{ffff}", "𝄞", "😀"];
    let mut shuffled = sorted;
    shuffled.rotate_left(5);
    shuffled.swap(0, 9);
    fill(scope, "order", &shuffled).await;
    // A neighbour whose name begins alike is another partition.
    fill(scope, "order2", &["x"]).await;
    let partition = Query::partition(scope.partition("order"));
    let page = query(scope, partition.clone()).await;
    assert_eq!(page.items[1], scope.item("order", "1", &json!({"of": "1"})));
    assert!(!page.more);
    assert_eq!(sort_keys(page), sorted);
    let mut reversed = sorted;
    reversed.reverse();
    assert_eq!(found(scope, partition.descending()).await, reversed);
    assert!(found(scope, Query::partition(scope.partition("nobody"))).await.is_empty());
}

pub(super) async fn a_range_includes_both_ends(scope: &Scope) {
    fill(scope, "range", &["a", "b", "c", "d", "e"]).await;
    assert_eq!(found(scope, range(scope, "range", "b", "d")).await, ["b", "c", "d"]);
    assert_eq!(found(scope, range(scope, "range", "b", "d").descending()).await, ["d", "c", "b"]);
    assert_eq!(found(scope, range(scope, "range", "aa", "cc")).await, ["b", "c"]);
    assert_eq!(found(scope, range(scope, "range", "c", "c")).await, ["c"]);
    let to = Query::partition(scope.partition("range")).to("b");
    assert_eq!(found(scope, to).await, ["a", "b"]);
    let mut from = Query::partition(scope.partition("range"));
    from.from = Some("d".to_owned());
    assert_eq!(found(scope, from).await, ["d", "e"]);
}

pub(super) async fn an_empty_range_is_empty(scope: &Scope) {
    fill(scope, "empty", &["a", "c", "e"]).await;
    let nothing = Page { items: vec![], more: false };
    for descending in [false, true] {
        for mut asked in [
            range(scope, "empty", "b", "b"),
            range(scope, "empty", "e", "a"),
            range(scope, "empty", "f", "z"),
            range(scope, "empty", "a", "c").after(Some(if descending { "a" } else { "c" }.to_owned())),
            range(scope, "empty", "c", "c").after(Some(if descending { "b" } else { "d" }.to_owned())),
        ] {
            asked.descending = descending;
            assert_eq!(query(scope, asked.clone()).await, nothing, "{asked:?}");
        }
    }
}

pub(super) async fn a_prefix_selects(scope: &Scope) {
    fill(
        scope,
        "prefix",
        &["@", "E", "E#1", "E#2", "E#ü", "E#\u{10fffe}", "F", "T#ä", "T#äb", "T#äé", "T#å"],
    )
    .await;
    let partition = || Query::partition(scope.partition("prefix"));
    assert_eq!(found(scope, partition().begins_with("E#")).await, ["E#1", "E#2", "E#ü", "E#\u{10fffe}"]);
    assert_eq!(found(scope, partition().begins_with("T#ä")).await, ["T#ä", "T#äb", "T#äé"]);
    assert_eq!(found(scope, partition().begins_with("T#ä").descending().limit(2)).await, ["T#äé", "T#äb"]);
    assert!(found(scope, partition().begins_with("X")).await.is_empty());
}

pub(super) async fn pages_of_every_size_join_up(scope: &Scope) {
    let all = ["a", "b", "c", "d", "ü", "世", "😀"];
    fill(scope, "pages", &all).await;
    for descending in [false, true] {
        let mut expected = all.to_vec();
        if descending {
            expected.reverse();
        }
        for size in 1..=all.len() + 1 {
            let mut read = Vec::new();
            loop {
                let mut asked =
                    Query::partition(scope.partition("pages")).limit(size).after(read.last().cloned());
                asked.descending = descending;
                let page = query(scope, asked).await;
                let more = page.more;
                read.extend(sort_keys(page));
                assert_eq!(more, read.len() < all.len(), "more after {} by {size}", read.len());
                if !more {
                    break;
                }
                assert_eq!(read.len() % size, 0, "a page with more to come is full");
            }
            assert_eq!(read, expected, "by {size}, descending: {descending}");
        }
    }
}

pub(super) async fn pages_stay_within_their_range(scope: &Scope) {
    fill(scope, "within", &["a", "b", "c", "d", "e", "f"]).await;
    let after = |sk: &str| range(scope, "within", "b", "e").after(Some(sk.to_owned()));
    assert_eq!(found(scope, after("c")).await, ["d", "e"]);
    assert_eq!(found(scope, after("cc")).await, ["d", "e"]);
    assert_eq!(found(scope, after("c").descending()).await, ["b"]);
    // Beyond the range on the near side, it changes nothing.
    assert_eq!(found(scope, after("a")).await, ["b", "c", "d", "e"]);
    assert_eq!(found(scope, after("f").descending()).await, ["e", "d", "c", "b"]);
    // What lies beyond the range is not "more".
    let page = query(scope, range(scope, "within", "b", "e").limit(4)).await;
    assert_eq!((page.items.len(), page.more), (4, false));
    let page = query(scope, range(scope, "within", "b", "e").limit(3)).await;
    assert_eq!((page.items.len(), page.more), (3, true));
}

pub(super) async fn a_malformed_query_is_refused(scope: &Scope) {
    for asked in [Query::partition(""), Query::partition(scope.partition("malformed")).limit(0)] {
        assert!(matches!(scope.table.query(asked).await, Err(TableError::Invalid(_))));
    }
}
