//! Tickets that agents open by themselves.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Stage, pause};
use crate::chance::Chance;
use crate::history::Answered;

/// An agent opens a ticket about the customer of another one: in their conversation, which may have an active one, or in
/// none. Returns the id of what can be answered there, and perhaps makes the request once more.
pub(super) async fn open_another(
    stage: &Stage,
    chance: &Chance,
    other: &Value,
    subject: &str,
) -> Option<String> {
    let within = chance.happens(700);
    let key = format!("key-{}", chance.next());
    let id = open(stage, other, within, subject, &key).await?;
    if chance.happens(200) {
        pause(chance, &[0, 400]).await;
        let again = open(stage, other, within, subject, &key).await;
        if again.as_ref().is_some_and(|again| *again != id) {
            stage.cloud.complain(format!("the repeated opening of {id} opened {again:?}"));
        }
    }
    (within && !other["conversation"].is_null()).then_some(id)
}

/// Opens a ticket about the customer of another one, with a note, and returns its id.
pub(crate) async fn open(
    stage: &Stage,
    other: &Value,
    within: bool,
    subject: &str,
    key: &str,
) -> Option<String> {
    let note = format!("A note on {subject}");
    let mut body = json!({"contact": other["contact"], "subject": subject, "text": note});
    let conversation = other["conversation"].as_str().filter(|_| within);
    if let (Some(body), Some(conversation)) = (body.as_object_mut(), conversation) {
        body.insert("connection".to_owned(), other["connection"].clone());
        body.insert("conversation".to_owned(), conversation.into());
    }
    let place = stage.history.open(subject, &note, conversation);
    let asked = stage.office.insist(&stage.cloud, Method::POST, "/tickets", Some(key), Some(&body)).await;
    let (status, answer) = asked?;
    let id = answer.get("id").and_then(Value::as_str).map(str::to_owned);
    match (status, id) {
        (StatusCode::CREATED, Some(id)) => {
            stage.history.opened(place, Answered::Opened(id.clone()));
            Some(id)
        }
        (StatusCode::CONFLICT, _) => {
            stage.history.opened(place, Answered::Refused);
            None
        }
        (status, _) => {
            stage.cloud.complain(format!("the opening of `{subject}` was answered {status} {answer}"));
            None
        }
    }
}
