//! What Telegram's updates mean, and that no body is lost or harmful.

use std::collections::BTreeMap;

use channels::telegram::Telegram;
use channels::{Connection, Platform};
use desk::event::Raw;
use desk::inbound::{Happened, Inbound};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{connection, updates, value};

const HEADER: &str = "x-telegram-bot-api-secret-token";

fn parse(connection: &Connection, body: &[u8]) -> Vec<Inbound> {
    Telegram.parse(connection, body, "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap())
}

/// An inbound message without what all of them have in common.
fn meaning(inbound: &Inbound) -> Value {
    let mut value = serde_json::to_value(inbound).unwrap();
    let fields = value.as_object_mut().unwrap();
    fields.insert("conversation".to_owned(), inbound.thread.conversation.clone().into());
    fields.insert("raw".to_owned(), inbound.raw.is_some().into());
    fields.remove("thread");
    fields.remove("class");
    value
}

#[test]
fn every_update_has_its_meaning() {
    let connection = connection();
    let meanings: BTreeMap<String, Vec<Value>> = updates()
        .into_iter()
        .map(|(name, body)| (name, parse(&connection, &body).iter().map(meaning).collect()))
        .collect();
    insta::assert_json_snapshot!(meanings);
}

#[test]
fn what_is_kept_raw_is_the_body_itself() {
    for (name, body) in updates() {
        for inbound in parse(&connection(), &body) {
            if let Some(raw) = inbound.raw {
                assert_eq!(raw, Raw::Text(String::from_utf8(body.clone()).unwrap()), "{name}");
            }
        }
    }
}

#[test]
fn an_address_that_fits_into_no_key_names_no_conversation() {
    let mut update = value(&updates()["business"]);
    update["business_message"]["business_connection_id"] = "b".repeat(300).into();
    let [kept] = &parse(&connection(), update.to_string().as_bytes())[..] else {
        panic!("one thing happened")
    };
    assert!(matches!(kept.happened, Happened::Unparsed { .. }));
    assert_eq!(kept.thread.conversation, update["business_message"]["chat"]["id"].to_string());
    assert_eq!(kept.raw, Some(Raw::Text(update.to_string())));
}

#[test]
fn groups_are_heard_only_when_the_owner_wants_it() {
    let mut connection = connection();
    connection.settings.remove("groups");
    for (name, body) in updates() {
        let in_group = value(&body).to_string().contains("\"supergroup\"");
        let groupless =
            ["story", "reply", "forward", "unsupported"].iter().any(|other| name.starts_with(other));
        if in_group && !groupless {
            assert_eq!(parse(&connection, &body), [], "{name}");
        }
    }
    let migration = &updates()["group_migrates"];
    assert_eq!(parse(&connection, migration), []);
}

#[test]
fn what_cannot_be_read_is_kept() {
    let deep = "[".repeat(10 * 1024 * 1024);
    let deep_update = format!(r#"{{"update_id":1,"message":{}"#, r#"{"reply_to_message":"#.repeat(100_000));
    let bodies: [&[u8]; 16] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{}",
        br#"{"update_id":1}"#,
        br#"{"update_id":"1","message":{}}"#,
        br#"{"update_id":1.5,"message":{}}"#,
        br#"{"update_id":1e400,"message":{}}"#,
        br#"{"update_id":99999999999999999999,"message":{}}"#,
        br#"{"update_id":1,"message":null}"#,
        br#"{"update_id":1,"message":[]}"#,
        b"\xef\xbb\xbf{\"update_id\":1}",
        deep.as_bytes(),
        deep_update.as_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let [inbound] = &parse(&connection(), body)[..] else { panic!("{shown}") };
        assert!(matches!(inbound.happened, Happened::Unparsed { .. }), "{shown}");
        assert_eq!(inbound.thread.conversation, "unparsed", "{shown}");
        assert_eq!(inbound.raw, Some(Raw::Text(String::from_utf8(body.to_vec()).unwrap())), "{shown}");
    }
}

#[test]
fn invalid_utf8_is_kept_without_loss() {
    let [inbound] = &parse(&connection(), b"{\"update_id\":1,\xff}")[..] else { panic!() };
    assert_eq!(inbound.raw, Some(Raw::Base64("eyJ1cGRhdGVfaWQiOjEs/30=".to_owned())));
}

#[test]
fn a_repeated_delivery_repeats_its_key_and_no_other_does() {
    let mut keys = std::collections::BTreeSet::new();
    for (name, body) in updates() {
        for (first, second) in parse(&connection(), &body).into_iter().zip(parse(&connection(), &body)) {
            assert_eq!(first.key, second.key);
            assert!(keys.insert(first.key), "{name}");
        }
    }
    let key = |body: &[u8]| parse(&connection(), body)[0].key.clone();
    assert_eq!(key(b"garbage"), key(b"garbage"));
    assert_ne!(key(b"garbage"), key(b"rubbish"));
}

#[test]
fn an_illegible_message_names_its_author_and_chat() {
    let body = &updates()["wrong_type"];
    let [inbound] = &parse(&connection(), body)[..] else { panic!() };
    assert_eq!(inbound.thread.conversation, "7001");
    assert_eq!(inbound.sender.as_ref().unwrap().address, "7001");
}

#[test]
fn only_telegram_gets_in() {
    let with = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_static(value));
        }
        headers
    };
    let good = "s3cret_token-of_ours";
    let open =
        |connection: &Connection, headers: HeaderMap| Telegram.verify(connection, &headers, b"{}").is_ok();
    assert!(open(&connection(), with(&[good])));
    let refused: [&[&'static str]; 8] = [
        &[],
        &[""],
        &["s3cret_token-of_our"],
        &["s3cret_token-of_ourz"],
        &["S3CRET_TOKEN-OF_OURS"],
        &["s3cret_token-of_ours, s3cret_token-of_ours"],
        &[good, good],
        &["wrong", good],
    ];
    for values in refused {
        assert!(!open(&connection(), with(values)), "{values:?}");
    }
    for secret in [None, Some("")] {
        let mut connection = connection();
        connection.secrets.remove("secret_token");
        connection
            .secrets
            .extend(secret.map(|secret| ("secret_token".to_owned(), store::seal::Secret::new(secret))));
        assert!(!open(&connection, with(&[])));
        assert!(!open(&connection, with(&[""])));
        assert!(!open(&connection, with(&[good])));
    }
}

