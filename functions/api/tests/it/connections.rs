//! Connections: checked with the platform, sealed, and never telling what they were given.

use axum::http::Method;
use serde_json::json;
use store::connections::{Health, StoredConnection};

use crate::bot::{Bot, OTHER_TOKEN, TOKEN};
use crate::stage::Stage;

async fn connected(stage: &Stage, bot: &Bot) -> (serde_json::Value, String) {
    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    let created = stage.post("/connections", new).await.is(201);
    let path = format!("/connections/{}", created["id"].as_str().unwrap());
    (created, path)
}

async fn stored(stage: &Stage, created: &serde_json::Value) -> StoredConnection {
    let id = created["id"].as_str().unwrap().parse().unwrap();
    stage.desk.connection_by_id(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_connection_with_a_public_url_gets_a_webhook() {
    let (stage, bot) = (Stage::with(Some("https://desk.example.org/")).await, Bot::start().await);
    let (created, path) = connected(&stage, &bot).await;
    let webhook = format!("https://desk.example.org/webhooks/telegram/{}", created["id"].as_str().unwrap());
    assert_eq!(created["webhook_url"], webhook);
    assert_eq!(created["receives"], "webhook");
    assert_eq!(created["health"]["state"], "ok");
    assert_eq!(created["settings"]["bot_username"], "shop_bot");
    assert_eq!(created["settings"]["api_url"], bot.url);
    // Told in this one answer, because nobody gave it.
    let secret = created["settings"]["secret_token"].as_str().unwrap();
    assert!(secret.len() > 30);
    assert!(created["settings"].get("token").is_none());
    let set = bot.calls("setWebhook");
    assert_eq!(set[0]["url"], webhook);
    assert_eq!(set[0]["secret_token"], secret);

    for path in ["/connections", &path, "/doctor", "/openapi.json"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.status, 200);
        let shown = String::from_utf8_lossy(&answer.bytes);
        assert!(!shown.contains(secret) && !shown.contains(TOKEN), "{path}");
    }
    let open = channels::directory::unseal(&stored(&stage, &created).await, &stage.api.key).unwrap();
    assert_eq!((open.secret("token"), open.secret("secret_token")), (Some(TOKEN), Some(secret)));
    stage.delete(&path).await.is(204);
    assert_eq!(bot.calls("deleteWebhook").len(), 1);
    stage.get(&path).await.is_problem(404, "not_found");
    stage.delete(&path).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn a_connection_that_goes_leaves_the_webhook_to_one_with_the_same_account() {
    let (stage, bot) = (Stage::with(Some("https://desk.example.org/")).await, Bot::start().await);
    let (first, first_path) = connected(&stage, &bot).await;
    let (second, second_path) = connected(&stage, &bot).await;
    let findings = stage.get("/doctor").await.is(200)["findings"].to_string();
    assert!(findings.contains("is connected to the same account"), "{findings}");
    // The platform knows one webhook, the newer one's, until that goes.
    assert_eq!(bot.calls("setWebhook").last().unwrap()["url"], second["webhook_url"]);
    stage.delete(&second_path).await.is(204);
    assert_eq!(bot.calls("deleteWebhook").len(), 0);
    assert_eq!(bot.calls("setWebhook").last().unwrap()["url"], first["webhook_url"]);
    stage.delete(&first_path).await.is(204);
    assert_eq!(bot.calls("deleteWebhook").len(), 1);
}

#[tokio::test]
async fn a_stale_change_of_a_connection_is_refused() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (_, path) = connected(&stage, &bot).await;
    let seen = stage.get(&path).await.header("etag").to_owned();
    let bearer = format!("Bearer {}", stage.token);
    let headers = [("authorization", bearer.as_str()), ("if-match", seen.as_str())];
    let rename = || Some(json!({"name": "New"}));
    let changed = stage.ask_with(Method::PATCH, &path, &headers, rename()).await;
    changed.is(200);
    assert_ne!(changed.header("etag"), seen);
    stage.ask_with(Method::PATCH, &path, &headers, rename()).await.is_problem(412, "stale");
    stage.ask_with(Method::DELETE, &path, &headers, None).await.is_problem(412, "stale");
    stage.delete(&path).await.is(204);
}

#[tokio::test]
async fn a_desk_that_nobody_reaches_polls() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (created, path) = connected(&stage, &bot).await;
    assert_eq!(created["receives"], "polling");
    assert_eq!(bot.calls("setWebhook").len(), 0);
    assert!(created["webhook_url"].as_str().unwrap().starts_with("http://localhost/webhooks/telegram/cnx_"));
    assert_eq!(stored(&stage, &created).await.settings["receives"], "polling");
    // The same desk behind a gateway: the request tells where it is reached.
    let bearer = format!("Bearer {}", stage.token);
    let headers =
        [("authorization", bearer.as_str()), ("host", "d.example.org"), ("x-forwarded-proto", "https")];
    let changed = stage.ask_with(Method::PATCH, &path, &headers, Some(json!({}))).await.is(200);
    assert_eq!(changed["receives"], "webhook");
    assert_eq!(bot.calls("setWebhook")[0]["url"], changed["webhook_url"]);
    assert_eq!(stage.get(&path).await.is(200)["webhook_url"], changed["webhook_url"]);
}

