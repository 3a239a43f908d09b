//! Requests of widgets, whatever happens to them on their way: each is taken or refused with its reason.

use axum::body::Body;
use axum::http::{Method, Request, Uri};
use mutations::{config, damaged, damaged_text};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::stage::{SHOP, Stage};

const BODIES: [&str; 9] = [
    r#"{}"#,
    r#"{"token":"a.b","identity":"a.b.c"}"#,
    r#"{"client_id":"m-1","text":"Where is my order? 📦"}"#,
    r#"{"client_id":"m.2","text":null,"attachments":["att_01ARZ3NDEKTSV4RRFFQ69G5FAV"],"email":"ann@shop.example","name":"Ann"}"#,
    r#"{"client_id":"3","text":"\u200b\u0000","email":" ","name":"\ud83d\ude00"}"#,
    r#"{"name":"a/b\\c.png","size":5,"content_type":"image/png"}"#,
    r#"{"name":"x","size":18446744073709551615,"content_type":"text/plain; charset=utf-8"}"#,
    r#"{"cursor":"01ARZ3NDEKTSV4RRFFQ69G5FAV0000000017.12.15~01ARZ3NDEKTSV4RRFFQ69G5FAW0000000003"}"#,
    r#"[[{"a":1e400}]]"#,
];

const QUERIES: [&str; 4] = [
    "after=01ARZ3NDEKTSV4RRFFQ69G5FAV0000000017.12~01ARZ3NDEKTSV4RRFFQ69G5FAW0000000003&limit=50",
    "limit=0",
    "after=&limit=-1",
    "after=%ff%00&limit=1&limit=2",
];

fn samples(samples: &[&str]) -> Vec<Vec<u8>> {
    samples.iter().map(|sample| sample.as_bytes().to_vec()).collect()
}

/// A request: its route, query and body, and whether it comes with a token.
fn requests() -> impl Strategy<Value = ((Method, &'static str), String, Vec<u8>, bool)> {
    let routes = vec![
        (Method::POST, "session"),
        (Method::GET, "messages"),
        (Method::POST, "messages"),
        (Method::POST, "attachments"),
        (Method::POST, "read"),
        (Method::POST, "typing"),
    ];
    let known = prop_oneof![15 => Just(true), 1 => Just(false)];
    (select(routes), damaged_text(samples(&QUERIES)), damaged(samples(&BODIES)), known)
}

#[test]
fn a_widgets_request_is_taken_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stage = runtime.block_on(Stage::new());
    let guest = runtime.block_on(stage.guest(json!({})));
    let asked = |((method, path), query, body, known): ((Method, &str), String, Vec<u8>, bool)| {
        let uri = format!("/webchat/{}/{path}?{query}", stage.connection);
        // What is no URI never becomes a request.
        let Ok(uri) = uri.parse::<Uri>() else { return Ok(()) };
        let mut request = Request::builder().method(method).uri(uri).header("origin", SHOP);
        request = request.header("content-type", "application/json");
        if known {
            request = request.header("authorization", format!("Bearer {}", guest.token));
        }
        let answer = runtime.block_on(stage.send(request.body(Body::from(body)).unwrap()));
        prop_assert!(!answer.status.is_server_error(), "{}", String::from_utf8_lossy(&answer.bytes));
        if answer.status.is_client_error() {
            prop_assert_eq!(answer.header("content-type"), "application/problem+json");
            let problem: Value = serde_json::from_slice(&answer.bytes).unwrap();
            prop_assert!(problem["code"].is_string());
        }
        Ok(())
    };
    if let Err(error) = TestRunner::new(config()).run(&requests(), asked) {
        panic!("{error}");
    }
}
