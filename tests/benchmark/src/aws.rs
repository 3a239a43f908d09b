//! AWS without any latency: DynamoDB answers from a desk's items and forgets what is written, SQS takes everything.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::serve::{self, Answer, Asked};
use crate::stored::Stored;

/// Starts it on what a desk has stored; the key is the one that everything was sealed with. Where it is.
///
/// # Errors
/// When the desk cannot be read.
pub fn start(stored: &Stored, key: &[u8]) -> io::Result<SocketAddr> {
    let mut items: HashMap<String, Vec<(String, Value)>> = HashMap::new();
    for (pk, sk, mut body) in stored.items()? {
        body["pk"] = json!(pk);
        body["sk"] = json!(sk);
        let attributes = attribute(&body)["M"].take();
        items.entry(pk).or_default().push((sk, attributes));
    }
    let key = BASE64.encode(key);
    serve::start(move |asked| Some(answer(&items, &key, &asked)))
}

fn answer(items: &HashMap<String, Vec<(String, Value)>>, key: &str, asked: &Asked) -> Answer {
    let target = asked.headers.get("x-amz-target").map(String::as_str).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let result = match operation {
        "GetItem" => {
            let (pk, sk) = (text("/Key/pk/S"), text("/Key/sk/S"));
            let found = items.get(pk).and_then(|all| all.iter().find(|(other, _)| other == sk));
            found.map_or_else(|| json!({}), |(_, item)| json!({"Item": item}))
        }
        "Query" => {
            // Only whole partitions of the table itself are asked for here; nothing is due.
            let whole = body.get("IndexName").is_none();
            let pk = text("/ExpressionAttributeValues/:pk/S");
            let found: Vec<&Value> = match items.get(pk) {
                Some(all) if whole => all.iter().map(|(_, item)| item).collect(),
                _ => Vec::new(),
            };
            json!({"Items": found, "Count": found.len(), "ScannedCount": found.len()})
        }
        "BatchGetItem" => json!({"Responses": {}, "UnprocessedKeys": {}}),
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