#[tokio::test]
async fn bad_credentials_and_silent_platforms_store_nothing() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let mut settings = bot.settings();
    settings["token"] = json!("123456:AAcanaryWrongTokenThatMustNotBeRepeated00");
    let new = json!({"channel": "telegram", "name": "Shop", "settings": settings});
    let refused = stage.post("/connections", new).await;
    refused.is_problem(422, "bad_token");
    assert!(!String::from_utf8_lossy(&refused.bytes).contains("canary"));
    bot.is_down(true);
    let new = json!({"channel": "telegram", "name": "Shop", "settings": bot.settings()});
    stage.post("/connections", new).await.is_problem(502, "platform_unavailable");
    assert!(stage.desk.connections().await.unwrap().is_empty());
}

#[tokio::test]
async fn unknown_and_unfit_settings_are_named() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let with = |name: &str, value: serde_json::Value| {
        let mut settings = bot.settings();
        settings[name] = value;
        json!({"channel": "telegram", "name": "Shop", "settings": settings})
    };
    let problem =
        stage.post("/connections", with("tokn", json!("x"))).await.is_problem(422, "unknown_setting");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/tokn");
    stage.post("/connections", with("receives", json!("webhook"))).await.is_problem(422, "unknown_setting");
    for (name, value) in [
        ("api_url", json!("ftp://x")),
        ("api_url", json!("https://user:pass@x")),
        ("groups", json!("yes")),
        ("team", json!("team_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        ("sender_name", json!("nobody")),
        ("token", json!(7)),
    ] {
        let problem = stage.post("/connections", with(name, value)).await.is_problem(422, "invalid_settings");
        assert_eq!(problem["errors"][0]["pointer"], format!("/settings/{name}"));
    }
    let problem =
        stage.post("/connections", with("token", json!(null))).await.is_problem(422, "invalid_settings");
    assert_eq!(problem["errors"][0]["pointer"], "/settings/token");
    let pigeon = json!({"channel": "pigeon", "name": "x", "settings": {}});
    stage.post("/connections", pigeon).await.is_problem(422, "unknown_channel");
    let team = stage.team("Sales").await;
    stage.post("/connections", with("team", json!(team))).await.is(201);
}

#[tokio::test]
async fn a_broken_connection_is_mended_with_new_settings() {
    let (stage, bot) = (Stage::new().await, Bot::start().await);
    let (created, path) = connected(&stage, &bot).await;
    let mut broken = stored(&stage, &created).await;
    let since = stage.desk.now();
    broken.health =
        Health::Broken { reason: "unauthorized".to_owned(), detail: "Unauthorized".to_owned(), since };
    broken.version += 1;
    stage.desk.save_connection(&broken, Vec::new()).await.unwrap();
    let shown = stage.get(&path).await.is(200);
    assert_eq!(shown["health"]["reason"], "unauthorized");

    stage.patch(&path, json!({"settings": {"token": "1:AAno"}})).await.is_problem(422, "bad_token");
    assert_ne!(stored(&stage, &created).await.health, Health::Ok);
    let other = json!({"settings": {"token": OTHER_TOKEN}});
    stage.patch(&path, other).await.is_problem(422, "another_account");
    assert_ne!(stored(&stage, &created).await.health, Health::Ok);
    let changes = json!({"name": "New", "settings": {"token": TOKEN, "greeting": "Hi!", "groups": true}});
    let mended = stage.patch(&path, changes).await.is(200);
    assert_eq!((&mended["name"], &mended["settings"]["greeting"]), (&json!("New"), &json!("Hi!")));
    assert!(mended["settings"].get("secret_token").is_none());
    let after = stored(&stage, &created).await;
    assert_eq!((after.health, after.resuming), (Health::Ok, true));
    let mended = stage.patch(&path, json!({"settings": {"greeting": null}})).await.is(200);
    assert!(mended["settings"].get("greeting").is_none());
    assert_eq!(mended["settings"]["groups"], true);
    let renewed = stage.patch(&path, json!({"settings": {"secret_token": null}})).await.is(200);
    let renewed = renewed["settings"]["secret_token"].as_str().unwrap();
    assert_ne!(renewed, created["settings"]["secret_token"]);
    assert!(!String::from_utf8_lossy(&stage.get(&path).await.bytes).contains(renewed));
    bot.is_down(true);
    stage.patch(&path, json!({"name": "x"})).await.is_problem(502, "platform_unavailable");
    stage.delete(&path).await.is(204);
}
