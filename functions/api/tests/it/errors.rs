//! Whatever is sent, the answer is a problem with a code, and the headers that every answer has.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use crate::stage::{Answer, Stage};

async fn raw(stage: &Stage, content_type: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request =
        Request::post("/api/v1/teams").header("authorization", format!("Bearer {}", stage.token));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    stage.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn bodies_that_are_no_json_of_ours_are_refused() {
    let stage = Stage::new().await;
    let json = Some("application/json");
    for body in ["", "{", "{\"name\": }", "nul", "{\"name\": \"\\ud800\"}", "{\"name\": \"a\"} x"] {
        raw(&stage, json, body).await.is_problem(400, "malformed_json");
    }
    raw(&stage, json, vec![b'{', 0xff, 0xfe, b'}']).await.is_problem(400, "malformed_json");
    raw(&stage, json, "[".repeat(100_000)).await.is_problem(400, "malformed_json");
    let deep = format!("{}{}", "{\"name\":".repeat(200), "}".repeat(200));
    raw(&stage, json, deep).await.is_problem(400, "malformed_json");
    for body in [
        "[]",
        "\"a\"",
        "{\"name\": 1}",
        "{}",
        "{\"name\": \"a\", \"nam\": 1}",
        "{\"name\":\"a\",\"name\":\"b\"}",
    ] {
        raw(&stage, json, body).await.is_problem(422, "invalid_body");
    }
    raw(&stage, json, vec![b'['; 10 * 1024 * 1024]).await.is_problem(413, "body_too_large");
    let padded = format!("{{\"name\": \"a\"{}}}", " ".repeat(1024 * 1024 - 13));
    assert_eq!(padded.len(), 1024 * 1024);
    raw(&stage, json, padded).await.is(201);
    for content_type in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")]
    {
        raw(&stage, content_type, "{\"name\": \"a\"}").await.is_problem(415, "unsupported_media_type");
    }
    for content_type in
        ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
    {
        raw(&stage, Some(content_type), "{\"name\": \"a\"}").await.is(201);
    }
}

#[tokio::test]
async fn parameters_that_are_none_of_ours_are_refused() {
    let stage = Stage::new().await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "limit=1&limit=2",
        "status=neu",
        "team=x",
        "colour=red",
        "contact=tkt_1",
        "channel=A",
        "status=new,,open",
    ] {
        let problem = stage.get(&format!("/tickets?{query}")).await.is_problem(400, "invalid_parameter");
        let name = query.split('=').next().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
    for cursor in ["x", "%00", "AAAA", "*", &"A".repeat(5000)] {
        stage.get(&format!("/tickets?cursor={cursor}")).await.is_problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn paths_and_methods_that_there_are_not() {
    let stage = Stage::new().await;
    for path in ["/tickets/tkt_1/x", "/nothing", "/tickets/", "/tickets/%ff/events"] {
        stage.get(path).await.is_problem(404, "not_found");
    }
    let elsewhere = stage.send(Request::get("/nothing").body(Body::empty()).unwrap()).await;
    elsewhere.is_problem(404, "not_found");
    let method = stage.ask_as(&stage.token, Method::DELETE, "/tickets", None).await;
    method.is_problem(405, "method_not_allowed");
    assert!(method.header("allow").contains("GET"), "{}", method.header("allow"));
    for id in ["0", "%23", "tkt_", "%23tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "99999999999999999999", "-1", "%00"] {
        stage.get(&format!("/tickets/{id}")).await.is_problem(404, "not_found");
    }
}

#[tokio::test]
async fn every_answer_keeps_browsers_out() {
    let stage = Stage::new().await;
    let get = async |path: &str| stage.send(Request::get(path).body(Body::empty()).unwrap()).await;
    for (path, status) in
        [("/health", 200), ("/", 200), ("/api/v1/openapi.json", 200), ("/api/v1/tickets", 401), ("/x", 404)]
    {
        let answer = get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    assert_eq!(get("/api/v1/tickets").await.header("www-authenticate"), "Bearer");
    assert!(String::from_utf8_lossy(&get("/").await.bytes).contains("/api/v1"));
}

#[tokio::test]
async fn a_fault_of_ours_tells_an_id_and_nothing_else() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    // An item that no version can read.
    let key = store::keys::ticket(ticket.id);
    let mut item = stage.desk.table().get(&key).await.unwrap().unwrap();
    item.body.insert("status".to_owned(), json!("canary"));
    stage
        .desk
        .table()
        .write(vec![store::table::Write::Put(item, store::table::Condition::Any)])
        .await
        .unwrap();
    let answer = stage.get(&format!("/tickets/{}", ticket.id)).await;
    let problem = answer.is_problem(500, "internal");
    assert!(problem["instance"].as_str().unwrap().starts_with("urn:ulid:"));
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("canary"));
}
