//! Requests of scripts, whatever happens to them on their way: each is taken or refused with its reason.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Uri};
use mutations::{config, damaged, damaged_text};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::stage::Stage;

const BODIES: [&str; 14] = [
    r#"{"contact":"con_01ARZ3NDEKTSV4RRFFQ69G5FAV","subject":"A call","text":"She called.","priority":"high","tags":["phone"]}"#,
    r#"{"text":"It left this morning.","attachments":[],"not_before":"2026-11-22T12:00:00Z","status":"waiting_customer"}"#,
    r#"{"text":"For us alone"}"#,
    r#"{"status":"solved","priority":"urgent","team":null,"agent":null,"subject":"Order 17"}"#,
    r#"{"outcome":"send_again"}"#,
    r#"{"file_name":"a.png","name":"a.png","size":5,"content_type":"image/png"}"#,
    r#"{"name":"Hours","time_zone":"Europe/Berlin","week":{"monday":[{"start":"09:00","end":"24:00"}]},
        "holidays":[{"date":"2026-12-25","name":"Christmas"}],"exceptions":[{"date":"2026-12-24","hours":[]}]}"#,
    r#"{"name":"Standard","position":1,"conditions":{},"first_response":3600,"resolution":86400,"warn_percent":80}"#,
    r#"{"name":"Support","sender_name":"Shop"}"#,
    r#"{"name":"Bob","email":"bob@shop.example","teams":[]}"#,
    r#"{"name":"script","scopes":["tickets:read","tickets:write"],"teams":[]}"#,
    r#"{"channel":"webchat","name":"Shop","settings":{"allowed_origins":["https://shop.example"],"title":"Hi"}}"#,
    r#"{"writing":true,"name":"Settings"}"#,
    r#"{"a":[1e400,-0,"\ud800",{"b":null}]}"#,
];

const QUERIES: [&str; 6] = [
    "status=open,new&team=none&limit=100&cursor=AAAA",
    "q=ann&limit=1",
    "after=0&limit=25",
    "priority=high&priority=low&agent=agt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "images=remote",
    "limit=%31%30&cursor=%ff",
];

const PLACES: [&str; 6] =
    ["1", "%231", "tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "telegram", "inbound", "18446744073709551616"];

const REVISIONS: [&str; 4] = ["\"1\"", "W/\"18446744073709551615\"", "*", "\"1\", \"2\""];

/// What a route takes besides places: `{}` stands for one.
const ROUTES: [(&str, &str); 33] = [
    ("POST", "/tickets"),
    ("GET", "/tickets"),
    ("GET", "/tickets/{}"),
    ("PATCH", "/tickets/{}"),
    ("PATCH", "/tickets/1"),
    ("GET", "/tickets/1/events"),
    ("GET", "/tickets/1/events/{}/raw"),
    ("GET", "/tickets/1/events/{}/html"),
    ("POST", "/tickets/1/events/{}/replay"),
    ("POST", "/tickets/1/replies"),
    ("POST", "/tickets/1/replies/{}/resolve"),
    ("POST", "/tickets/1/notes"),
    ("POST", "/tickets/1/typing"),
    ("POST", "/attachments"),
    ("GET", "/attachments/{}"),
    ("GET", "/attachments/{}/content"),
    ("GET", "/contacts"),
    ("GET", "/contacts/{}"),
    ("GET", "/contacts/{}/tickets"),
    ("GET", "/connections"),
    ("PATCH", "/connections/{}"),
    ("POST", "/calendars"),
    ("PUT", "/calendars/{}"),
    ("POST", "/sla-policies"),
    ("PUT", "/sla-policies/{}"),
    ("POST", "/teams"),
    ("POST", "/agents"),
    ("PUT", "/settings"),
    ("POST", "/tokens"),
    ("GET", "/dead-letters"),
    ("POST", "/dead-letters/{}/redrive"),
    ("GET", "/suppressions/{}"),
    ("DELETE", "/suppressions/email/{}"),
];

#[derive(Debug)]
struct Asked {
    route: (&'static str, &'static str),
    place: String,
    query: String,
    body: Vec<u8>,
    revision: Vec<u8>,
}

fn samples(samples: &[&str]) -> Vec<Vec<u8>> {
    samples.iter().map(|sample| sample.as_bytes().to_vec()).collect()
}

fn requests() -> impl Strategy<Value = Asked> {
    let texts = (damaged_text(samples(&PLACES)), damaged_text(samples(&QUERIES)));
    let bytes = (damaged(samples(&BODIES)), damaged(samples(&REVISIONS)));
    (select(&ROUTES[..]), texts, bytes).prop_map(|(route, (place, query), (body, revision))| Asked {
        route,
        place,
        query,
        body,
        revision,
    })
}

#[test]
fn a_scripts_request_is_taken_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stage = runtime.block_on(Stage::new());
    runtime.block_on(stage.question());
    let answered = |asked: Asked| {
        let Asked { route: (method, path), place, query, body, revision } = asked;
        let uri = format!("/api/v1{}?{query}", path.replace("{}", &place));
        // What is no URI never becomes a request.
        let Ok(uri) = uri.parse::<Uri>() else { return Ok(()) };
        let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(uri.clone());
        request = request.header("authorization", format!("Bearer {}", stage.token));
        if method != "GET" {
            request = request.header("content-type", "application/json");
        }
        if let Ok(revision) = HeaderValue::from_bytes(&revision) {
            request = request.header("if-match", revision);
        }
        let answer = runtime.block_on(stage.send(request.body(Body::from(body)).unwrap()));
        let said = String::from_utf8_lossy(&answer.bytes);
        prop_assert!(!answer.status.is_server_error(), "{method} {uri}: {said}");
        if answer.status.is_client_error() {
            prop_assert_eq!(answer.header("content-type"), "application/problem+json");
            let problem: Value = serde_json::from_slice(&answer.bytes).unwrap();
            prop_assert!(problem["code"].is_string() && problem["detail"].is_string());
        }
        Ok(())
    };
    // A route that moved would be refused for that alone.
    for (method, path) in ROUTES {
        let (method, path) = (method.parse::<Method>().unwrap(), path.replace("{}", "x"));
        let answer = runtime.block_on(stage.ask_as(&stage.token, method.clone(), &path, None));
        let said = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!said.contains("nothing under this path") && answer.status != 405, "{method} {path}: {said}");
    }
    if let Err(error) = TestRunner::new(config()).run(&requests(), answered) {
        panic!("{error}");
    }
}
