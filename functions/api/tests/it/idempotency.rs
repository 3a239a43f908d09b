//! The same request with the same key is done once.

use std::collections::HashSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::bot::Bot;
use crate::stage::{Answer, Stage};

async fn keyed(stage: &Stage, path: &str, key: &str, body: &Value) -> Answer {
    stage.ask_and(Method::POST, path, ("idempotency-key", key), Some(body.clone())).await
}

/// Makes eight equal requests at once, one more, and one that differs; returns the one answer.
async fn once(stage: &Stage, path: &str, body: Value, other: Value) -> Value {
    let key = key_of(path);
    let key = key.as_str();
    let (a, b, c, d, e, f, g, h) = tokio::join!(
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
        keyed(stage, path, key, &body),
    );
    let later = keyed(stage, path, key, &body).await;
    let answers: Vec<Value> = [a, b, c, d, e, f, g, h, later].iter().map(|answer| answer.is(201)).collect();
    let ids: HashSet<_> =
        answers.iter().map(|answer| (answer["id"].to_string(), answer["seq"].to_string())).collect();
    assert_eq!(ids.len(), 1, "{path}: {ids:?}");
    keyed(stage, path, key, &other).await.is_problem(422, "idempotency_mismatch");
    answers.into_iter().next().unwrap()
}

/// A key of one path: another request with it would be refused.
fn key_of(path: &str) -> String {
    format!("k-{}", path.replace('/', "."))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_creation_happens_once() {
    let (stage, bot) = (Stage::with(Some("https://desk.example.org")).await, Bot::start().await);
    let ticket = stage.question().await;
    let path = format!("/tickets/{}", ticket.id);

    once(&stage, &format!("{path}/replies"), json!({"text": "a"}), json!({"text": "b"})).await;
    once(&stage, &format!("{path}/notes"), json!({"text": "a"}), json!({"text": "b"})).await;
    let events = stage.all(&format!("{path}/events"), 50).await;
    assert_eq!(events.len(), 4, "{events:?}");

    let new = json!({"contact": ticket.contact, "subject": "Call", "text": "note"});
    once(&stage, "/tickets", new.clone(), json!({"contact": ticket.contact, "subject": "Other"})).await;
    assert_eq!(stage.all("/tickets", 50).await.len(), 2);

    let file = json!({"name": "a.png", "size": 1, "content_type": "image/png"});
    once(&stage, "/attachments", file, json!({"name": "b.png", "size": 1, "content_type": "image/png"}))
        .await;

    once(&stage, "/teams", json!({"name": "a"}), json!({"name": "b"})).await;
    assert_eq!(stage.all("/teams", 50).await.len(), 1);

    let token = json!({"name": "a", "scopes": ["tickets:read"]});
    let made = once(&stage, "/tokens", token.clone(), json!({"name": "b", "scopes": ["tickets:read"]})).await;
    assert_eq!(keyed(&stage, "/tokens", &key_of("/tokens"), &token).await.is(201)["token"], made["token"]);
    assert_eq!(stage.all("/tokens", 50).await.len(), 2);

    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    let made = once(
        &stage,
        "/connections",
        new.clone(),
        json!({"channel": "telegram", "name": "b", "settings": {}}),
    )
    .await;
    assert_eq!(
        keyed(&stage, "/connections", &key_of("/connections"), &new).await.is(201)["settings"],
        made["settings"]
    );
    assert_eq!(stage.all("/connections", 50).await.len(), 2);
    // Whoever lost the race set the winner's webhook in the end.
    let last = bot.calls("setWebhook").pop().unwrap();
    assert_eq!(last["url"], made["webhook_url"]);
    assert_eq!(last["secret_token"], made["settings"]["secret_token"]);
}

#[tokio::test]
async fn a_key_belongs_to_its_token_and_has_a_form() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let notes = format!("/tickets/{}/notes", ticket.id);
    let first = keyed(&stage, &notes, "k", &json!({"text": "a"})).await.is(201);
    let other = stage.token(&desk::access::Scope::ALL, &[]).await;
    let bearer = format!("Bearer {other}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
    let second = stage.ask_with(Method::POST, &notes, &headers, Some(json!({"text": "a"}))).await.is(201);
    assert_ne!(first["seq"], second["seq"]);
    for key in ["", "a b", "ключ", &"k".repeat(256)] {
        keyed(&stage, &notes, key, &json!({"text": "a"})).await.is_problem(400, "invalid_idempotency_key");
    }
    keyed(&stage, &notes, &"k".repeat(255), &json!({"text": "a"})).await.is(201);
}
