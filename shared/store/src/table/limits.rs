//! What DynamoDB refuses, refused alike by every engine, before anything is written.
//!
//! Sizes are computed as in "DynamoDB item sizes and formats"; lengths and counts are from "Quotas and limits".

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::{Item, Key, MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES, MAX_WRITES, Query, TableError, Write};

/// The most keys of one [`get_many`](super::Table::get_many).
pub const MAX_KEYS: usize = 100;
/// The longest partition key, of the table or an index, in bytes.
pub const MAX_PK_BYTES: usize = 2048;
/// The longest sort key, of the table or an index, in bytes.
pub const MAX_SK_BYTES: usize = 1024;
/// How deep lists and maps nest.
pub const MAX_DEPTH: usize = 32;
/// Attribute names that an item's keys use.
pub const TAKEN: [&str; 7] = ["pk", "sk", "views_pk", "views_sk", "due_pk", "due_sk", "expires_at"];

/// Checks a whole transaction.
///
/// # Errors
/// [`TableError::Invalid`] with the limit that it breaks.
pub fn check_writes(writes: &[Write]) -> Result<(), TableError> {
    if writes.is_empty() || writes.len() > MAX_WRITES {
        return invalid(format!("a transaction has 1 to {MAX_WRITES} writes, not {}", writes.len()));
    }
    let mut keys = HashSet::with_capacity(writes.len());
    let mut total = 0;
    for write in writes {
        let key = write.key();
        check_key(key)?;
        if !keys.insert(key) {
            return invalid(format!("two writes of {} / {} in one transaction", key.pk, key.sk));
        }
        total += match write {
            Write::Put(item, _) => check_item(item)?,
            Write::Delete(..) => key_bytes(key, ["pk", "sk"]),
        };
    }
    if total > MAX_TRANSACTION_BYTES {
        return invalid(format!("a transaction of {total} bytes; {MAX_TRANSACTION_BYTES} are allowed"));
    }
    Ok(())
}

/// Checks the keys of one [`get_many`](super::Table::get_many).
///
/// # Errors
/// [`TableError::Invalid`] with the limit that they break.
pub fn check_keys(keys: &[Key]) -> Result<(), TableError> {
    if keys.len() > MAX_KEYS {
        return invalid(format!("{} keys at once; {MAX_KEYS} are allowed", keys.len()));
    }
    keys.iter().try_for_each(check_key)
}

/// Checks a primary key or a place in an index.
///
/// # Errors
/// [`TableError::Invalid`] when a part is empty or too long.
pub fn check_key(key: &Key) -> Result<(), TableError> {
    for (name, part, most) in [("partition", &key.pk, MAX_PK_BYTES), ("sort", &key.sk, MAX_SK_BYTES)] {
        if part.is_empty() || part.len() > most {
            return invalid(format!("a {name} key has 1 to {most} bytes, not {}", part.len()));
        }
    }
    Ok(())
}

/// Checks a query.
///
/// # Errors
/// [`TableError::Invalid`] when its partition is empty or its limit zero.
pub fn check_query(query: &Query) -> Result<(), TableError> {
    if query.partition.is_empty() || query.partition.len() > MAX_PK_BYTES {
        return invalid(format!("a partition key has 1 to {MAX_PK_BYTES} bytes"));
    }
    if query.limit == 0 {
        return invalid("a query returns at least 1 item".to_owned());
    }
    Ok(())
}

/// The size of an item as DynamoDB counts it, in bytes.
pub fn item_bytes(item: &Item) -> usize {
    key_bytes(&item.key, ["pk", "sk"])
        + item.views.as_ref().map_or(0, |key| key_bytes(key, ["views_pk", "views_sk"]))
        + item.due.as_ref().map_or(0, |key| key_bytes(key, ["due_pk", "due_sk"]))
        + item.expires_at.map_or(0, |at| "expires_at".len() + number_bytes(&at.into()))
        + item.body.iter().map(|(name, value)| name.len() + value_bytes(value)).sum::<usize>()
}