/// Fields by which an update turns from a customer's into a bot's or a service's affair.
const SILENCING: [&str; 5] =
    ["is_bot", "is_automatic_forward", "status", "migrate_to_chat_id", "sender_chat"];

/// Replaces the value at one place of a body, counted over all places.
fn mutate(value: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *value = with.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| mutate(value, place, with)),
        Value::Object(fields) => {
            let harmless = fields.iter_mut().filter(|(name, _)| !SILENCING.contains(&name.as_str()));
            harmless.for_each(|(_, value)| mutate(value, place, with));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_kept(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let inbound = parse(&connection(), &body);
        prop_assert_eq!(inbound.len(), 1);
        prop_assert!(inbound[0].raw.is_some());
    }

    #[test]
    fn a_damaged_update_is_understood_or_kept(
        which in any::<prop::sample::Index>(),
        place in 0..60_usize,
        with in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(u64::MAX), json!(1.5), json!(""), json!("x"), json!([]),
            json!([1]), json!({}), json!({ "id": 5 }),
        ]),
    ) {
        let updates: Vec<(String, Vec<u8>)> = updates().into_iter().collect();
        let (name, body) = which.get(&updates);
        let mut damaged = value(body);
        mutate(&mut damaged, &mut place.clone(), &with);
        let inbound = parse(&connection(), damaged.to_string().as_bytes());
        let meant = !parse(&connection(), body).is_empty();
        prop_assert!(inbound.len() == 1 || !meant, "{name}: {damaged}");
    }

    #[test]
    fn a_cut_update_is_kept(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let updates: Vec<Vec<u8>> = updates().into_values().collect();
        let body = which.get(&updates);
        let cut = &body[..at.index(body.len() - 2)];
        let inbound = parse(&connection(), cut);
        prop_assert_eq!(inbound.len(), 1);
        let unparsed = matches!(inbound[0].happened, Happened::Unparsed { .. });
        prop_assert!(unparsed);
    }
}
