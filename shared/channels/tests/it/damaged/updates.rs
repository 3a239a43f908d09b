//! Updates of Telegram.

use channels::Platform as _;
use channels::telegram::Telegram;
use desk::event::Raw;
use desk::inbound::Happened;
use mutations::{config, damaged};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{now, passes_on};
use crate::fixtures::{connection, updates};

/// Whether a body is a person's text in a private chat: what nobody may ever lose.
fn is_question(update: &Map<String, Value>) -> bool {
    let Some(message) = update.get("message").filter(|_| update.len() == 2) else { return false };
    let plain = ["sender_chat", "sender_business_bot", "migrate_to_chat_id", "is_automatic_forward"];
    let text = message["text"].as_str().is_some_and(|text| !text.is_empty());
    let by_person = message["from"]["is_bot"] == false && message["from"]["id"] != 42;
    let private = message["chat"]["type"] == "private";
    text && by_person && private && plain.iter().all(|field| message.get(field).is_none())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_update_is_understood_kept_or_silent(body in damaged(updates().into_values().collect())) {
        let happened = Telegram.parse(&connection(), &body, now());
        prop_assert!(happened.len() <= 1);
        let update = serde_json::from_slice::<Map<String, Value>>(&body);
        match (happened.as_slice(), update) {
            ([], Ok(update)) => {
                prop_assert!(update.get("update_id").is_some_and(Value::is_i64) && update.len() > 1, "{update:?}");
                prop_assert!(!is_question(&update), "{update:?}");
            }
            ([], Err(error)) => prop_assert!(false, "nothing came of what is no update: {error}"),
            ([inbound, ..], _) => {
                passes_on(inbound);
                if matches!(inbound.happened, Happened::Unparsed { .. }) {
                    let kept = inbound.raw.clone();
                    let whole = std::str::from_utf8(&body).map(|text| Raw::Text(text.to_owned()));
                    prop_assert!(kept.is_some() && whole.map_or(true, |whole| kept == Some(whole)));
                }
            }
        }
    }
}
