//! What a table holds, and what a write does to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use store::table::{Condition, Index, Inserted, Item, Key, Page, Query, TableError, Write};
use tokio::time::Instant;

use crate::chance::hash;
use crate::engine::index::{Lagging, page};

pub(in crate::engine) struct State {
    pub(super) items: BTreeMap<Key, Item>,
    pub(super) views: Lagging,
    pub(super) due: Lagging,
    /// Keys of transactions that are under way.
    pub(super) under_way: BTreeSet<Key>,
    /// What was inserted and not yet acknowledged, by shard.
    pub(in crate::engine) inserted: Vec<Vec<Inserted>>,
    pub(super) positions: u64,
}

impl State {
    /// Fails with the positions of the writes whose condition does not hold.
    pub(super) fn refuse(&self, writes: &[Write]) -> Result<(), TableError> {
        let holds = |write: &Write| {
            let found = self.items.get(write.key());
            let (Write::Put(_, condition) | Write::Delete(_, condition)) = write;
            match condition {
                Condition::Any => true,
                Condition::Absent => found.is_none(),
                Condition::Version(version) => found
                    .is_some_and(|item| item.body.get("version").and_then(Value::as_u64) == Some(*version)),
            }
        };
        let failed: Vec<usize> =
            writes.iter().enumerate().filter(|(_, write)| !holds(write)).map(|(at, _)| at).collect();
        if failed.is_empty() { Ok(()) } else { Err(TableError::ConditionFailed(failed)) }
    }

    pub(super) fn apply(
        &mut self,
        writes: Vec<Write>,
        seen_at: Instant,
    ) -> Vec<(Option<Item>, Option<Item>)> {
        let mut changes = Vec::with_capacity(writes.len());
        for write in writes {
            let (key, after) = match write {
                Write::Put(item, _) => (item.key.clone(), Some(item)),
                Write::Delete(key, _) => (key, None),
            };
            let before = match &after {
                Some(item) => self.items.insert(key.clone(), item.clone()),
                None => self.items.remove(&key),
            };
            if let (None, Some(item)) = (&before, &after) {
                self.record(item.clone());
            }
            self.views.note(&key, after.as_ref(), seen_at);
            self.due.note(&key, after.as_ref(), seen_at);
            changes.push((before, after));
        }
        changes
    }

    /// Tells an insertion to the stream. Items of one partition stay in one shard, and so in order.
    fn record(&mut self, item: Item) {
        self.positions += 1;
        let shards = self.inserted.len().max(1) as u64;
        let shard = usize::try_from(hash(item.key.pk.as_bytes()) % shards).unwrap_or_default();
        let position = format!("{:012}", self.positions);
        if let Some(shard) = self.inserted.get_mut(shard) {
            shard.push(Inserted { position, item });
        }
    }

    pub(super) fn increment(&self, key: &Key) -> Result<(u64, Item), TableError> {
        let mut item = self.items.get(key).cloned().unwrap_or_else(|| Item {
            key: key.clone(),
            views: None,
            due: None,
            expires_at: None,
            body: Map::new(),
        });
        let value = item.body.get("value").map_or(Some(0), Value::as_u64);
        let sum = value.and_then(|value| value.checked_add(1)).ok_or_else(|| {
            TableError::Invalid(format!("the item {} / {} is not a counter", key.pk, key.sk))
        })?;
        item.body.insert("value".to_owned(), sum.into());
        Ok((sum, item))
    }

    pub(super) fn query(&mut self, query: &Query, now: Instant) -> Page {
        match query.index {
            Index::Views => self.views.query(query, now),
            Index::Due => self.due.query(query, now),
            Index::Primary => {
                let first = Key::new(query.partition.clone(), query.from.clone().unwrap_or_default());
                let last = Key::new(query.partition.clone(), query.to.clone().unwrap_or_default());
                let before_end =
                    |item: &Item| item.key.pk == query.partition && (query.to.is_none() || item.key <= last);
                let beyond = |sk: &String| {
                    query
                        .after
                        .as_ref()
                        .is_none_or(|after| if query.descending { sk < after } else { sk > after })
                };
                let covered: Vec<&Item> = self
                    .items
                    .range(first..)
                    .map(|(_, item)| item)
                    .take_while(|item| before_end(item))
                    .filter(|item| beyond(&item.key.sk))
                    .collect();
                page(covered.into_iter(), query)
            }
        }
    }
}
