//! Connecting a bot, looking after it, and asking it for news.

use channels::telegram::Telegram;
use channels::{Connection, Platform};
use serde_json::{Value, json};

use crate::bot_api::{Answer, BotApi, ok, plain, refusal};
use crate::fixtures::{connection_to, http, instruments};

fn me() -> Answer {
    ok(json!({ "id": 42, "is_bot": true, "first_name": "Shop", "username": "shop_bot" }))
}

#[tokio::test]
async fn connecting_sets_the_webhook() {
    let api = BotApi::start(vec![me(), ok(json!(true))]).await;
    let url = "https://desk.example/webhooks/telegram/cnx_1";
    let settings = Telegram.connect(&http(), &connection_to(&api.url), Some(url)).await.unwrap();
    assert_eq!(
        Value::Object(settings),
        json!({ "bot_id": "42", "bot_name": "Shop", "bot_username": "shop_bot" })
    );
    let requests = api.requests();
    assert_eq!((requests[0].method(), requests[1].method()), ("getMe", "setWebhook"));
    assert_eq!(
        requests[1].json(),
        json!({
            "url": url,
            "secret_token": "s3cret_token-of_ours",
            "allowed_updates": ["message", "edited_message", "callback_query", "my_chat_member", "message_reaction",
                "business_connection", "business_message", "edited_business_message", "deleted_business_messages"],
            "max_connections": 40,
            "drop_pending_updates": false,
        })
    );
}

#[tokio::test]
async fn connecting_without_a_public_url_takes_the_webhook_back() {
    let api = BotApi::start(vec![me(), ok(json!(true))]).await;
    Telegram.connect(&http(), &connection_to(&api.url), None).await.unwrap();
    let requests = api.requests();
    assert_eq!(requests[1].method(), "deleteWebhook");
    assert_eq!(requests[1].json(), json!({ "drop_pending_updates": false }));
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_tells_why() {
    let connect = async |connection: &Connection| {
        let error = Telegram.connect(&http(), connection, Some("https://desk.example/")).await.unwrap_err();
        (error.transient, error.reason)
    };
    for (answers, expected) in [
        (vec![refusal(401, "Unauthorized")], (false, "bad_token")),
        (vec![refusal(404, "Not Found")], (false, "bad_token")),
        (
            vec![me(), refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided")],
            (false, "refused"),
        ),
        (vec![me(), refusal(429, "Too Many Requests")], (true, "throttled")),
        (vec![plain(502, "")], (true, "unavailable")),
        (vec![Answer::Reset], (true, "broken")),
        (vec![plain(200, "hello")], (true, "unreadable_answer")),
    ] {
        let api = BotApi::start(answers).await;
        assert_eq!(connect(&connection_to(&api.url)).await, expected);
    }
    for secret in ["", "with space", "ключ", &"x".repeat(257)] {
        let api = BotApi::start(vec![me()]).await;
        let mut connection = connection_to(&api.url);
        connection.secrets.insert("secret_token".to_owned(), store::seal::Secret::new(secret));
        assert_eq!(connect(&connection).await, (false, "bad_secret_token"), "{secret}");
        assert_eq!(api.requests().len(), 0, "nobody need be asked");
    }
}

#[tokio::test]
async fn disconnecting_forgives_a_dead_token() {
    for (answer, forgiven) in [
        (ok(json!(true)), true),
        (refusal(401, "Unauthorized"), true),
        (refusal(404, "Not Found"), true),
        (refusal(500, "Internal Server Error"), false),
    ] {
        let api = BotApi::start(vec![answer]).await;
        assert_eq!(Telegram.disconnect(&http(), &connection_to(&api.url)).await.is_ok(), forgiven);
    }
}

#[tokio::test]
async fn an_examination_finds_what_is_wrong() {
    let url = "https://desk.example/webhooks/telegram/cnx_1";
    let every = json!([
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member",
        "message_reaction",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages"
    ]);
    let examine = async |webhook: Value, expected: Option<&str>| {
        let api = BotApi::start(vec![me(), ok(webhook)]).await;
        let mut connection = connection_to(&api.url);
        connection.settings.remove("groups");
        let findings = Telegram.examine(&instruments(), &connection, expected).await;
        findings
            .into_iter()
            .filter(|finding| !finding.ok)
            .map(|finding| finding.advice.unwrap())
            .collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let good = json!({ "url": url, "pending_update_count": 0, "allowed_updates": every,
        "last_error_date": 1790000000, "last_error_message": "Connection timed out" });
    assert_eq!(examine(good, Some(url)).await, none);
    assert_eq!(examine(json!({ "url": "", "pending_update_count": 0 }), None).await, none);
    let bad = json!({ "url": "https://other.example/", "pending_update_count": 3, "allowed_updates": ["message"],
        "last_error_date": 1790000000, "last_error_message": "Wrong response from the webhook: 500" });
    insta::assert_json_snapshot!(examine(bad, Some(url)).await);
    assert_eq!(examine(json!({ "url": url, "pending_update_count": 5000 }), None).await.len(), 2);

    let api = BotApi::start(vec![refusal(401, "Unauthorized")]).await;
    let findings = Telegram.examine(&instruments(), &connection_to(&api.url), Some(url)).await;
    assert!(matches!(&findings[..], [finding] if !finding.ok && finding.advice.is_some()));
}

#[tokio::test]
async fn a_poll_brings_updates_as_they_are() {
    let first = r#"{"update_id": 9007199254740993, "x": 1.10, "y": 12345678901234567890123}"#;
    let second = r#"{"update_id":9007199254740995}"#;
    let body = format!(r#"{{"ok":true,"result":[{first},{second}]}}"#);
    let api = BotApi::start(vec![plain(200, &body)]).await;
    let polled = Telegram.poll(&http(), &connection_to(&api.url), Some("77")).await.unwrap();
    assert_eq!(polled.bodies, [first.as_bytes(), second.as_bytes()]);
    assert_eq!(polled.position.as_deref(), Some("9007199254740996"));
    let request = api.requests()[0].json();
    assert_eq!((&request["offset"], &request["timeout"]), (&json!(77), &json!(25)));
    assert_eq!(request["allowed_updates"].as_array().unwrap().len(), 9);

    let api = BotApi::start(vec![ok(json!([]))]).await;
    let polled = Telegram.poll(&http(), &connection_to(&api.url), None).await.unwrap();
    assert_eq!((polled.bodies.len(), polled.position), (0, None));
    assert_eq!(api.requests()[0].json().get("offset"), None);
}

#[tokio::test]
async fn two_pollers_are_told_of_each_other() {
    let api =
        BotApi::start(vec![refusal(409, "Conflict: can't use getUpdates method while webhook is active")])
            .await;
    let error = Telegram.poll(&http(), &connection_to(&api.url), None).await.unwrap_err();
    assert_eq!(error.reason, "conflict");
    assert!(error.detail.contains("webhook is set, or another process polls"), "{}", error.detail);
}
