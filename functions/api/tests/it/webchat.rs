//! The site chat in the API: its settings, and who is writing.

use serde_json::json;
use store::live::note_typing;

use crate::stage::Stage;

#[tokio::test]
async fn keys_of_the_shop_are_kept_and_never_told() {
    let stage = Stage::new().await;
    let key = "0123456789abcdef0123456789abcdef";
    let settings = json!({
        "allowed_origins": ["https://shop.example"],
        "jwt_keys": [{"kid": "a", "alg": "HS256", "key": key}],
        "title": "Ask us",
    });
    let new = json!({"channel": "webchat", "name": "Site", "settings": settings});
    let created = stage.post("/connections", new).await.is(201);
    assert_eq!(created["settings"]["allowed_origins"], json!(["https://shop.example"]));
    let secret = created["settings"]["secret"].as_str().unwrap();
    assert!(secret.len() > 30, "a secret is made up, and told once");
    let path = format!("/connections/{}", created["id"].as_str().unwrap());
    for shown in [created.to_string(), stage.get(&path).await.is(200).to_string()] {
        assert!(!shown.contains(key), "{shown}");
    }
    assert!(!stage.get(&path).await.is(200).to_string().contains(secret));
    let id = created["id"].as_str().unwrap().parse().unwrap();
    let stored = stage.desk.connection_by_id(id).await.unwrap().unwrap();
    let open = channels::directory::unseal(&stored, &stage.api.key).unwrap();
    assert!(open.secret("jwt_keys").unwrap().contains(key));

    for (settings, code) in [
        (json!({"allowed_origins": "https://shop.example"}), "invalid_settings"),
        (json!({"allowed_origins": [1]}), "invalid_settings"),
        (json!({"allowed_origins": ["https://shop.example/path"]}), "bad_origin"),
        (json!({"jwt_keys": ["a"]}), "invalid_settings"),
        (json!({"jwt_keys": [{"kid": "a", "alg": "none", "key": key}]}), "bad_jwt_keys"),
        (json!({"title": "x".repeat(101)}), "text_too_long"),
    ] {
        stage.patch(&path, json!({"settings": settings})).await.is_problem(422, code);
    }
}

#[tokio::test]
async fn a_chat_names_only_mails_that_there_are() {
    let stage = Stage::new().await;
    let office = json!({"channel": "email", "name": "Office", "settings": {"address": "help@shop.example"}});
    let office = stage.post("/connections", office).await.is(201)["id"].clone();
    let chat = json!({"channel": "webchat", "name": "Site", "settings": {"email_connection": office}});
    let chat = stage.post("/connections", chat).await.is(201);
    let path = format!("/connections/{}", chat["id"].as_str().unwrap());
    let settings = stage.patch(&path, json!({"settings": {"email_after": 86_400}})).await.is(200);
    assert_eq!(settings["settings"]["email_after"], 86_400);
    for settings in [
        json!({"email_connection": chat["id"]}),
        json!({"email_connection": "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
        json!({"email_connection": "help@shop.example"}),
        json!({"email_after": 86_401}),
        json!({"email_after": -1}),
        json!({"email_after": 1.5}),
        json!({"email_after": "120"}),
    ] {
        stage.patch(&path, json!({"settings": settings})).await.is_problem(422, "invalid_settings");
    }
}

#[tokio::test]
async fn an_agent_learns_whether_the_customer_writes() {
    let stage = Stage::new().await;
    let ticket = stage.question().await;
    let path = format!("/tickets/{}/typing", ticket.id);
    assert_eq!(stage.get(&path).await.is(200)["customer"], false);
    let thread = ticket.thread.unwrap();
    note_typing(&*stage.api.index, &thread, stage.desk.now()).await.unwrap();
    assert_eq!(stage.get(&path).await.is(200)["customer"], true);
    stage.get("/tickets/tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV/typing").await.is_problem(404, "not_found");
    stage.post("/tickets/999/typing", json!({})).await.is_problem(404, "not_found");
    stage.post(&path, json!({})).await.is(204);
}
