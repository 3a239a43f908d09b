//! What the site chat reads: submissions, tokens, cursors.

use channels::webchat::Webchat;
use channels::webchat::cursor::Cursor;
use channels::webchat::pass::Pass;
use channels::webchat::statement;
use channels::{Connection, Platform as _};
use desk::inbound::Happened;
use mutations::{config, damaged, damaged_text};
use proptest::prelude::*;
use serde_json::{Map, json};
use store::seal::Secret;

use super::{now, passes_on};

const VISITOR: &str = "vis_01ARZ3NDEKTSV4RRFFQ69G5FAV";

const SUBMISSIONS: [&str; 3] = [
    r#"{"visitor":"vis_01ARZ3NDEKTSV4RRFFQ69G5FAV","client_id":"m-1","text":"Where is my order?"}"#,
    r#"{"visitor":"vis_01ARZ3NDEKTSV4RRFFQ69G5FAV","login":"42","name":"Ann","client_id":"m.2","files":[
        {"id":"att_01ARZ3NDEKTSV4RRFFQ69G5FAV","name":"a.png","content_type":"image/png","size":5}]}"#,
    r#"{"visitor":"vis_01ARZ3NDEKTSV4RRFFQ69G5FAV","client_id":"3","text":"\u0000\ud83d\ude00"}"#,
];

const CURSORS: [&str; 3] = [
    "01ARZ3NDEKTSV4RRFFQ69G5FAV0000000017.12.15~01ARZ3NDEKTSV4RRFFQ69G5FAW0000000003",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV0000000001",
    "7ZZZZZZZZZZZZZZZZZZZZZZZZZ9999999999",
];

fn connection() -> Connection {
    let keys = json!([{"kid": "k", "alg": "HS256", "key": "0123456789abcdef0123456789abcdef"}]);
    let secrets = [("secret", "a secret of ours".to_owned()), ("jwt_keys", keys.to_string())];
    Connection {
        id: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        channel: "webchat".try_into().unwrap(),
        name: "Shop".to_owned(),
        settings: Map::new(),
        secrets: secrets.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
    }
}

fn bytes<const N: usize>(samples: [&str; N]) -> Vec<Vec<u8>> {
    samples.map(|sample| sample.as_bytes().to_vec()).to_vec()
}

fn token() -> String {
    let connection = connection();
    let (login, name) = (Some("42".to_owned()), Some("Анна".to_owned()));
    Pass::new(&connection, VISITOR.parse().unwrap(), login, name, now()).sign(&connection).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_submission_is_one_delivery(body in damaged(bytes(SUBMISSIONS))) {
        let happened = Webchat.parse(&connection(), &body, now());
        prop_assert_eq!(happened.len(), 1);
        passes_on(&happened[0]);
        let unparsed = matches!(happened[0].happened, Happened::Unparsed { .. });
        prop_assert_eq!(unparsed, happened[0].raw.is_some());
    }

    #[test]
    fn a_changed_token_proves_nothing(token in damaged_text(vec![token().into_bytes()])) {
        let connection = connection();
        prop_assert!(Pass::remember(&connection, &token, now()).is_err() || token == self::token());
        prop_assert!(statement::read(&connection, &token, now()).is_err());
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written(text in damaged_text(bytes(CURSORS))) {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }
    }
}
