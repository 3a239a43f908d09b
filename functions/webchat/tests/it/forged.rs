//! Tokens and statements that nobody gave out: whatever they change about a good one, none opens anything, and every
//! good one does.

mod statements;
mod tokens;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use mutations::damaged_text;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use ring::hmac;
use serde_json::{Value, json};

use crate::stage::{Answer, SHOP, Stage};

/// How many forged tokens have to be refused, and how many forged statements.
const FORGERIES: usize = 10_000;
/// How many good ones of each have to be taken.
const VALID: usize = 250;

/// The same values in every run.
fn draw<T>(strategy: &impl Strategy<Value = T>, chance: &mut TestRunner) -> T {
    strategy.new_tree(chance).unwrap().current()
}

fn sign(secret: &[u8], text: &str) -> String {
    BASE64.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes()))
}

/// A text that differs from a good one by what a forger can change without any secret.
fn nearly(good: String) -> impl Strategy<Value = String> {
    let before = good.clone();
    let parts = good.matches('.').count() + 1;
    let cut = (0..parts, 0..3_u8, "[A-Za-z0-9_=-]{1,3}").prop_map(move |(which, how, more)| {
        let part = |(place, part): (usize, &str)| match (place == which, how) {
            (true, 0) => String::new(),
            (true, 1) => format!("{part}{more}"),
            (true, _) => part.chars().rev().collect(),
            (false, _) => part.to_owned(),
        };
        before.split('.').enumerate().map(part).collect::<Vec<_>>().join(".")
    });
    let padded = [
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        good.to_uppercase(),
        good.to_lowercase(),
    ];
    let samples = vec![good.clone().into_bytes()];
    prop_oneof![4 => damaged_text(samples), 2 => cut, 1 => prop::sample::select(padded.to_vec())]
        .prop_filter("still the good one", move |text| text.trim() != good)
}

impl Stage {
    /// Asks with these very headers.
    async fn knock(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let path = format!("/webchat/{}/{path}", self.connection);
        let mut request = Request::builder().method(method).uri(path).header("origin", SHOP);
        request = request.header("content-type", "application/json");
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        for (name, value) in headers {
            // What cannot stand in a header comes as something that can.
            let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("Bearer none"));
            request.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        self.send(request).await
    }

    /// A check that somebody was refused, and nothing came of what they said.
    #[track_caller]
    fn refused(&self, answer: &Answer, shown: &str) {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{shown}");
        let body: Value = serde_json::from_slice(&answer.bytes).unwrap();
        let code = body["code"].as_str().unwrap();
        assert!(["invalid_token", "invalid_identity"].contains(&code), "{shown}: {body}");
    }

    async fn nothing_came_in(&self) {
        assert_eq!(self.waiting().await, 0);
        assert!(self.desk.connections().await.unwrap().len() <= 3);
    }
}

/// What a visitor may ask with a token: the method, the path, and a body that is right.
fn errands() -> Vec<(Method, &'static str, Value)> {
    let file = json!({"name": "a.txt", "size": 3, "content_type": "text/plain"});
    vec![
        (Method::GET, "messages", Value::Null),
        (Method::POST, "messages", json!({"client_id": "forged", "text": "Let me in"})),
        (Method::POST, "attachments", file),
        (Method::POST, "read", json!({"cursor": "01ARZ3NDEKTSV4RRFFQ69G5FAV0000000001"})),
        (Method::POST, "typing", Value::Null),
    ]
}
