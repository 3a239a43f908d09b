//! How often.

use axum::body::Body;
use axum::http::{Method, Request};
use jiff::SignedDuration;
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_flood_is_slowed_down() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let message = |number: u32| json!({"client_id": number.to_string(), "text": "x"});
    for number in 0..20 {
        stage.post(&guest, "messages", message(number)).await.is(202);
    }
    let refused = stage.post(&guest, "messages", message(20)).await;
    refused.is_problem(429, "too_many_requests");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    let other = stage.guest(json!({})).await;
    stage.post(&other, "messages", message(0)).await.is(202);
    stage.route().await;
    stage.post(&guest, "messages", message(0)).await.is(202);
    stage.wait(SignedDuration::from_secs(wait));
    stage.post(&guest, "messages", message(20)).await.is(202);
    stage.post(&guest, "messages", message(21)).await.is_problem(429, "too_many_requests");
}

#[tokio::test]
async fn everybody_behind_one_address_shares_a_limit() {
    let stage = Stage::new().await;
    let session = |address: &str| {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("/webchat/{}/session", stage.connection))
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .unwrap();
        request.extensions_mut().insert(address.parse::<std::net::IpAddr>().unwrap());
        request
    };
    for _ in 0..100 {
        stage.send(session("2001:db8::1")).await.is(200);
    }
    stage.send(session("2001:db8::ffff")).await.is_problem(429, "too_many_requests");
    stage.send(session("2001:db8:0:1::1")).await.is(200);
    stage.send(session("203.0.113.7")).await.is(200);
}
