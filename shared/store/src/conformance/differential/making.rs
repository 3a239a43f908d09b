//! Random items, transactions and queries.

use std::collections::BTreeMap;

use chance::Chance;
use serde_json::{Value, json};

use crate::table::{Condition, Index, Item, Key, Query, Write};

/// Parts of keys: few, so that they meet, and in more than one script.
const PARTS: [&str; 6] = ["a", "b", "ab", "ü", "世", "😀"];
const PARTITIONS: u64 = 3;
/// How many partitions of an index there are.
const PLACES: u64 = 2;

/// What a table holds, as far as a transaction asks.
pub(super) type Held = BTreeMap<Key, Item>;

/// Any key of a run.
pub(super) fn key(prefix: &str, chance: &mut Chance) -> Key {
    Key::new(format!("{prefix}{}", chance.below(PARTITIONS)), *chance.pick(&PARTS))
}

/// The keys of a transaction: mostly few, now and then as many as one may have, rarely one of them twice.
pub(super) fn keys(prefix: &str, chance: &mut Chance) -> Vec<Key> {
    let most = match chance.below(20) {
        0 => 100,
        1..=3 => 25,
        _ => 5,
    };
    let mut keys: Vec<Key> = (0..=chance.place(most)).map(|_| key(prefix, chance)).collect();
    if most > 5 {
        // More than there are keys: the others are new, and many.
        for (number, key) in keys.iter_mut().enumerate() {
            key.sk.push_str(&number.to_string());
        }
    } else if !chance.once_in(20) {
        keys.sort();
        keys.dedup();
    }
    keys
}

/// A transaction on these keys, whose conditions hold about as often as one of them fails.
pub(super) fn writes(keys: Vec<Key>, held: &Held, prefix: &str, chance: &mut Chance) -> Vec<Write> {
    let fails = chance.once_in(2).then(|| chance.place(keys.len()));
    let conditioned = |(at, key): (usize, Key)| {
        let version = held.get(&key).map(|item| item.body.get("version").and_then(Value::as_u64));
        let condition = if fails == Some(at) || fails.is_some() && chance.once_in(8) {
            match version {
                Some(Some(version)) if chance.once_in(2) => Condition::Version(version + 1),
                Some(_) => Condition::Absent,
                None => Condition::Version(chance.below(3)),
            }
        } else {
            match version {
                Some(Some(version)) if !chance.once_in(3) => Condition::Version(version),
                None if !chance.once_in(3) => Condition::Absent,
                _ => Condition::Any,
            }
        };
        if chance.once_in(4) {
            Write::Delete(key, condition)
        } else {
            Write::Put(item(key, prefix, chance), condition)
        }
    };
    keys.into_iter().enumerate().map(conditioned).collect()
}

fn item(key: Key, prefix: &str, chance: &mut Chance) -> Item {
    let id = *chance.pick(&PARTS);
    let odd = [
        json!(null),
        json!(1.0),
        json!(-0.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.0 / 3.0),
        json!(""),
        json!([[], {}, [id, null, 2.0]]),
        json!({"ü": {"e": []}}),
        json!({"😀": {"deep": [true, {"er": 1e20}]}}),
    ];
    let mut body = json!({"version": chance.below(3), "id": id, "tags": [id], "hidden": chance.pick(&odd)});
    if chance.once_in(4) {
        body["value"] = chance.pick(&[json!(7), json!("seven"), json!(null)]).clone();
    }
    if chance.once_in(6) {
        body.as_object_mut().unwrap().remove("version");
    }
    // Rarely, because one is enough for its whole transaction: an attribute that nothing may have.
    if chance.once_in(400) {
        let name = *chance.pick(&["", "pk"]);
        body[name] = json!(1);
    }
    let mut item = Item::new(key, &body).unwrap();
    item.views = place(prefix, &item.key, chance);
    item.due = place(prefix, &item.key, chance);
    // Some have expired: only the engine itself forgets them, in its own time.
    item.expires_at = chance.once_in(3).then(|| *chance.pick(&[1, 1_700_000_000, 4_000_000_000]));
    item
}

/// A place in an index, or none. Its sort keys are told apart by the item's key, as the desk's are.
fn place(prefix: &str, of: &Key, chance: &mut Chance) -> Option<Key> {
    let own = format!("{}#{}{}", chance.pick(&PARTS), of.pk, of.sk);
    chance.once_in(2).then(|| Key::new(format!("{prefix}in{}", chance.below(PLACES)), own))
}

/// A query of the table or an index, one in some of which no engine takes.
pub(super) fn query(prefix: &str, chance: &mut Chance) -> Query {
    let (index, partition) = match chance.below(4) {
        0 => (Index::Views, format!("{prefix}in{}", chance.below(PLACES))),
        1 => (Index::Due, format!("{prefix}in{}", chance.below(PLACES))),
        _ => (Index::Primary, format!("{prefix}{}", chance.below(PARTITIONS))),
    };
    let mut query = Query::partition(partition).index(index);
    if chance.once_in(3) {
        let part = *chance.pick(&PARTS);
        query = query.begins_with(part);
    } else {
        (query.from, query.to) = (bound(chance), bound(chance));
    }
    query.after = bound(chance);
    query.descending = chance.once_in(2);
    query.limit = *chance.pick(&[1, 1, 2, 3, 4, 5, 7, 100]);
    match chance.below(40) {
        0 => query.limit(0),
        1 => Query { partition: String::new(), ..query },
        _ => query,
    }
}

/// A sort key to begin or end at, or none.
fn bound(chance: &mut Chance) -> Option<String> {
    match chance.below(24) {
        0 => Some(String::new()),
        1 => Some(format!("{}#", chance.pick(&PARTS))),
        2 => Some(format!("{}{}", chance.pick(&PARTS), chance.below(30))),
        3..=8 => Some((*chance.pick(&PARTS)).to_owned()),
        _ => None,
    }
}
