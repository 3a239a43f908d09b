//! The suites that every engine of a port must pass.
//!
//! A suite shares its table or queue with others: it looks only at keys and bodies that begin with its prefix, which
//! must be fresh for every run. A failure panics with the name of the rule that the engine breaks.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite of tests; it is never part of a desk"
)]

pub mod differential;
mod feed;
mod fifo;
mod indexes;
mod items;
mod queries;
mod queues;
mod standard;
mod transactions;

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;

pub use self::queues::{Deviations, Queues};
use crate::table::{ChangeFeed, Condition, Item, Key, Table, TableError, Write};

/// How long an engine may take until indexes and counts show what was written.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs each rule by its name.
macro_rules! rules {
    ($scope:expr; $($module:ident :: $rule:ident),+ $(,)?) => {
        $($crate::conformance::holds(stringify!($rule), $module::$rule($scope)).await;)+
    };
}

/// What every [`Table`] must do.
///
/// # Panics
/// With the first rule that the table breaks.
pub async fn table(table: Arc<dyn Table>, prefix: &str) {
    let scope = &Scope { table, prefix: prefix.to_owned() };
    rules![scope;
        items::what_is_put_is_read,
        items::a_put_replaces_the_whole_item,
        items::a_deleted_item_is_gone,
        items::values_come_back_as_they_were,
        items::many_are_read_at_once,
        items::keys_have_limits,
        items::an_item_has_a_largest_size,
        items::taken_names_are_refused,
        items::increments_count_from_one,
        items::concurrent_increments_all_count,
        transactions::absent_holds_only_without_an_item,
        transactions::version_holds_only_for_this_version,
        transactions::all_failing_positions_are_told,
        transactions::nothing_is_written_when_a_condition_fails,
        transactions::a_key_is_written_once,
        transactions::a_transaction_has_1_to_100_writes,
        transactions::a_transaction_has_a_largest_size,
        transactions::of_concurrent_writers_one_wins,
        transactions::no_concurrent_increment_by_version_is_lost,
        queries::a_partition_is_read_in_order_of_bytes,
        queries::a_range_includes_both_ends,
        queries::an_empty_range_is_empty,
        queries::a_prefix_selects,
        queries::pages_of_every_size_join_up,
        queries::pages_stay_within_their_range,
        queries::a_malformed_query_is_refused,
        indexes::views_carry_their_projection,
        indexes::due_carries_keys_only,
        indexes::an_item_moves_and_leaves_with_its_place,
        indexes::a_deleted_item_leaves_its_indexes,
        indexes::indexes_are_read_in_pages,
    ];
}

/// What every [`ChangeFeed`] must do for the insertions into its table. Acknowledges what else it holds.
///
/// # Panics
/// With the first rule that the feed breaks.
pub async fn change_feed(table: Arc<dyn Table>, feed: Arc<dyn ChangeFeed>, prefix: &str) {
    let scope = &feed::Fed { scope: Scope { table, prefix: prefix.to_owned() }, feed };
    rules![scope;
        feed::insertions_are_told_in_order,
        feed::an_insertion_is_told_as_it_was,
        feed::only_insertions_are_told,
        feed::a_failed_transaction_tells_nothing,
        feed::what_is_acknowledged_is_forgotten,
    ];
}

/// What every [`Queue`](crate::queue::Queue) must do.
///
/// The queues must move messages to their dead-letter queues after [`MAX_RECEIVES`](crate::queue::MAX_RECEIVES).
/// `pause` lets time pass, for the suite and for the engine alike.
///
/// # Panics
/// With the first rule that a queue breaks.
pub async fn queue<P, F>(queues: Queues, prefix: &str, deviations: Deviations, pause: P)
where
    P: Fn(Duration) -> F + Send + Sync,
    F: Future<Output = ()> + Send + 'static,
{
    let pause = &|time| pause(time).boxed();
    let fifo = &queues::Scope::new(queues.fifo, queues.fifo_dead, format!("{prefix}fifo"), deviations, pause);
    rules![fifo;
        fifo::a_group_keeps_its_order,
        fifo::a_group_waits_while_a_message_is_in_hand,
        fifo::other_groups_go_on,
        fifo::repetitions_are_swallowed,
        fifo::a_released_message_comes_before_later_ones,
        fifo::a_message_released_for_later_holds_its_group,
        fifo::a_message_whose_visibility_ends_comes_first,
        fifo::a_dead_letter_lets_its_group_go_on,
        fifo::group_and_deduplication_are_required,
        queues::a_message_comes_back_as_it_was_sent,
        queues::bodies_have_limits,
        queues::receiving_has_limits,
        queues::a_stale_receipt_is_ignored,
    ];
    let standard =
        &queues::Scope::new(queues.standard, queues.standard_dead, format!("{prefix}std"), deviations, pause);
    rules![standard;
        standard::all_messages_arrive,
        standard::a_message_in_hand_is_hidden,
        standard::a_released_message_comes_back,
        standard::a_dead_letter_is_kept_apart,
        standard::group_and_deduplication_are_refused,
        standard::depth_counts,
        queues::a_message_comes_back_as_it_was_sent,
        queues::bodies_have_limits,
        queues::receiving_has_limits,
        queues::a_stale_receipt_is_ignored,
    ];
}

async fn holds(rule: &str, test: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(test).catch_unwind().await {
        panic!("the rule `{rule}` is broken: {}", message(&*panic));
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A table, of which a suite sees its own keys only.
struct Scope {
    table: Arc<dyn Table>,
    prefix: String,
}

impl Scope {
    /// A partition of this suite.
    fn partition(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn key(&self, partition: &str, sk: &str) -> Key {
        Key::new(self.partition(partition), sk)
    }

    fn item(&self, partition: &str, sk: &str, body: &Value) -> Item {
        Item::new(self.key(partition, sk), body).unwrap()
    }

    /// Writes, again and again while other transactions are in the way.
    async fn write(&self, writes: Vec<Write>) -> Result<(), TableError> {
        loop {
            match self.table.write(writes.clone()).await {
                Err(TableError::Conflict) => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
    }

    async fn put(&self, item: Item) {
        self.write(vec![Write::Put(item, Condition::Any)]).await.unwrap();
    }

    async fn get(&self, key: &Key) -> Option<Item> {
        self.table.get(key).await.unwrap()
    }

    /// The body under a key, or null.
    async fn body(&self, key: &Key) -> Value {
        self.get(key).await.map_or(Value::Null, |item| Value::Object(item.body))
    }
}
