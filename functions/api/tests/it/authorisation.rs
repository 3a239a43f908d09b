//! Who may do what: every operation of the document with every kind of token.

use axum::http::Method;
use desk::access::Scope;
use desk::event::{Raw, Said};
use serde_json::{Value, json};

use crate::document::{Operation, document, operations};
use crate::stage::{Answer, Stage, text};

fn scope(word: &str) -> Scope {
    serde_json::from_value(json!(word)).unwrap()
}

/// A body that an operation takes, so that nothing else refuses it.
fn body(operation: &Operation, subject: &str) -> Option<Value> {
    operation.about.get("requestBody")?;
    Some(match operation.about["operationId"].as_str().unwrap() {
        "reply" | "add_note" => json!({"text": subject}),
        "change_ticket" => json!({"tags": [subject]}),
        "resolve_reply" => json!({"outcome": "arrived"}),
        _ => json!({}),
    })
}

async fn ask(
    stage: &Stage,
    token: Option<&str>,
    operation: &Operation,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let method: Method = operation.method.parse().unwrap();
    let path = path.strip_prefix("/api/v1").unwrap();
    match token {
        Some(token) => stage.ask_as(token, method, path, body).await,
        None => stage.ask_with(method, path, &[], body).await,
    }
}

#[tokio::test]
async fn every_operation_needs_its_scopes_and_no_others() {
    let stage = Stage::new().await;
    let document = document(&stage).await;
    let mut checked = 0;
    for operation in operations(&document).iter().filter(|it| !it.scopes.is_empty()) {
        let path = operation.path.replace("{id}", "nothing").replace("{queue}", "none").replace("{seq}", "1");
        let path = path.replace("{reply}", "nothing");
        let place = format!("{} {path}", operation.method);
        ask(&stage, None, operation, &path, None).await.is_problem(401, "unauthorized");
        for wrong in ["ldk_wrong", "", "a b"] {
            ask(&stage, Some(wrong), operation, &path, None).await.is_problem(401, "unauthorized");
        }
        let needed: Vec<Scope> = operation.scopes.iter().map(|word| scope(word)).collect();
        for missing in &needed {
            let rest: Vec<_> = Scope::ALL.into_iter().filter(|scope| scope != missing).collect();
            let token = stage.token(&rest, &[]).await;
            // Before the body is looked at: who may not ask learns nothing of what could be asked.
            ask(&stage, Some(&token), operation, &path, None).await.is_problem(403, "missing_scope");
        }
        let token = stage.token(&needed, &[]).await;
        let answer = ask(&stage, Some(&token), operation, &path, body(operation, "x")).await;
        assert!(!matches!(answer.status.as_u16(), 401 | 403 | 500..), "{place}: {}", answer.status);
        checked += 1;
    }
    assert!(checked > 40, "{checked}");
}

#[tokio::test]
async fn what_is_out_of_sight_does_not_exist() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let (mine, other) = (stage.team("mine").await, stage.team("other").await);
    let seen = stage.ticket(connection, "1", "1", text("mine"), Some(mine)).await;
    let said = Said { raw: Some(Raw::Text("{}".to_owned())), ..text("canary of the other team") };
    let hidden = stage.ticket(connection, "2", "1", said, Some(other)).await;
    let unassigned = stage.ticket(connection, "3", "1", text("canary of nobody"), None).await;
    let created = json!({"name": "a", "size": 1, "content_type": "image/png"});
    let file = stage.post("/attachments", created).await.is(201)["id"].as_str().unwrap().to_owned();
    stage.api.blobs.put(&format!("attachments/{file}"), "x".into()).await.unwrap();
    let replies = format!("/tickets/{}/replies", hidden.id);
    let reply = stage.post(&replies, json!({"attachments": [file]})).await.is(201);
    let limited = stage.token(&Scope::ALL, &[mine]).await;

    let document = document(&stage).await;
    let mut checked = 0;
    for operation in operations(&document).iter().filter(|it| it.path.contains("{id}")) {
        let (real, absent): (Vec<String>, &str) = match operation.path.split('/').nth(3) {
            Some("tickets") => {
                let ids = [hidden.id.to_string(), hidden.number.to_string(), unassigned.id.to_string()];
                (ids.to_vec(), "tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV")
            }
            Some("attachments") => (vec![file.clone()], "att_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            Some("contacts") => (
                vec![hidden.contact.to_string(), unassigned.contact.to_string()],
                "con_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            ),
            _ => continue,
        };
        let fill = |id: &str| {
            let path = operation.path.replace("{id}", id).replace("{seq}", "2");
            path.replace("{reply}", reply["id"].as_str().unwrap())
        };
        let nothing = ask(&stage, Some(&limited), operation, &fill(absent), body(operation, "x")).await;
        nothing.is_problem(404, "not_found");
        for id in real {
            let answer = ask(&stage, Some(&limited), operation, &fill(&id), body(operation, "x")).await;
            assert_eq!(answer.status, 404, "{} {}", operation.method, operation.path);
            assert_eq!(answer.bytes, nothing.bytes, "{} {}", operation.method, operation.path);
            assert_eq!(answer.headers, nothing.headers, "{} {}", operation.method, operation.path);
        }
        checked += 1;
    }
    assert!(checked >= 11, "{checked}");

    let get = async |path: String| stage.ask_as(&limited, Method::GET, &path, None).await;
    for path in [
        "/tickets".to_owned(),
        format!("/tickets?team={other}"),
        format!("/tickets?team={other},none,{mine}"),
        format!("/contacts/{}/tickets", seen.contact),
    ] {
        let answer = get(path.clone()).await;
        answer.is(200);
        let shown = String::from_utf8_lossy(&answer.bytes);
        assert!(!shown.contains("canary") && !shown.contains(&hidden.id.to_string()), "{path}");
    }
    get(format!("/tickets/{}", seen.id)).await.is(200);
    assert_eq!(get("/tickets".to_owned()).await.is(200)["items"].as_array().unwrap().len(), 1);
    let use_hidden = json!({"attachments": [file]});
    let path = format!("/tickets/{}/replies", seen.id);
    let refused = stage.ask_as(&limited, Method::POST, &path, Some(use_hidden)).await;
    refused.is_problem(422, "unknown_attachment");

    // What a limited token opens, it can see.
    let new = json!({"contact": seen.contact, "subject": "x"});
    let opened = stage.ask_as(&limited, Method::POST, "/tickets", Some(new)).await.is(201);
    assert_eq!(opened["team"], mine.to_string());
    let elsewhere = json!({"contact": seen.contact, "subject": "x", "team": other});
    stage.ask_as(&limited, Method::POST, "/tickets", Some(elsewhere)).await.is_problem(422, "unknown_team");
}

#[test]
fn only_access_reads_tickets_and_files() {
    fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }
    let src = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    for path in sources(src) {
        let name = path.strip_prefix(src).unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for call in
            ["ticket(", "ticket_by_number(", "event(", "events(", "file(", "files(", "reply(", "execute("]
        {
            let around = format!("desk.{call}");
            // Opening looks at the head of the conversation's latest ticket, and shows nothing of it.
            let allowed = name == "access.rs" || (name == "tickets/open.rs" && call == "ticket(");
            assert!(allowed || !text.contains(&around), "{name} goes around `Access` with `{around}`");
        }
    }
}
