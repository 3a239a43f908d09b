//! Files of visitors.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::stage::{Guest, Stage};

impl Stage {
    async fn announce(&self, guest: &Guest) -> Value {
        let file = json!({"name": "Счёт.png", "size": 3, "content_type": "image/png"});
        self.post(guest, "attachments", file).await.is(201)
    }

    async fn with(&self, guest: &Guest, client_id: &str, file: &Value) -> crate::stage::Answer {
        self.post(guest, "messages", json!({"client_id": client_id, "attachments": [file["id"]]})).await
    }

    async fn upload(&self, announced: &Value) {
        let key = announced["upload"]["fields"]["key"].as_str().unwrap();
        self.blobs.put(key, "png".into()).await.unwrap();
    }

    async fn follow(&self, url: &str) -> crate::stage::Answer {
        let path = url.strip_prefix("https://desk.example").unwrap();
        self.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn a_file_is_sent_and_seen() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let file = stage.announce(&guest).await;
    assert_eq!(file["upload"]["method"], "POST");
    assert_eq!(file["upload"]["url"], "https://objects.test/");
    stage.with(&guest, "1", &file).await.is_problem(422, "not_uploaded");
    stage.upload(&file).await;
    stage.with(&guest, "1", &file).await.is(202);
    stage.route().await;
    let page = stage.page(&guest, "").await;
    let shown = &page["items"][0]["attachments"][0];
    assert_eq!((&shown["id"], &shown["name"], &shown["size"]), (&file["id"], &json!("Счёт.png"), &json!(3)));
    let url = shown["url"].as_str().unwrap();
    let download = stage.follow(url).await;
    assert_eq!((download.status.as_u16(), download.bytes.as_slice()), (200, b"png".as_slice()));
    assert_eq!(download.header("content-type"), "image/png");
    assert!(download.header("content-disposition").starts_with("attachment;"));
    assert!(download.header("content-security-policy").contains("sandbox"));

    stage.follow(&url.replace("signature=", "signature=A")).await.is_problem(403, "link_expired");
    stage.follow(&url.replace("expires=1", "expires=9")).await.is_problem(403, "link_expired");
    stage.follow(url.split('?').next().unwrap()).await.is_problem(404, "not_found");
    stage.wait(jiff::SignedDuration::from_mins(11));
    stage.follow(url).await.is_problem(403, "link_expired");
}

#[tokio::test]
async fn a_visitor_can_send_only_their_own_files() {
    let stage = Stage::new().await;
    let (ann, bob) = (stage.guest(json!({})).await, stage.guest(json!({})).await);
    let file = stage.announce(&ann).await;
    stage.upload(&file).await;
    stage.with(&bob, "1", &file).await.is_problem(422, "unknown_attachment");
    let nowhere = json!({"id": "att_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    stage.with(&bob, "1", &nowhere).await.is_problem(422, "unknown_attachment");
    let twice = json!({"client_id": "1", "attachments": [file["id"], file["id"]]});
    stage.post(&ann, "messages", twice).await.is_problem(422, "unknown_attachment");
    for (name, size, kind, code) in [
        ("../x", 1, "image/png", "invalid_name"),
        ("x", 0, "image/png", "invalid_size"),
        ("x", 50 * 1024 * 1024 + 1, "image/png", "invalid_size"),
        ("x", 1, "png", "invalid_content_type"),
    ] {
        let body = json!({"name": name, "size": size, "content_type": kind});
        stage.post(&ann, "attachments", body).await.is_problem(422, code);
    }
}
