//! Tokens: given once, never with more than the giver has.

use axum::http::Method;
use desk::access::Scope;
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_token_is_told_once_and_works_until_it_is_revoked() {
    let stage = Stage::new().await;
    let new = json!({"name": "script", "scopes": ["tickets:read", "tickets:read"]});
    let created = stage.post("/tokens", new).await.is(201);
    let text = created["token"].as_str().unwrap();
    assert!(text.starts_with("ldk_"));
    assert_eq!(created["scopes"], json!(["tickets:read"]));
    stage.ask_as(text, Method::GET, "/tickets", None).await.is(200);
    stage.ask_as(text, Method::GET, "/settings", None).await.is_problem(403, "missing_scope");

    let one = format!("/tokens/{}", created["id"].as_str().unwrap());
    for path in ["/tokens", &one] {
        let answer = stage.get(path).await;
        answer.is(200);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(text));
    }
    assert_eq!(stage.all("/tokens", 1).await.len(), 2);
    stage.delete(&one).await.is(204);
    stage.delete(&one).await.is_problem(404, "not_found");
    stage.get(&one).await.is_problem(404, "not_found");
    stage.ask_as(text, Method::GET, "/tickets", None).await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    let stage = Stage::new().await;
    let (mine, other) = (stage.team("mine").await, stage.team("other").await);
    let limited = stage.token(&[Scope::TokensWrite, Scope::TicketsRead], &[mine]).await;
    let give = async |body| stage.ask_as(&limited, Method::POST, "/tokens", Some(body)).await;
    let more = give(json!({"name": "x", "scopes": ["tickets:read", "operations"], "teams": [mine]})).await;
    assert_eq!(more.is_problem(422, "scope_not_held")["errors"][0]["pointer"], "/scopes/1");
    give(json!({"name": "x", "scopes": ["tickets:read"]})).await.is_problem(422, "team_required");
    give(json!({"name": "x", "scopes": ["tickets:read"], "teams": [other]}))
        .await
        .is_problem(422, "unknown_team");
    give(json!({"name": "x", "scopes": [], "teams": [mine]})).await.is_problem(422, "no_scopes");
    let agent = json!("agt_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let dangling = json!({"name": "x", "scopes": ["tickets:read"], "teams": [mine], "agent": agent});
    give(dangling).await.is_problem(422, "unknown_agent");
    give(json!({"name": "x", "scopes": ["tickets:read"], "teams": [mine]})).await.is(201);
}

#[tokio::test]
async fn who_sees_some_teams_knows_no_token_that_sees_more() {
    let stage = Stage::new().await;
    let (mine, other) = (stage.team("mine").await, stage.team("other").await);
    let limited = stage.token(&[Scope::TokensWrite, Scope::TicketsRead], &[mine]).await;
    let make = async |teams| {
        let new = json!({"name": "x", "scopes": ["tickets:read"], "teams": teams});
        let made = stage.post("/tokens", new).await.is(201);
        format!("/tokens/{}", made["id"].as_str().unwrap())
    };
    let [within, beside, beyond, all] = [
        make(json!([mine])).await,
        make(json!([other])).await,
        make(json!([mine, other])).await,
        make(json!([])).await,
    ];
    for hidden in [&beside, &beyond, &all] {
        stage.ask_as(&limited, Method::GET, hidden, None).await.is_problem(404, "not_found");
        stage.ask_as(&limited, Method::DELETE, hidden, None).await.is_problem(404, "not_found");
        stage.get(hidden).await.is(200);
    }
    let listed = stage.ask_as(&limited, Method::GET, "/tokens", None).await.is(200);
    // Itself and the one within its teams.
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    stage.ask_as(&limited, Method::DELETE, &within, None).await.is(204);
}

#[tokio::test]
async fn the_name_of_the_environments_token_is_reserved() {
    let stage = Stage::new().await;
    let new = json!({"name": "LAMBDESK_API_TOKEN", "scopes": ["tickets:read"]});
    stage.post("/tokens", new).await.is_problem(422, "reserved_name");
}

#[tokio::test]
async fn the_first_token_comes_from_the_machine_itself() {
    let stage = Stage::new().await;
    let made = api::direct(&stage.desk, json!({"command": "create-token"})).await.unwrap();
    stage.ask_as(made["token"].as_str().unwrap(), Method::GET, "/doctor", None).await.is(200);
    assert!(api::direct(&stage.desk, json!({"command": "drop-table"})).await.is_err());
    assert!(api::direct(&stage.desk, json!({"Records": []})).await.is_err());

    assert!(api::first_token(&stage.desk, None).await.unwrap().is_none(), "there is one");
    for _ in 0..2 {
        assert!(api::first_token(&stage.desk, Some("my-own")).await.unwrap().is_none());
    }
    stage.ask_as("my-own", Method::GET, "/tickets", None).await.is(200);
    assert_eq!(stage.all("/tokens", 100).await.len(), 3);
}
