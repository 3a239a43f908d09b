//! Items as DynamoDB's attribute maps.
//!
//! Whole numbers and floating-point numbers survive exactly, but DynamoDB knows one kind of number: `1.0` comes back
//! as `1`. Maps come back in any order.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};
use store::table::{Item, Key, TableError};

use super::failure::invalid;

/// An item or a key, as the SDK has it.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// A primary key.
pub(super) fn key(key: &Key) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

/// A whole item, whose body must not have attributes of the names that the keys use.
pub(super) fn attributes(item: Item) -> Result<Attributes, TableError> {
    let mut attributes: Attributes = serde_dynamo::to_item(item.body).map_err(invalid)?;
    attributes.extend(key(&item.key));
    let mut set = |name: &str, value: String| attributes.insert(name.to_owned(), AttributeValue::S(value));
    if let Some(views) = item.views {
        set("views_pk", views.pk);
        set("views_sk", views.sk);
    }
    if let Some(due) = item.due {
        set("due_pk", due.pk);
        set("due_sk", due.sk);
    }
    if let Some(expires_at) = item.expires_at {
        attributes.insert("expires_at".to_owned(), AttributeValue::N(expires_at.to_string()));
    }
    Ok(attributes)
}

/// An item from what DynamoDB returned or its stream told.
pub(crate) fn item(attributes: impl Into<serde_dynamo::Item>) -> Result<Item, TableError> {
    let mut body: Map<String, Value> = serde_dynamo::from_item(attributes).map_err(invalid)?;
    let key = take_key(&mut body, "pk", "sk")
        .ok_or_else(|| TableError::Invalid("an item came without its key".to_owned()))?;
    Ok(Item {
        key,
        views: take_key(&mut body, "views_pk", "views_sk"),
        due: take_key(&mut body, "due_pk", "due_sk"),
        expires_at: body.remove("expires_at").and_then(|value| value.as_i64()),
        body,
    })
}

fn take_key(body: &mut Map<String, Value>, pk: &str, sk: &str) -> Option<Key> {
    match (body.remove(pk), body.remove(sk)) {
        (Some(Value::String(pk)), Some(Value::String(sk))) => Some(Key { pk, sk }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_survives() {
        let body = json!({
            "least": i64::MIN, "most": u64::MAX, "half": -0.5, "tenth": 0.1, "large": 1e100, "small": 5e-100,
            "third": 1.0 / 3.0, "null": null, "yes": true, "text": "", "list": [], "map": {},
            "nested": {"list": [1, [null, {"a": ["б", {}]}]]}, "version": 3,
        });
        let Value::Object(body) = body else { panic!("an object") };
        let whole = Item {
            key: Key::new("T#tkt_1", "@"),
            views: Some(Key::new("V#open#-", "2026#tkt_1")),
            due: Some(Key::new("sla#0", "2026#T#tkt_1")),
            expires_at: Some(1_800_000_000),
            body,
        };
        let bare = Item { views: None, due: None, expires_at: None, ..whole.clone() };
        for one in [whole, bare] {
            assert_eq!(item(attributes(one.clone()).unwrap()).unwrap(), one);
        }
    }

    #[test]
    fn an_item_of_another_form_is_an_error() {
        let no_key: Attributes = HashMap::from([("pk".to_owned(), AttributeValue::S("a".to_owned()))]);
        assert!(matches!(item(no_key), Err(TableError::Invalid(_))));
    }
}
