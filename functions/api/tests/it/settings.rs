//! Teams, agents, calendars, policies, and the settings of the whole desk.

use axum::http::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, text};

async fn round_trip(stage: &Stage, path: &str, new: Value, changed: Value) {
    let created = stage.post(path, new.clone()).await;
    assert_eq!(created.header("etag"), "\"1\"");
    let body = created.is(201);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&body[name], value, "{path} {name}");
    }
    let one = format!("{path}/{}", body["id"].as_str().unwrap());
    assert_eq!(stage.get(&one).await.is(200), body);
    assert!(stage.all(path, 1).await.contains(&body));
    stage
        .ask_and(Method::PUT, &one, ("if-match", "\"9\""), Some(changed.clone()))
        .await
        .is_problem(412, "stale");
    let replaced = stage.ask_and(Method::PUT, &one, ("if-match", "\"1\""), Some(changed.clone())).await;
    assert_eq!(replaced.header("etag"), "\"2\"");
    assert_eq!(replaced.is(200)["name"], changed["name"]);
    stage.put(&one, json!({"name": "x", "surprise": 1})).await.is_problem(422, "invalid_body");
    stage.ask_and(Method::DELETE, &one, ("if-match", "1"), None).await.is_problem(412, "stale");
    stage.ask_and(Method::DELETE, &one, ("if-match", "2"), None).await.is(204);
    stage.get(&one).await.is_problem(404, "not_found");
    stage.put(&one, changed).await.is_problem(404, "not_found");
    stage.delete(&one).await.is_problem(404, "not_found");
    stage.get(&format!("{path}/nonsense")).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn every_kind_is_made_read_replaced_and_removed() {
    let stage = Stage::new().await;
    round_trip(&stage, "/teams", json!({"name": "Sales", "sender_name": "Shop"}), json!({"name": "Support"}))
        .await;
    round_trip(&stage, "/agents", json!({"name": "Ann", "email": "ann@example.org"}), json!({"name": "Bob"}))
        .await;
    let hours = json!({
        "monday": [{"start": "09:00", "end": "18:00"}], "tuesday": [], "wednesday": [], "thursday": [],
        "friday": [], "saturday": [], "sunday": [],
    });
    let calendar = json!({"name": "Hours", "time_zone": "Europe/Paris", "week": hours});
    round_trip(&stage, "/calendars", calendar, json!({"name": "Always", "time_zone": "UTC"})).await;
    let policy = json!({"name": "VIP", "position": 9, "first_response": 60, "warn_percent": 50});
    round_trip(&stage, "/sla-policies", policy, json!({"name": "Nobody"})).await;
    assert!(stage.desk.recomputation().await.unwrap().is_some());
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let stage = Stage::new().await;
    stage.post("/teams", json!({"name": " "})).await.is_problem(422, "invalid_name");
    stage.post("/agents", json!({"name": "Ann", "email": "ann"})).await.is_problem(422, "invalid_email");
    let bad = stage.post("/calendars", json!({"name": "x", "time_zone": "Mars"})).await;
    assert_eq!(bad.is_problem(422, "invalid_body")["errors"][0]["pointer"], "/time_zone");
    let bad = json!({"name": "x", "time_zone": "UTC", "week": {"monday": [{"start": "9", "end": "18:00"}]}});
    let bad = stage.post("/calendars", bad).await.is_problem(422, "invalid_body");
    assert!(bad["errors"][0]["pointer"].as_str().unwrap().starts_with("/week/monday/0"), "{bad}");
    let twice = json!([{"date": "2027-01-01", "name": "New Year"}, {"date": "2027-01-01", "name": "again"}]);
    let calendar = json!({"name": "x", "time_zone": "UTC", "holidays": twice,
        "exceptions": [{"date": "2027-01-01", "hours": []}]});
    stage.post("/calendars", calendar).await.is_problem(422, "invalid_calendar");
    let policy = |name: &str, value: Value| {
        let mut policy = json!({"name": "x"});
        policy[name] = value;
        policy
    };
    stage.post("/sla-policies", policy("first_response", json!(0))).await.is_problem(422, "invalid_target");
    stage.post("/sla-policies", policy("warn_percent", json!(100))).await.is_problem(422, "invalid_warning");
    let absent = json!("cal_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    stage.post("/sla-policies", policy("calendar", absent)).await.is_problem(422, "unknown_calendar");
    stage
        .post("/sla-policies", policy("conditions", json!({"classes": ["smoke"]})))
        .await
        .is_problem(422, "invalid_body");
}

#[tokio::test]
async fn what_something_depends_on_stays() {
    let stage = Stage::new().await;
    let calendar = stage.get("/calendars").await.is(200)["items"][0]["id"].as_str().unwrap().to_owned();
    stage.delete(&format!("/calendars/{calendar}")).await.is_problem(409, "in_use");
    let (named, working, idle) =
        (stage.team("named").await, stage.team("working").await, stage.team("idle").await);
    let connection = stage.connection(json!({"team": named})).await;
    stage.ticket(connection, "7", "1", text("?"), Some(working)).await;
    stage.delete(&format!("/teams/{named}")).await.is_problem(409, "in_use");
    stage.delete(&format!("/teams/{working}")).await.is_problem(409, "in_use");
    stage.delete(&format!("/teams/{idle}")).await.is(204);
    let agent = stage.post("/agents", json!({"name": "Ann"})).await.is(201);
    let new = json!({"name": "Ann's", "scopes": ["tickets:read"], "agent": agent["id"]});
    let token = stage.post("/tokens", new).await.is(201);
    let path = format!("/agents/{}", agent["id"].as_str().unwrap());
    stage.delete(&path).await.is_problem(409, "in_use");
    stage.delete(&format!("/tokens/{}", token["id"].as_str().unwrap())).await.is(204);
    let ticket = format!("/tickets/{}", stage.ticket(connection, "8", "1", text("?"), None).await.id);
    stage.patch(&ticket, json!({"assignee": agent["id"]})).await.is(200);
    stage.delete(&path).await.is_problem(409, "in_use");
    stage.patch(&ticket, json!({"assignee": null})).await.is(200);
    stage.delete(&path).await.is(204);
}

#[tokio::test]
async fn the_settings_of_the_desk_are_replaced() {
    let stage = Stage::new().await;
    let shown = stage.get("/settings").await;
    assert_eq!(shown.header("etag"), "\"1\"");
    assert_eq!(shown.is(200)["reopen_seconds"], 7 * 24 * 60 * 60);
    let put = stage
        .ask_and(Method::PUT, "/settings", ("if-match", "\"1\""), Some(json!({"reopen_seconds": 60})))
        .await;
    assert_eq!(put.is(200), json!({"reopen_seconds": 60, "version": 2}));
    let late = stage.ask_and(Method::PUT, "/settings", ("if-match", "\"1\""), Some(json!({}))).await;
    late.is_problem(412, "stale");
    stage.put("/settings", json!({"reopen_second": 60})).await.is_problem(422, "invalid_body");
}
