//! The fake is held to the platform's documentation before anything is held to the fake.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Delivered, Fault, Telegram};
use crate::client;

async fn call(telegram: &Telegram, token: &str, method: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/bot{token}/{method}", telegram.url());
    let response = client().post(url).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn only_the_token_opens_the_bot() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    assert_eq!(call(&telegram, "1:wrong", "getMe", json!({})).await.0, 401);
    let (status, me) = call(&telegram, &bot.token(), "getMe", json!({})).await;
    assert_eq!((status, &me["ok"]), (200, &json!(true)));
    assert_eq!(call(&telegram, &bot.token(), "getNothing", json!({})).await.0, 404);
    let old = bot.token();
    bot.revoke_token();
    assert_eq!(call(&telegram, &old, "getMe", json!({})).await.0, 401);
}

#[tokio::test]
async fn a_text_stands_in_the_chat_and_limits_hold() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let anna = bot.customer("Anna");
    let token = bot.token();
    let send = async |text: String| {
        call(&telegram, &token, "sendMessage", json!({"chat_id": anna.chat(), "text": text})).await
    };
    assert_eq!(send("Hello".to_owned()).await.1["result"]["message_id"], 1);
    assert_eq!(send("😀".repeat(2048)).await.0, 200);
    assert_eq!(send("😀".repeat(2049)).await.1["description"], "Bad Request: message is too long");
    assert_eq!(send(" ".to_owned()).await.1["description"], "Bad Request: message text is empty");
    assert_eq!(bot.texts(anna.chat()).len(), 2);
    let nobody = json!({"chat_id": 1, "text": "Hello"});
    assert_eq!(
        call(&telegram, &bot.token(), "sendMessage", nobody).await.1["description"],
        "Bad Request: chat not found"
    );
    let typo = json!({"chat_id": anna.chat(), "text": "Hello", "reply_to": 1});
    assert_eq!(call(&telegram, &bot.token(), "sendMessage", typo).await.0, 400);
    let gone = json!({"chat_id": anna.chat(), "text": "Hello", "reply_parameters": {"message_id": 99}});
    assert_eq!(call(&telegram, &bot.token(), "sendMessage", gone).await.0, 400);
}

#[tokio::test]
async fn files_go_both_ways() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let anna = bot.customer("Anna");
    let update = anna.document("offer.pdf", "application/pdf", &Bytes::from_static(b"%PDF-1.7"));
    let file = update.body["message"]["document"]["file_id"].clone();
    let (_, answer) = call(&telegram, &bot.token(), "getFile", json!({"file_id": file})).await;
    let path = answer["result"]["file_path"].as_str().unwrap();
    let url = format!("{}/file/bot{}/{path}", telegram.url(), bot.token());
    assert_eq!(client().get(url).send().await.unwrap().bytes().await.unwrap(), "%PDF-1.7");

    let part =
        reqwest::multipart::Part::bytes(b"plain".to_vec()).file_name("a.txt").mime_str("text/plain").unwrap();
    let form =
        reqwest::multipart::Form::new().text("chat_id", anna.chat().to_string()).part("document", part);
    let url = format!("{}/bot{}/sendDocument", telegram.url(), bot.token());
    assert_eq!(client().post(url).multipart(form).send().await.unwrap().status(), 200);
    let sent = bot.sent(anna.chat());
    assert_eq!(sent[0].file.as_ref().unwrap().bytes, "plain");
    assert_eq!(sent[0].file.as_ref().unwrap().name, "a.txt");
}

#[tokio::test]
async fn faults_strike_in_order_and_a_reset_keeps_the_message() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let anna = bot.customer("Anna");
    bot.fail("send", Some(anna.chat()), Fault::TooManyRequests(2));
    bot.fail("send", Some(anna.chat()), Fault::ResetAfterAccepting);
    let hello = json!({"chat_id": anna.chat(), "text": "Hello"});
    let (status, answer) = call(&telegram, &bot.token(), "sendMessage", hello.clone()).await;
    assert_eq!((status, &answer["parameters"]["retry_after"]), (429, &json!(2)));
    assert!(bot.sent(anna.chat()).is_empty());
    let url = format!("{}/bot{}/sendMessage", telegram.url(), bot.token());
    let error = client().post(url).json(&hello).send().await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(bot.texts(anna.chat()), ["Hello"]);
    assert_eq!(bot.faults_left(), 0);
}

#[tokio::test]
async fn a_blocked_bot_and_a_migrated_group_refuse() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let (anna, group) = (bot.customer("Anna"), bot.group("Friends"));
    anna.block(true);
    let (status, _) =
        call(&telegram, &bot.token(), "sendMessage", json!({"chat_id": anna.chat(), "text": "x"})).await;
    assert_eq!(status, 403);
    let to = group.migrate();
    let (status, answer) =
        call(&telegram, &bot.token(), "sendMessage", json!({"chat_id": group.chat(), "text": "x"})).await;
    assert_eq!((status, &answer["parameters"]["migrate_to_chat_id"]), (400, &json!(to)));
}

#[tokio::test]
async fn updates_wait_for_whoever_asks_and_only_wanted_ones() {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let anna = bot.customer("Anna");
    let first = anna.text("one");
    assert_eq!(bot.deliver(&anna.react(first.message, Some("👍"))).await, Delivered::NotWanted);
    let token = bot.token();
    let waiting =
        call(&telegram, &token, "getUpdates", json!({"timeout": 20, "allowed_updates": ["message"]}));
    let (answer, delivered) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bot.deliver(&first).await
    });
    assert_eq!(delivered, Delivered::Pending);
    assert_eq!(answer.1["result"][0]["update_id"], first.body["update_id"]);
    let next = first.body["update_id"].as_i64().unwrap() + 1;
    let (_, answer) = call(&telegram, &token, "getUpdates", json!({"offset": next})).await;
    assert_eq!(answer["result"], json!([]));
    assert!(bot.pending().is_empty());

    let webhook = json!({"url": "https://desk.example/webhooks/telegram/x", "secret_token": "s-1"});
    assert_eq!(call(&telegram, &token, "setWebhook", webhook).await.0, 200);
    assert_eq!(call(&telegram, &token, "getUpdates", json!({})).await.0, 409);
    assert_eq!(
        call(&telegram, &token, "setWebhook", json!({"url": "https://a", "secret_token": "ä"})).await.0,
        400
    );
}
