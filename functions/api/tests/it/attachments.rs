//! Files: uploads, their way into a reply, and downloads that no browser runs.

use desk::event::Said;
use desk::ids::AttachmentId;
use desk::message::{Attachment, AttachmentKind, MessageContent};
use serde_json::{Value, json};
use store::attachments::{FileState, StoredFile};

use crate::stage::Stage;

async fn announced(stage: &Stage, name: &str, content_type: &str, size: usize) -> Value {
    let new = json!({"name": name, "size": size, "content_type": content_type});
    stage.post("/attachments", new).await.is(201)
}

async fn uploaded(stage: &Stage, name: &str, content_type: &str, bytes: &'static [u8]) -> String {
    let created = announced(stage, name, content_type, bytes.len()).await;
    let key = created["upload"]["fields"]["key"].as_str().unwrap().to_owned();
    stage.api.blobs.put(&key, bytes.into()).await.unwrap();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_uploaded_and_sent_with_a_reply() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let created = announced(&stage, "Rechnung № 7.pdf", "application/pdf", 4).await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["upload"]["url"], "https://objects.test/");
    assert_eq!(created["upload"]["fields"]["key"], format!("attachments/{id}"));
    let replies = format!("/tickets/{}/replies", ticket.id);
    let problem = stage.post(&replies, json!({"attachments": [id]})).await.is_problem(422, "not_uploaded");
    assert_eq!(problem["errors"][0]["pointer"], "/attachments/0");
    stage.get(&format!("/attachments/{id}/content")).await.is_problem(409, "file_not_stored");

    stage.api.blobs.put(&format!("attachments/{id}"), "%PDF".into()).await.unwrap();
    let reply = stage.post(&replies, json!({"attachments": [id], "text": "Here."})).await.is(201);
    let events = stage.get(&format!("/tickets/{}/events", ticket.id)).await.is(200);
    let file = &events["items"][2]["content"]["attachments"][0];
    assert_eq!(file["state"], "stored");
    assert_eq!(file["url"], format!("/api/v1/attachments/{id}/content"));
    let about = stage.get(&format!("/attachments/{id}")).await.is(200);
    assert_eq!(about["ticket"], ticket.id.to_string());
    assert_eq!(about["state"], "stored");
    let stored = reply["id"].as_str().unwrap().parse().unwrap();
    let stored = stage.desk.reply(ticket.thread.as_ref().unwrap(), stored).await.unwrap().unwrap();
    assert_eq!(stored.content.attachments.len(), 1);
    // The file belongs to this ticket now: again here, never elsewhere.
    stage.post(&replies, json!({"attachments": [id]})).await.is(201);
    stage.post(&replies, json!({"attachments": [id, id]})).await.is_problem(422, "repeated_attachment");
    let other = stage.question().await;
    let elsewhere = format!("/tickets/{}/replies", other.id);
    stage.post(&elsewhere, json!({"attachments": [id]})).await.is_problem(422, "unknown_attachment");
    let absent = format!("att_{}", ticket.id.ulid());
    stage.post(&replies, json!({"attachments": [absent]})).await.is_problem(422, "unknown_attachment");
    let many: Vec<_> = (0..11).map(|_| absent.clone()).collect();
    stage.post(&replies, json!({"attachments": many})).await.is_problem(422, "too_many_attachments");
}

#[tokio::test]
async fn a_download_is_nothing_that_a_browser_runs() {
    let stage = Stage::new().await;
    let page = uploaded(&stage, "счёт.html", "text/html", b"<script>alert(1)</script>").await;
    let answer = stage.get(&format!("/attachments/{page}/content")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.bytes, b"<script>alert(1)</script>");
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-security-policy"), "sandbox; default-src 'none'");
    let disposition = "attachment; filename=\"____.html\"; filename*=UTF-8''%D1%81%D1%87%D1%91%D1%82.html";
    assert_eq!(answer.header("content-disposition"), disposition);
    let image = uploaded(&stage, "a.png", "image/png", b"png").await;
    assert_eq!(stage.get(&format!("/attachments/{image}/content")).await.header("content-type"), "image/png");
    let linked = uploaded(&stage, "a.linked", "image/png", b"png").await;
    let answer = stage.get(&format!("/attachments/{linked}/content")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (302, "https://objects.test/signed"));
}

#[tokio::test]
async fn a_file_that_cannot_be_is_refused() {
    let stage = Stage::new().await;
    let new = |name: &str, size: u64, kind: &str| json!({"name": name, "size": size, "content_type": kind});
    for name in ["", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
        stage.post("/attachments", new(name, 1, "image/png")).await.is_problem(422, "invalid_name");
    }
    for size in [0, 50 * 1024 * 1024 + 1] {
        stage.post("/attachments", new("a", size, "image/png")).await.is_problem(422, "invalid_size");
    }
    for kind in ["", "image", "image/", "a b/c", "image/png\r\nx"] {
        stage.post("/attachments", new("a", 1, kind)).await.is_problem(422, "invalid_content_type");
    }
    let created = stage.post("/attachments", new("a", 1, "Text/Plain; charset=utf-8")).await.is(201);
    assert_eq!(created["upload"]["fields"]["Content-Type"], "text/plain");
}

#[tokio::test]
async fn a_customers_file_shows_its_state_and_not_its_source() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let id = AttachmentId::new(stage.desk.environment().ulid());
    let file = Attachment {
        id: Some(id),
        kind: AttachmentKind::Image,
        name: None,
        content_type: None,
        size: Some(3),
        duration: None,
        source: Some("AgACcanaryFileId".to_owned()),
    };
    let message = MessageContent { attachments: vec![file], ..MessageContent::default() };
    let said = Said { message, ..Said::default() };
    let ticket = stage.ticket(connection, "7", "1", said, None).await;
    let path = format!("/tickets/{}/events", ticket.id);
    let answer = stage.get(&path).await;
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("canary"));
    assert_eq!(answer.is(200)["items"][1]["content"]["attachments"][0]["state"], "pending");
    let mut stored = StoredFile {
        id,
        version: 1,
        ticket: Some(ticket.id),
        state: FileState::Failed,
        name: "photo.jpg".to_owned(),
        content_type: "image/jpeg".to_owned(),
        size: 3,
        sha256: None,
        key: "files/7".to_owned(),
        reason: Some("too_large".to_owned()),
        created_at: stage.desk.now(),
    };
    stage.desk.save_file(&stored).await.unwrap();
    let shown = stage.get(&path).await.is(200)["items"][1]["content"]["attachments"][0].clone();
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("failed"), &json!("too_large")));
    stage.get(&format!("/attachments/{id}/content")).await.is_problem(409, "file_not_stored");
    stored.version = 2;
    stored.state = FileState::Stored;
    stage.desk.save_file(&stored).await.unwrap();
    stage.api.blobs.put("files/7", "jpg".into()).await.unwrap();
    assert_eq!(stage.get(&format!("/attachments/{id}/content")).await.bytes, b"jpg");
}
