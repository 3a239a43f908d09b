//! Who a visitor is: tokens, and what a session tells.

use axum::http::Method;
use desk::ids::{ConnectionId, Ulid};
use jiff::SignedDuration;
use serde_json::json;

use crate::stage::{Guest, Stage};

#[tokio::test]
async fn a_visitor_goes_on_with_a_token() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    assert_eq!(guest.session["title"], "Shop");
    assert_eq!(guest.session["online"], true);
    assert!(guest.session.get("form").is_none());
    let socket = format!("wss://desk.example/webchat/{}/live", stage.connection);
    assert_eq!(guest.session["live"], socket);
    assert_ne!(stage.guest(json!({})).await.id, guest.id);

    stage.wait(SignedDuration::from_hours(23));
    stage.page(&guest, "").await;
    stage.wait(SignedDuration::from_hours(2));
    stage.ask(Method::GET, "messages", Some(&guest.token), None).await.is_problem(401, "invalid_token");
    let again = stage.guest(json!({"token": guest.token})).await;
    assert_eq!(again.id, guest.id);
    stage.page(&again, "").await;

    stage.wait(SignedDuration::from_hours(32 * 24));
    stage.session(json!({"token": again.token})).await.is_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_forged_token_opens_nothing() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    stage.says(&guest, "1", "mine").await;
    let other = ConnectionId::new(Ulid::from_parts(5, 5));
    stage.connect(other, json!({"allowed_origins": ["*"]})).await;
    let (body, tag) = guest.token.split_once('.').unwrap();
    let mut elsewhere = Stage::new().await;
    elsewhere.connection = other;
    elsewhere.connect(other, json!({"allowed_origins": ["*"]})).await;
    let foreign = elsewhere.guest(json!({})).await.token;
    let (foreign_body, _) = foreign.split_once('.').unwrap();
    let forged = [
        format!("{body}.{}A", tag.get(..tag.len() - 1).unwrap()),
        format!("{body}."),
        body.to_owned(),
        format!("{foreign_body}.{tag}"),
        foreign.clone(),
        String::new(),
        "é.é".to_owned(),
        "A".repeat(10_000),
    ];
    for token in forged.iter().filter(|token| **token != guest.token) {
        let forged = Guest { token: token.clone(), ..guest.clone() };
        stage.session(json!({"token": token})).await.is_problem(401, "invalid_token");
        if token.is_ascii() {
            for (method, path) in [
                (Method::GET, "messages"),
                (Method::POST, "messages"),
                (Method::POST, "attachments"),
                (Method::POST, "read"),
                (Method::POST, "typing"),
            ] {
                let answer = stage.ask(method, path, Some(&forged.token), Some(json!({}))).await;
                answer.is_problem(401, "invalid_token");
            }
        }
    }
    stage.ask(Method::GET, "messages", None, None).await.is_problem(401, "invalid_token");
}

#[tokio::test]
async fn nobody_is_there_on_a_sunday() {
    let stage = Stage::new().await;
    stage.wait(SignedDuration::from_hours(4 * 24));
    let guest = stage.guest(json!({})).await;
    assert_eq!((&guest.session["online"], &guest.session["by_mail"]), (&json!(false), &json!(false)));
    assert!(guest.session.get("form").is_none(), "a desk without mail answers here");
    stage.office("help@shop.example").await;
    let guest = stage.guest(json!({"token": guest.token})).await;
    assert_eq!((&guest.session["online"], &guest.session["form"]), (&json!(false), &json!("email")));

    let named = json!({"client_id": "1", "text": "Hello", "email": "ann@shop.example", "name": "Ann"});
    stage.post(&guest, "messages", named).await.is(202);
    stage.route().await;
    let again = stage.guest(json!({"token": guest.token})).await;
    assert!(again.session.get("form").is_none(), "an address is known by now");
    assert_eq!(again.session["by_mail"], true);
    assert_eq!(again.session["name"], "Ann");
    let contact = stage.desk.contact(stage.ticket(&guest).await.contact).await.unwrap().unwrap();
    let email = contact.identities.iter().find(|identity| identity.kind == "email").unwrap();
    assert_eq!((email.address.as_str(), email.verified), ("ann@shop.example", false));
    let leads = stage.desk.contact_by_identity("email", "ann@shop.example").await.unwrap();
    assert_eq!(leads, None, "an address that anybody can type leads to nobody");

    let stranger = stage.guest(json!({})).await;
    let same = json!({"client_id": "1", "text": "Hello", "email": "ann@shop.example"});
    stage.post(&stranger, "messages", same).await.is(202);
    stage.route().await;
    assert_ne!(stage.ticket(&stranger).await.contact, contact.id);
}
