//! Tickets: lists, changes, revisions, openings.

use axum::http::Method;
use desk::ticket::Status;
use serde_json::json;

use crate::stage::{Stage, text};

#[tokio::test]
async fn a_ticket_is_shown_by_id_and_by_number() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let shown = stage.get(&format!("/tickets/{}", ticket.id)).await;
    assert_eq!(shown.header("etag"), "\"1\"");
    let body = shown.is(200);
    assert_eq!(body["subject"], "Where is my order?");
    assert_eq!(body["status"], "new");
    assert_eq!(body["priority"], "normal");
    assert_eq!(body["channel"], "telegram");
    assert_eq!(body["conversation"], "7");
    assert_eq!(body["contact"], ticket.contact.to_string());
    assert_eq!(body["sla"][0]["metric"], "first_response");
    assert!(body["assignee"].is_null());
    for reference in [ticket.number.to_string(), format!("%23{}", ticket.number)] {
        assert_eq!(stage.get(&format!("/tickets/{reference}")).await.is(200), body);
    }
}

#[tokio::test]
async fn a_change_raises_the_revision_and_a_stale_one_is_refused() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}", ticket.id);
    let team = stage.team("Sales").await;
    let change = json!({"status": "open", "priority": "high", "team": team, "tags": ["vip", " vip ", "late"], "subject": "Order 7"});
    let changed = stage.ask_and(Method::PATCH, &path, ("if-match", "\"1\""), Some(change)).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    let body = changed.is(200);
    assert_eq!(body["tags"], json!(["vip", "late"]));
    assert_eq!(body["team"], team.to_string());
    assert_eq!(body["status"], "open");
    assert_eq!(body["subject"], "Order 7");

    for seen in ["\"1\"", "1", "W/\"1\"", "\"nonsense\""] {
        let stale =
            stage.ask_and(Method::PATCH, &path, ("if-match", seen), Some(json!({"priority": "low"}))).await;
        stale.is_problem(412, "stale");
    }
    for seen in ["2", "*", "W/\"2\""] {
        stage.ask_and(Method::PATCH, &path, ("if-match", seen), Some(json!({}))).await.is(200);
    }
    assert_eq!(stage.patch(&path, json!({"team": null})).await.is(200)["team"], json!(null));
}

#[tokio::test]
async fn impossible_changes_are_refused_with_the_reason() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}", ticket.id);
    let unknown = |prefix: &str| format!("{prefix}_{}", ticket.id.ulid());
    stage.patch(&path, json!({"team": unknown("team")})).await.is_problem(422, "unknown_team");
    stage.patch(&path, json!({"assignee": unknown("agt")})).await.is_problem(422, "unknown_agent");
    stage.patch(&path, json!({"subject": " "})).await.is_problem(422, "invalid");
    stage.patch(&path, json!({"status": "merged"})).await.is_problem(409, "invalid_transition");
    let body = stage.patch(&path, json!({"status": null})).await.is_problem(422, "invalid_body");
    assert_eq!(body["errors"][0]["pointer"], "/status");
    let body = stage.patch(&path, json!({"owner": 1})).await.is_problem(422, "invalid_body");
    assert!(body["detail"].as_str().unwrap().contains("owner"));
    stage.patch(&path, json!({"status": "closed"})).await.is(200);
    stage.patch(&path, json!({"priority": "low"})).await.is_problem(409, "ticket_closed");
    stage.post(&format!("{path}/replies"), json!({"text": "?"})).await.is_problem(409, "ticket_closed");
}

#[tokio::test]
async fn a_list_is_filtered_and_ordered_by_the_last_change() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let team = stage.team("Sales").await;
    let first = stage.ticket(connection, "1", "1", text("one"), None).await;
    let second = stage.ticket(connection, "2", "1", text("two"), Some(team)).await;
    let third = stage.ticket(connection, "3", "1", text("three"), None).await;
    stage.patch(&format!("/tickets/{}", first.id), json!({"status": "solved"})).await.is(200);

    let ids = |page: serde_json::Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ticket| ticket["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let of = |tickets: &[&desk::ticket::Ticket]| -> Vec<String> {
        tickets.iter().map(|it| it.id.to_string()).collect()
    };
    assert_eq!(ids(stage.get("/tickets").await.is(200)), of(&[&first, &third, &second]));
    // The contract's own spelling: empty parameters are absent ones.
    let empty = "/tickets?status=&team=&assignee=&channel=&contact=&limit=&cursor=";
    assert_eq!(ids(stage.get(empty).await.is(200)).len(), 3);
    assert_eq!(ids(stage.get("/tickets?status=new").await.is(200)), of(&[&third, &second]));
    assert_eq!(ids(stage.get("/tickets?status=new,solved").await.is(200)).len(), 3);
    assert_eq!(ids(stage.get("/tickets?status=solved&status=open").await.is(200)), of(&[&first]));
    assert_eq!(ids(stage.get(&format!("/tickets?team={team}")).await.is(200)), of(&[&second]));
    assert_eq!(ids(stage.get("/tickets?team=none&status=new").await.is(200)), of(&[&third]));
    assert_eq!(ids(stage.get(&format!("/tickets?contact={}", third.contact)).await.is(200)), of(&[&third]));
    assert_eq!(ids(stage.get("/tickets?channel=email").await.is(200)), Vec::<String>::new());
    assert_eq!(ids(stage.get("/tickets?assignee=none").await.is(200)).len(), 3);
    let page = stage.get("/tickets").await.is(200);
    assert!(page["next_cursor"].is_null());
}

