//! What a visitor writes.

use axum::http::Method;
use desk::command::{Command, Request};
use desk::event::{Actor, Said};
use desk::message::MessageContent;
use serde_json::json;
use store::answering::Answer;

use crate::stage::Stage;

#[tokio::test]
async fn a_message_opens_a_ticket_and_its_answer_comes_back() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "Where is my parcel?").await;
    let ticket = stage.ticket(&guest).await;
    assert_eq!(ticket.subject, "Where is my parcel?");
    assert_eq!(serde_json::to_value(ticket.class).unwrap(), "chat");
    stage.reply(&guest, ticket.id, "On its way.").await;

    let page = stage.page(&guest, "").await;
    let [asked, answered] = page["items"].as_array().unwrap().as_slice() else { panic!("{page:#}") };
    assert_eq!((&asked["from"], &asked["client_id"]), (&json!("visitor"), &json!("1")));
    assert_eq!((&answered["from"], &answered["text"]), (&json!("desk"), &json!("On its way.")));
    let pushed = stage.frames(&guest);
    assert_eq!(pushed[0]["type"], "message");
    assert_eq!(pushed[0]["item"]["id"], answered["id"]);
    assert_eq!(pushed[0]["item"]["cursor"], answered["cursor"]);
}

#[tokio::test]
async fn the_same_message_twice_is_one() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let message = json!({"client_id": "1", "text": "once"});
    for _ in 0..3 {
        assert_eq!(stage.post(&guest, "messages", message.clone()).await.is(202)["client_id"], "1");
    }
    stage.route().await;
    assert_eq!(stage.post(&guest, "messages", message).await.is(202)["client_id"], "1");
    stage.route().await;
    assert_eq!(stage.texts(&guest).await, ["once"]);
    let other = stage.guest(json!({})).await;
    stage.says(&other, "1", "another's").await;
    assert_eq!(stage.texts(&other).await, ["another's"], "an id is the visitor's own");
}

#[tokio::test]
async fn two_windows_show_the_same() {
    let stage = Stage::new().await;
    let one = stage.guest(json!({})).await;
    let two = stage.guest(json!({"token": one.token})).await;
    stage.says(&one, "1", "from one").await;
    stage.says(&two, "2", "from two").await;
    assert_eq!(stage.texts(&one).await, ["from one", "from two"]);
    assert_eq!(stage.texts(&two).await, ["from one", "from two"]);
}

#[tokio::test]
async fn a_visitor_sees_only_what_was_said_to_them() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "Hello").await;
    let ticket = stage.ticket(&guest).await.id;
    let note = Said {
        author: Some("Agent Smith".to_owned()),
        message: MessageContent::text("a secret of the team"),
        ..Said::default()
    };
    let request = Request { actor: Actor::System, cause: None, command: Command::Note(Box::new(note)) };
    stage.desk.execute(ticket, request).await.unwrap();
    let inside =
        Answer { text: Some("Hi".to_owned()), author: Some("Agent Smith".to_owned()), ..Answer::default() };
    stage.write(ticket, inside.clone()).await;
    let shown = Answer { text: Some("Hey".to_owned()), sender_name: Some("Ms Jones".to_owned()), ..inside };
    stage.write(ticket, shown).await;
    assert_eq!(stage.texts(&guest).await, ["Hello"], "what is not sent is not shown");
    stage.deliver(&guest).await;

    let page = stage.page(&guest, "").await;
    assert!(!page.to_string().contains("secret") && !page.to_string().contains("Smith"), "{page:#}");
    assert_eq!(page["items"][1].get("author"), None);
    assert_eq!(page["items"][2]["author"], "Ms Jones");
    let other = stage.guest(json!({})).await;
    assert!(stage.texts(&other).await.is_empty());
    let cursor = page["cursor"].as_str().unwrap();
    assert_eq!(stage.page(&other, &format!("?after={cursor}")).await["items"], json!([]));
    assert_eq!(stage.page(&other, "?after=000000000000000000000000000000000000").await["items"], json!([]));
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let long = "ж".repeat(10_000);
    stage.post(&guest, "messages", json!({"client_id": "long", "text": long})).await.is(202);
    for (body, code) in [
        (json!({"client_id": "1"}), "empty_message"),
        (json!({"client_id": "1", "text": " \u{200b}\n"}), "empty_message"),
        (json!({"client_id": "1", "text": format!("{long}ж")}), "text_too_long"),
        (json!({"client_id": "", "text": "x"}), "invalid_client_id"),
        (json!({"client_id": "a#b", "text": "x"}), "invalid_client_id"),
        (json!({"client_id": "x".repeat(65), "text": "x"}), "invalid_client_id"),
        (json!({"client_id": "1", "text": "x", "email": "no address"}), "invalid_email"),
        (json!({"client_id": "1", "text": 1}), "invalid_body"),
        (json!({"text": "x"}), "invalid_body"),
        (json!([]), "invalid_body"),
    ] {
        stage.post(&guest, "messages", body).await.is_problem(422, code);
    }
    let huge = json!({"client_id": "1", "text": "x".repeat(300 * 1024)});
    stage.post(&guest, "messages", huge).await.is_problem(413, "body_too_large");
    stage
        .ask(Method::DELETE, "messages", Some(&guest.token), None)
        .await
        .is_problem(405, "method_not_allowed");
    stage.route().await;
    assert_eq!(stage.texts(&guest).await, [long]);
}
