//! Random writes and queries, against a sorted map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use store::sqlite::TableName;
use store::table::{
    ChangeFeed, Condition, Index, Item, Key, Page, Query, Table, TableError, VIEWS_PROJECTION, Write,
};

use crate::environment::Desk;

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Write>),
    Increment(Key),
    Query(Query),
}

fn part() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "ü", "😀"]).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = Key> {
    (prop::sample::select(vec!["p", "q"]), part()).prop_map(|(pk, sk)| Key::new(pk, sk))
}

/// Sort keys of an index are told apart by the item's key, as the desk's are.
fn item() -> impl Strategy<Value = Item> {
    (key(), option::of(key()), option::of(key()), 0..4_u64, part()).prop_map(
        |(key, views, due, version, id)| {
            let body = json!({"version": version, "id": id, "hidden": [id]});
            let own = format!("#{}{}", key.pk, key.sk);
            let place = |place: Option<Key>| place.map(|place| Key::new(place.pk, place.sk + &own));
            Item { views: place(views), due: place(due), ..Item::new(key, &body).unwrap() }
        },
    )
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        3 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        1 => (0..4_u64).prop_map(Condition::Version),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => (item(), condition()).prop_map(|(item, condition)| Write::Put(item, condition)),
        1 => (key(), condition()).prop_map(|(key, condition)| Write::Delete(key, condition)),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let index = prop::sample::select(vec![Index::Primary, Index::Views, Index::Due]);
    let bound = || option::of(part());
    (index, prop::sample::select(vec!["p", "q"]), bound(), bound(), bound(), any::<bool>(), 1..5_usize)
        .prop_map(|(index, partition, from, to, after, descending, limit)| Query {
            index,
            partition: partition.to_owned(),
            from,
            to,
            after,
            descending,
            limit,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(write(), 1..4).prop_map(Step::Write),
        1 => key().prop_map(Step::Increment),
        4 => query().prop_map(Step::Query),
    ]
}

#[derive(Default)]
struct Model {
    items: BTreeMap<Key, Item>,
    inserted: Vec<Item>,
}

impl Model {
    fn write(&mut self, writes: &[Write]) -> Result<(), TableError> {
        let twice =
            |(n, write): (usize, &Write)| writes.iter().take(n).any(|other| other.key() == write.key());
        if writes.iter().enumerate().any(twice) {
            return Err(TableError::Invalid(String::new()));
        }
        let holds = |write: &Write| {
            let found = self.items.get(write.key());
            let (Write::Put(_, condition) | Write::Delete(_, condition)) = write;
            match condition {
                Condition::Any => true,
                Condition::Absent => found.is_none(),
                Condition::Version(version) => {
                    found.is_some_and(|item| item.body.get("version") == Some(&json!(version)))
                }
            }
        };
        let failed: Vec<usize> = (0..writes.len()).filter(|&n| !holds(&writes[n])).collect();
        if !failed.is_empty() {
            return Err(TableError::ConditionFailed(failed));
        }
        for write in writes {
            match write {
                Write::Put(item, _) => self.put(item.clone()),
                Write::Delete(key, _) => drop(self.items.remove(key)),
            }
        }
        Ok(())
    }

    fn put(&mut self, item: Item) {
        if self.items.insert(item.key.clone(), item.clone()).is_none() {
            self.inserted.push(item);
        }
    }

    fn increment(&mut self, key: &Key) -> u64 {
        let Some(item) = self.items.get_mut(key) else {
            self.put(Item::new(key.clone(), &json!({"value": 1})).unwrap());
            return 1;
        };
        let sum = item.body.get("value").map_or(0, |value| value.as_u64().unwrap()) + 1;
        item.body.insert("value".to_owned(), json!(sum));
        sum
    }

    fn query(&self, query: &Query) -> Page {
        let place = |item: &Item| match query.index {
            Index::Primary => Some(item.key.clone()),
            Index::Views => item.views.clone(),
            Index::Due => item.due.clone(),
        };
        let mut found: Vec<(String, Item)> = self
            .items
            .values()
            .filter_map(|item| Some((place(item)?, item)))
            .filter(|(place, _)| place.pk == query.partition)
            .map(|(place, item)| (place.sk, seen(item, query.index)))
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        if query.descending {
            found.reverse();
        }
        let beyond = |sk: &String, after: &String| if query.descending { sk < after } else { sk > after };
        found.retain(|(sk, _)| {
            query.from.as_ref().is_none_or(|from| sk >= from)
                && query.to.as_ref().is_none_or(|to| sk <= to)
                && query.after.as_ref().is_none_or(|after| beyond(sk, after))
        });
        let more = found.len() > query.limit;
        Page { items: found.into_iter().take(query.limit).map(|(_, item)| item).collect(), more }
    }
}

/// An item as an index shows it.
fn seen(item: &Item, index: Index) -> Item {
    let projected = |(name, _): &(&String, &Value)| VIEWS_PROJECTION.contains(&name.as_str());
    let owned = |(name, value): (&String, &Value)| (name.clone(), value.clone());
    let key = item.key.clone();
    let (views, due, expires_at) = (item.views.clone(), item.due.clone(), None);
    match index {
        Index::Primary => item.clone(),
        Index::Views => Item {
            key,
            views,
            due: None,
            expires_at,
            body: item.body.iter().filter(projected).map(owned).collect(),
        },
        Index::Due => Item { key, views: None, due, expires_at, body: Map::new() },
    }
}

async fn agree(steps: Vec<Step>) {
    let desk = Desk::new();
    let table = desk.sqlite.table(TableName::Main);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Write(writes) => {
                let expected = model.write(&writes);
                match table.write(writes).await {
                    Err(TableError::Invalid(_)) => {
                        assert_eq!(expected, Err(TableError::Invalid(String::new())));
                    }
                    found => assert_eq!(found, expected),
                }
            }
            Step::Increment(key) => assert_eq!(table.increment(&key).await, Ok(model.increment(&key))),
            Step::Query(query) => {
                assert_eq!(table.query(query.clone()).await, Ok(model.query(&query)), "{query:?}");
            }
        }
    }
    let keys: Vec<Key> = model.items.keys().cloned().collect();
    let mut all = table.get_many(&keys).await.unwrap();
    all.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(all, model.items.into_values().collect::<Vec<_>>());
    let told = desk.sqlite.changes().inserted(1000).await.unwrap();
    assert_eq!(told.into_iter().map(|inserted| inserted.item).collect::<Vec<_>>(), model.inserted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_steps_give_what_a_sorted_map_gives(steps in vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(agree(steps));
    }
}