#[tokio::test]
async fn pages_hold_every_ticket_once() {
    let stage = Stage::new().await;
    let connection = stage.connection(json!({})).await;
    let teams = [None, Some(stage.team("A").await), Some(stage.team("B").await)];
    for number in 0..250_usize {
        let customer = format!("{number}");
        stage.ticket(connection, &customer, "1", text("hello"), teams[number % 3]).await;
    }
    for limit in [7, 100] {
        let found = stage.all("/tickets", limit).await;
        let mut numbers: Vec<_> = found.iter().map(|ticket| ticket["number"].as_u64().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, other| one > other));
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=250).collect::<Vec<_>>());
    }
    let one_team = stage.all(&format!("/tickets?team={}", teams[1].unwrap()), 10).await;
    assert_eq!(one_team.len(), 83);
    let first = stage.get("/tickets").await.is(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 25);
    let cursor = first["next_cursor"].as_str().unwrap();
    stage.get(&format!("/connections?cursor={cursor}")).await.is_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_ticket_is_opened_by_hand() {
    let stage = Stage::new().await;
    let asked = stage.question().await;
    let team = stage.team("Sales").await;
    let agent = stage.post("/agents", json!({"name": "Ann"})).await.is(201);
    let new = json!({
        "contact": asked.contact, "subject": "  Call back ", "text": "He rang.", "priority": "urgent",
        "team": team, "assignee": agent["id"], "tags": ["phone"],
    });
    let opened = stage.post("/tickets", new).await;
    let body = opened.is(201);
    assert_eq!(opened.header("location"), format!("/api/v1/tickets/{}", body["id"].as_str().unwrap()));
    assert_eq!(body["subject"], "Call back");
    assert_eq!(body["priority"], "urgent");
    assert_eq!(body["assignee"], agent["id"]);
    assert_eq!(body["tags"], json!(["phone"]));
    assert!(body["channel"].is_null());
    let events = stage.get(&format!("/tickets/{}/events", body["id"].as_str().unwrap())).await.is(200);
    let kinds: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["opened", "updated", "note_added"]);
    assert_eq!(events["items"][2]["content"]["text"], "He rang.");
    let reply = format!("/tickets/{}/replies", body["id"].as_str().unwrap());
    stage.post(&reply, json!({"text": "Hello"})).await.is_problem(409, "no_conversation");
}

#[tokio::test]
async fn a_ticket_goes_on_in_a_conversation_without_an_active_one() {
    let stage = Stage::new().await;
    let asked = stage.question().await;
    let thread = asked.thread.clone().unwrap();
    let new = json!({
        "contact": asked.contact, "subject": "News", "connection": thread.connection, "conversation": "7",
    });
    stage.post("/tickets", new.clone()).await.is_problem(409, "conversation_has_ticket");
    stage.patch(&format!("/tickets/{}", asked.id), json!({"status": "closed"})).await.is(200);
    let opened = stage.post("/tickets", new.clone()).await.is(201);
    assert_eq!(opened["follow_up_of"], asked.id.to_string());
    assert_eq!(opened["channel"], "telegram");
    let thread = stage.desk.thread(&thread).await.unwrap().unwrap();
    assert_eq!(thread.ticket.to_string(), opened["id"].as_str().unwrap());
    stage
        .post(&format!("/tickets/{}/replies", thread.ticket), json!({"text": "It left today."}))
        .await
        .is(201);

    let mut wrong = new.clone();
    wrong["conversation"] = json!("8");
    stage.post("/tickets", wrong).await.is_problem(422, "unknown_conversation");
    let mut wrong = new.clone();
    wrong.as_object_mut().unwrap().remove("connection");
    stage.post("/tickets", wrong).await.is_problem(422, "invalid_body");
    let mut wrong = new;
    wrong["contact"] = json!(format!("con_{}", asked.id.ulid()));
    stage.post("/tickets", wrong).await.is_problem(422, "unknown_contact");
}

#[tokio::test]
async fn events_come_in_pages_with_notes_in_their_place() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let notes = format!("/tickets/{}/notes", ticket.id);
    for number in 0..30 {
        let note = stage.post(&notes, json!({"text": format!("note {number}")})).await.is(201);
        assert_eq!(note["seq"], number + 3);
    }
    let events = stage.all(&format!("/tickets/{}/events", ticket.number), 7).await;
    let positions: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(positions, (1..=32).collect::<Vec<_>>());
    assert_eq!(events[1]["content"]["text"], "Where is my order?");
    assert_eq!(events[31]["content"]["author"], "made at the first start");
    assert_eq!(events[31]["actor"]["type"], "token");
    stage.post(&notes, json!({"text": ""})).await.is_problem(422, "empty_text");
    stage.post(&notes, json!({"text": "x".repeat(33_000)})).await.is_problem(422, "text_too_long");
    let head = stage.desk.ticket(ticket.id).await.unwrap().unwrap();
    assert_eq!(head.status, Status::New);
}
