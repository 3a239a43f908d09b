//! An index that lags behind its table.

use std::collections::BTreeMap;

use serde_json::Map;
use store::table::{Index, Item, Key, Page, Query, VIEWS_PROJECTION};
use tokio::time::Instant;

/// A place in a partition: the sort key, and the item's own key, which tells equal ones apart.
type Place = (String, Key);

#[derive(Debug)]
pub(super) struct Lagging {
    kind: Index,
    /// By partition.
    entries: BTreeMap<String, BTreeMap<Place, Item>>,
    /// The partition and the place where each item stands.
    standing: BTreeMap<Key, (String, Place)>,
    /// What is to be seen from when on. Of one item, later changes are never seen earlier.
    coming: BTreeMap<(Instant, u64), (Key, Option<Item>)>,
    latest: BTreeMap<Key, Instant>,
    counted: u64,
}

impl Lagging {
    pub(super) fn new(kind: Index) -> Self {
        Self {
            kind,
            entries: BTreeMap::new(),
            standing: BTreeMap::new(),
            coming: BTreeMap::new(),
            latest: BTreeMap::new(),
            counted: 0,
        }
    }

    /// Takes note of a change of an item that will be seen at a time.
    pub(super) fn note(&mut self, key: &Key, after: Option<&Item>, seen_at: Instant) {
        let after = after.filter(|item| self.place(item).is_some());
        if after.is_none() && !self.standing.contains_key(key) && !self.latest.contains_key(key) {
            return;
        }
        let seen_at = self.latest.get(key).map_or(seen_at, |latest| seen_at.max(*latest));
        self.latest.insert(key.clone(), seen_at);
        self.counted += 1;
        let shown = after.map(|item| self.shown(item));
        self.coming.insert((seen_at, self.counted), (key.clone(), shown));
    }

    pub(super) fn query(&mut self, query: &Query, now: Instant) -> Page {
        self.catch_up(now);
        let within = |sk: &str| {
            query.from.as_ref().is_none_or(|from| sk >= from.as_str())
                && query.to.as_ref().is_none_or(|to| sk <= to.as_str())
                && query.after.as_ref().is_none_or(|after| {
                    if query.descending { sk < after.as_str() } else { sk > after.as_str() }
                })
        };
        let partition = self.entries.get(&query.partition).into_iter().flatten();
        let covered: Vec<&Item> = partition.filter(|((sk, _), _)| within(sk)).map(|(_, item)| item).collect();
        page(covered.into_iter(), query)
    }

    /// Takes in what is to be seen by now.
    fn catch_up(&mut self, now: Instant) {
        while let Some(entry) = self.coming.first_entry()
            && entry.key().0 <= now
        {
            let (key, item) = entry.remove();
            if let Some((partition, place)) = self.standing.remove(&key)
                && let Some(entries) = self.entries.get_mut(&partition)
            {
                entries.remove(&place);
            }
            if let Some(place) = item.as_ref().and_then(|item| self.place(item)).cloned()
                && let Some(item) = item
            {
                let (partition, place) = (place.pk, (place.sk, key.clone()));
                self.standing.insert(key.clone(), (partition.clone(), place.clone()));
                self.entries.entry(partition).or_default().insert(place, item);
            }
            if self.coming.values().all(|(other, _)| *other != key) {
                self.latest.remove(&key);
            }
        }
    }

    fn place<'a>(&self, item: &'a Item) -> Option<&'a Key> {
        match self.kind {
            Index::Views => item.views.as_ref(),
            Index::Due => item.due.as_ref(),
            Index::Primary => None,
        }
    }

    /// An item as the index shows it.
    fn shown(&self, item: &Item) -> Item {
        let key = item.key.clone();
        match self.kind {
            Index::Views => Item {
                key,
                views: item.views.clone(),
                due: None,
                expires_at: None,
                body: item
                    .body
                    .iter()
                    .filter(|(name, _)| VIEWS_PROJECTION.contains(&name.as_str()))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            },
            _ => Item { key, views: None, due: item.due.clone(), expires_at: None, body: Map::new() },
        }
    }
}

/// The items of a query's answer, of those that it covers, lowest first.
pub(super) fn page<'a>(covered: impl DoubleEndedIterator<Item = &'a Item>, query: &Query) -> Page {
    // One more than asked for tells whether there are more.
    let most = query.limit.saturating_add(1);
    let mut items: Vec<Item> = if query.descending {
        covered.rev().take(most).cloned().collect()
    } else {
        covered.take(most).cloned().collect()
    };
    let more = items.len() > query.limit;
    items.truncate(query.limit);
    Page { items, more }
}
