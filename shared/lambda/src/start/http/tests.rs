use axum::Extension;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::routing::{any, get};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A router that tells what it saw.
fn mirror() -> Router {
    let saw = async |OriginalUri(uri): OriginalUri,
                     headers: HeaderMap,
                     address: Option<Extension<IpAddr>>,
                     body: Bytes| {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        axum::Json(json!({
            "uri": uri.to_string(),
            "host": header("host"),
            "cookie": header("cookie"),
            "id": header("x-request-id"),
            "address": address.map(|Extension(address)| address),
            "body": body.to_vec(),
        }))
    };
    Router::new()
        .route("/binary", get(async || (StatusCode::CREATED, vec![0xff, 0x00])))
        .route(
            "/cookies",
            get(async || {
                let mut headers = HeaderMap::new();
                for (name, value) in [(SET_COOKIE, "a=1; Path=/"), (SET_COOKIE, "b=2")] {
                    headers.append(name, HeaderValue::from_static(value));
                }
                headers.append("vary", HeaderValue::from_static("a"));
                headers.append("vary", HeaderValue::from_static("b"));
                headers
            }),
        )
        .fallback(any(saw))
}

async fn seen(event: Value) -> Value {
    let answer = answer(&mirror(), serde_json::from_value(event).unwrap()).await.unwrap();
    assert_eq!(answer.status_code, 200);
    serde_json::from_str(&answer.body).unwrap()
}

fn event() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/http_post.json")).unwrap()
}

#[tokio::test]
async fn a_request_arrives_whole() {
    let seen = seen(event()).await;
    assert_eq!(seen["uri"], "/webhooks/telegram/cnx_1?a=1&b=%20x");
    assert_eq!(seen["host"], "desk.example.com");
    assert_eq!(seen["cookie"], "session=abc; theme=dark");
    assert_eq!(seen["id"], "JKJaXmPLvHcESHA=");
    assert_eq!(seen["address"], "192.0.2.7");
    assert_eq!(seen["body"], json!(b"{\"text\":\"\xd0\xb4\"}"));
}

#[tokio::test]
async fn what_an_emulator_leaves_out_is_not_missed() {
    let event = json!({
        "rawPath": "/health",
        "headers": {"Cookie": "session=abc"},
        "requestContext": {"http": {"method": "GET"}},
    });
    let seen = seen(event).await;
    assert_eq!(seen["uri"], "/health");
    assert_eq!(seen["cookie"], "session=abc");
    assert_eq!(seen["body"], json!([]));
    assert_eq!(seen["id"], Value::Null);
}

#[tokio::test]
async fn no_path_and_no_query_is_too_strange() {
    let mut event = event();
    event["rawPath"] = "/a b/ü?#<".into();
    event["rawQueryString"] = "q=<script>\"{}|#\u{7f}".into();
    assert_eq!(seen(event).await["uri"], "/a%20b/%C3%BC%3F%23%3C?q=%3Cscript%3E%22%7B%7D%7C%23%7F");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    for (name, value) in [
        ("rawPath", json!("no slash")),
        ("rawPath", json!("host")),
        ("body", json!("not base64!")),
        ("headers", json!({"a": "b\nc"})),
        ("headers", json!({"a b": "c"})),
    ] {
        let mut event = event();
        event[name] = value;
        let answer = answer(&mirror(), serde_json::from_value(event).unwrap()).await.unwrap();
        assert_eq!(answer.status_code, 400, "{name}");
    }
}

#[tokio::test]
async fn an_answer_is_encoded() {
    let get = |path: &str| json!({"rawPath": path, "requestContext": {"http": {"method": "GET"}}});
    let router = mirror();
    let binary = answer(&router, serde_json::from_value(get("/binary")).unwrap()).await.unwrap();
    assert_eq!((binary.status_code, binary.body.as_str(), binary.is_base64_encoded), (201, "/wA=", true));
    let cookies = answer(&router, serde_json::from_value(get("/cookies")).unwrap()).await.unwrap();
    assert_eq!(cookies.cookies, ["a=1; Path=/", "b=2"]);
    assert_eq!(cookies.headers.get("vary").map(String::as_str), Some("a, b"));
    assert!(!cookies.headers.contains_key("set-cookie"));
    let json = serde_json::to_value(&cookies).unwrap();
    assert_eq!(json["statusCode"], 200);
    assert_eq!(json["isBase64Encoded"], false);
}

/// Text of any characters, and what requests are made of.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![proptest::arbitrary::any::<String>(), "[ -~]{0,40}", "/?[a-zäя%?#/&=. ]{0,20}"]
}

proptest! {
    #[test]
    fn an_event_of_a_gateway_is_a_request_or_refused(
        method in prop_oneof!["GET|POST|PUT|DELETE|OPTIONS", text()],
        path in prop_oneof![text(), text().prop_map(|path| format!("/{path}"))],
        query in text(),
        headers in btree_map("[a-z-]{1,12}|[ -~]{0,6}", prop_oneof!["[ -~]{0,20}", text()], 0..5),
        cookies in vec(text(), 0..3),
        body in proptest::option::of(text()),
        encoded in proptest::bool::ANY,
        id in proptest::option::of(text()),
    ) {
        let sent = match (&body, encoded) {
            (Some(body), true) => BASE64.decode(body).ok(),
            (body, _) => Some(body.clone().unwrap_or_default().into_bytes()),
        };
        let event: Event = serde_json::from_value(json!({
            "rawPath": path, "rawQueryString": query, "headers": headers, "cookies": cookies,
            "body": body, "isBase64Encoded": encoded,
            "requestContext": {"requestId": id, "http": {"method": method, "sourceIp": "192.0.2.7"}},
        }))
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(answer(&mirror(), event)).unwrap();
        prop_assert!([200, 400].contains(&answer.status_code), "{}", answer.status_code);
        if answer.status_code == 200 && method != "HEAD" {
            let seen: Value = serde_json::from_str(&answer.body).unwrap();
            prop_assert_eq!(&seen["body"], &json!(sent));
            let uri = seen["uri"].as_str().unwrap();
            prop_assert!(uri.is_ascii() && uri.starts_with('/'), "{uri}");
            prop_assert_eq!(uri.contains('?'), !query.is_empty(), "the path does not run into the query: {}", uri);
        }
    }
}