fn check_item(item: &Item) -> Result<usize, TableError> {
    item.views.iter().chain(&item.due).try_for_each(check_key)?;
    if let Some(name) = item.body.keys().find(|name| TAKEN.contains(&name.as_str())) {
        return invalid(format!("the attribute name `{name}` is taken"));
    }
    check_map(&item.body, 0)?;
    let bytes = item_bytes(item);
    if bytes > MAX_ITEM_BYTES {
        return invalid(format!("an item of {bytes} bytes; {MAX_ITEM_BYTES} are allowed"));
    }
    Ok(bytes)
}

fn check_map(map: &Map<String, Value>, depth: usize) -> Result<(), TableError> {
    if map.keys().any(String::is_empty) {
        return invalid("an attribute without a name".to_owned());
    }
    map.values().try_for_each(|value| check_value(value, depth))
}

fn check_value(value: &Value, depth: usize) -> Result<(), TableError> {
    if depth > MAX_DEPTH {
        return invalid(format!("an attribute nested deeper than {MAX_DEPTH} levels"));
    }
    match value {
        Value::Number(number) => check_number(number),
        Value::Array(values) => values.iter().try_for_each(|value| check_value(value, depth + 1)),
        Value::Object(map) => check_map(map, depth + 1),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

fn check_number(number: &Number) -> Result<(), TableError> {
    let magnitude = number.as_f64().map_or(0.0, f64::abs);
    if magnitude != 0.0 && !(1e-130..1e126).contains(&magnitude) {
        return invalid(format!("the number {number} is beyond 1E-130 to 1E+126"));
    }
    Ok(())
}

fn key_bytes(key: &Key, names: [&str; 2]) -> usize {
    names.iter().map(|name| name.len()).sum::<usize>() + key.pk.len() + key.sk.len()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => number_bytes(number),
        Value::String(text) => text.len(),
        Value::Array(values) => 3 + values.iter().map(|value| 1 + value_bytes(value)).sum::<usize>(),
        Value::Object(map) => {
            3 + map.iter().map(|(name, value)| 1 + name.len() + value_bytes(value)).sum::<usize>()
        }
    }
}

/// One byte per two significant digits, one more, and one for a sign.
fn number_bytes(number: &Number) -> usize {
    let text = number.to_string();
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len().div_ceil(2) + 1 + usize::from(text.starts_with('-'))
}

fn invalid<T>(reason: String) -> Result<T, TableError> {
    Err(TableError::Invalid(reason))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(body: &Value) -> Item {
        Item::new(Key::new("p", "s"), body).unwrap()
    }

    #[test]
    fn sizes_are_those_of_dynamodb() {
        // 2+1+2+1 bytes of key, then each attribute's name and value.
        assert_eq!(item_bytes(&item(&json!({}))), 6);
        assert_eq!(item_bytes(&item(&json!({"ab": "grüß"}))), 6 + 2 + 6);
        assert_eq!(item_bytes(&item(&json!({"a": -1200}))), 6 + 1 + 3);
        assert_eq!(item_bytes(&item(&json!({"a": [true, "xy"]}))), 6 + 1 + 3 + 2 + 3);
        assert_eq!(item_bytes(&item(&json!({"a": {"b": null}}))), 6 + 1 + 3 + 3);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        let put = |levels| [Write::Put(item(&json!({"a": nested(levels)})), crate::table::Condition::Any)];
        assert!(check_writes(&put(MAX_DEPTH)).is_ok());
        assert!(check_writes(&put(MAX_DEPTH + 1)).is_err());
    }

    #[test]
    fn numbers_are_bounded() {
        assert!(check_number(&Number::from_f64(1e125).unwrap()).is_ok());
        assert!(check_number(&Number::from_f64(1e127).unwrap()).is_err());
        assert!(check_number(&Number::from_f64(-1e-131).unwrap()).is_err());
        assert!(check_number(&Number::from(0)).is_ok());
    }
}
