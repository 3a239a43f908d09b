//! What each call of the table's port asks of DynamoDB: one request, of the kind that `tests/benchmark/src/counting.rs`
//! counts and prices. Listens itself in DynamoDB's place.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::Region;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use lambda::DynamoTable;
use serde_json::{Map, Value};
use store::table::{Condition, Item, Key, Query, Table as _, Write};

type Seen = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers everything with nothing, and keeps what was asked.
async fn answer(State(seen): State<Seen>, headers: HeaderMap, body: String) -> &'static str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    seen.lock().unwrap_or_else(PoisonError::into_inner).push((operation, body.parse().unwrap_or_default()));
    "{}"
}

async fn table(seen: &Seen) -> DynamoTable {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Router::new().fallback(answer).with_state(Arc::clone(seen));
    tokio::spawn(async move { axum::serve(listener, server).await });
    let loader = lambda::sdk::loader().endpoint_url(url).region(Region::new("us-east-1"));
    let credentials = Credentials::new("test", "test", None, None, "the tests");
    DynamoTable::new(Client::new(&loader.credentials_provider(credentials).load().await), "desk")
}

fn item(key: &Key) -> Item {
    Item { key: key.clone(), views: None, due: None, expires_at: None, body: Map::new() }
}

#[tokio::test]
async fn a_call_of_the_port_is_one_request() {
    let seen = Seen::default();
    let table = table(&seen).await;
    let asked = || std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let operations = || asked().into_iter().map(|(operation, _)| operation).collect::<Vec<_>>();
    let (one, other) = (Key::new("T#1", "@"), Key::new("T#2", "@"));

    table.get(&one).await.unwrap();
    let asked_once = asked();
    assert_eq!(asked_once.len(), 1);
    assert_eq!(asked_once[0].0, "GetItem");
    assert_eq!(asked_once[0].1["ConsistentRead"], true, "a read unit for 4 KB, not half of one");
    table.get_many(&[one.clone(), other.clone(), one.clone()]).await.unwrap();
    assert_eq!(operations(), ["BatchGetItem"]);
    table.get_many(&[]).await.unwrap();
    assert_eq!(operations(), [""; 0]);
    table.query(Query::partition("T#1")).await.unwrap();
    assert_eq!(operations(), ["Query"]);
    let _no_number = table.increment(&one).await;
    assert_eq!(operations(), ["UpdateItem"]);

    for (write, operation) in [
        (Write::Put(item(&one), Condition::Any), "PutItem"),
        (Write::Delete(one.clone(), Condition::Any), "DeleteItem"),
        (Write::Put(item(&one), Condition::Absent), "TransactWriteItems"),
        (Write::Put(item(&one), Condition::Version(1)), "TransactWriteItems"),
        (Write::Delete(one.clone(), Condition::Version(1)), "TransactWriteItems"),
    ] {
        table.write(vec![write.clone()]).await.unwrap();
        assert_eq!(operations(), [operation], "{write:?}");
    }
    let both = vec![Write::Put(item(&one), Condition::Any), Write::Put(item(&other), Condition::Version(3))];
    table.write(both).await.unwrap();
    let asked_once = asked();
    assert_eq!(asked_once.len(), 1);
    assert_eq!(asked_once[0].0, "TransactWriteItems");
    assert_eq!(asked_once[0].1["TransactItems"].as_array().map(Vec::len), Some(2));
}
