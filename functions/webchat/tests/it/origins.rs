//! Which pages may show the chat.

use axum::body::Body;
use axum::http::{Method, Request};
use desk::ids::{ConnectionId, Ulid};
use serde_json::json;

use crate::stage::{Answer, SHOP, Stage};

impl Stage {
    async fn from(&self, method: Method, connection: ConnectionId, origin: Option<&str>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/webchat/{connection}/session"))
            .header("host", "internal.desk.example")
            .header("content-type", "application/json");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request.body(Body::from("{}")).unwrap()).await
    }
}

#[tokio::test]
async fn only_allowed_pages_get_through() {
    let stage = Stage::new().await;
    let (own, any) = (ConnectionId::new(Ulid::from_parts(1, 1)), ConnectionId::new(Ulid::from_parts(1, 2)));
    stage.connect(own, json!({})).await;
    stage.connect(any, json!({"allowed_origins": ["*"]})).await;
    let listed = stage.connection;
    for (connection, origin, allowed) in [
        (listed, SHOP, true),
        (listed, "https://shop.example:8443", false),
        (listed, "http://shop.example", false),
        (listed, "https://evil.shop.example", false),
        (listed, "https://shop.example.evil.example", false),
        (listed, "null", false),
        (listed, "", false),
        (listed, "https://desk.example", true),
        (own, "https://desk.example", true),
        (own, "http://internal.desk.example", true),
        (own, SHOP, false),
        (any, "https://evil.example", true),
    ] {
        for method in [Method::POST, Method::OPTIONS] {
            let answer = stage.from(method.clone(), connection, Some(origin)).await;
            assert_eq!(answer.header("vary"), "Origin");
            if allowed {
                answer.is(if method == Method::OPTIONS { 204 } else { 200 });
                assert_eq!(answer.header("access-control-allow-origin"), origin);
            } else {
                answer.is_problem(403, "origin_not_allowed");
                assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            }
        }
    }
    let preflight = stage.from(Method::OPTIONS, listed, Some(SHOP)).await;
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
    assert!(preflight.header("access-control-allow-headers").contains("content-type"));
    stage.from(Method::POST, listed, None).await.is(200);
    let unknown = ConnectionId::new(Ulid::from_parts(9, 9));
    stage.from(Method::POST, unknown, Some(SHOP)).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn the_script_is_for_every_page() {
    let stage = Stage::new().await;
    let get = |tag: &str| {
        let request = Request::builder().uri("/webchat/widget.js").header("if-none-match", tag);
        request.header("origin", "https://anybody.example").body(Body::empty()).unwrap()
    };
    let script = stage.send(get("\"other\"")).await;
    assert_eq!(script.status, 200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    assert!(script.header("cache-control").contains("max-age"));
    let known = stage.send(get(script.header("etag"))).await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
}
