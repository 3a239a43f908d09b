//! AWS without any latency: DynamoDB answers from a desk's items and forgets what is written, SQS takes everything, S3 has
//! one mail and takes everything. Beside it a Telegram of the same kind.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::serve::{self, Answer, Asked};
use crate::stored::Stored;

/// The items by their partitions.
type Items = HashMap<String, Vec<(String, Value)>>;

/// Which operations were asked for.
#[derive(Debug, Clone, Default)]
pub struct Operations(Arc<Mutex<BTreeSet<String>>>);

impl Operations {
    fn note(&self, operation: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(operation.to_owned());
    }

    /// Those since the last time.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts it on what a desk has stored, with a mail in the bucket; the key is the one that everything was sealed with.
/// Where it is.
///
/// # Errors
/// When the desk cannot be read.
pub fn start(stored: &Stored, key: &[u8], mail: Vec<u8>, operations: Operations) -> io::Result<SocketAddr> {
    let mut items = Items::new();
    for (pk, sk, body) in stored.items()? {
        let attributes = attributes(&pk, &sk, body);
        items.entry(pk).or_default().push((sk, attributes));
    }
    let key = BASE64.encode(key);
    serve::start(move |asked| match asked.headers.get("x-amz-target") {
        Some(target) => {
            let operation = target.rsplit('.').next().unwrap_or_default();
            operations.note(operation);
            Some(answer(&items, &key, target, operation, &asked))
        }
        None => {
            operations.note(&asked.method);
            Some(object(&mail, &asked))
        }
    })
}

/// Starts a Telegram that takes every message. Where it is.
///
/// # Errors
/// When loopback has no port.
pub fn telegram(operations: Operations) -> io::Result<SocketAddr> {
    serve::start(move |asked| {
        operations.note(asked.path.rsplit('/').next().unwrap_or_default());
        let message =
            json!({"message_id": 1_000_000, "date": 1_795_428_000, "chat": {"id": 1, "type": "private"}});
        let body = json!({"ok": true, "result": message}).to_string().into_bytes();
        Some(Answer { status: 200, headers: vec![("content-type", "application/json".to_owned())], body })
    })
}

/// What S3 says of an object: every one is the mail.
fn object(mail: &[u8], asked: &Asked) -> Answer {
    let headers =
        vec![("etag", "\"1\"".to_owned()), ("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT".to_owned())];
    let body = if asked.method == "GET" { mail.to_vec() } else { Vec::new() };
    Answer { status: 200, headers, body }
}

fn answer(items: &Items, key: &str, target: &str, operation: &str, asked: &Asked) -> Answer {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let result = match operation {
        "GetItem" => {
            let found = find(items, &body["Key"]);
            found.map_or_else(|| json!({}), |item| json!({"Item": item}))
        }
        "Query" => {
            // Only the table itself is asked here, and read to the end; nothing is due.
            let bound = |name| body["ExpressionAttributeValues"][name]["S"].as_str();
            let all = items
                .get(text("/ExpressionAttributeValues/:pk/S"))
                .filter(|_| body.get("IndexName").is_none());
            let between = |sk: &str| {
                bound(":lowest").is_none_or(|lowest| sk >= lowest)
                    && bound(":highest").is_none_or(|highest| sk <= highest)
            };
            let mut found: Vec<&Value> =
                all.into_iter().flatten().filter(|(sk, _)| between(sk)).map(|(_, item)| item).collect();
            if body["ScanIndexForward"] == false {
                found.reverse();
            }
            json!({"Items": found, "Count": found.len(), "ScannedCount": found.len()})
        }
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let found: serde_json::Map<String, Value> = tables
                .map(|(table, wanted)| {
                    let keys = wanted["Keys"].as_array().into_iter().flatten();
                    (table.clone(), keys.filter_map(|key| find(items, key)).cloned().collect())
                })
                .collect();
            json!({"Responses": found, "UnprocessedKeys": {}})
        }
        "UpdateItem" => json!({"Attributes": {"value": {"N": "2"}}}),
        "GetParameter" => json!({"Parameter": {"Name": text("/Name"), "Type": "SecureString", "Value": key}}),
        "SendMessageBatch" => {
            let entries = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
            let sent: Vec<Value> = entries
                .iter()
                .map(|entry| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"}))
                .collect();
            json!({"Successful": sent, "Failed": []})
        }
        _ => json!({}),
    };
    let kind = if target.starts_with("DynamoDB") {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    };
    Answer {
        status: 200,
        headers: vec![("content-type", kind.to_owned())],
        body: result.to_string().into_bytes(),
    }
}

fn find<'a>(items: &'a Items, key: &Value) -> Option<&'a Value> {
    let (pk, sk) = (key["pk"]["S"].as_str()?, key["sk"]["S"].as_str()?);
    items.get(pk)?.iter().find(|(other, _)| other == sk).map(|(_, item)| item)
}

/// An item as DynamoDB writes it.
pub fn attributes(pk: &str, sk: &str, mut body: Value) -> Value {
    body["pk"] = json!(pk);
    body["sk"] = json!(sk);
    attribute(&body)["M"].take()
}

/// A JSON value as DynamoDB writes it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(yes) => json!({"BOOL": yes}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(all) => json!({"L": all.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(fields) => {
            let fields: serde_json::Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({"M": fields})
        }
    }
}
