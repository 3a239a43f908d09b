//! Answers of the Bot API.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::Platform as _;
use channels::http::{Answer, Call, Http, HttpError, Reach, Transport};
use channels::platform::{Destination, Outlets, Part, SendFailure};
use channels::telegram::Telegram;
use desk::ids::{ReplyId, Ulid};
use http::{HeaderMap, StatusCode};
use mutations::{config, damaged};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{at_once, now};
use crate::fixtures::{TOKEN, connection};

const ANSWERS: [&str; 12] = [
    r#"{"ok":true,"result":{"message_id":77,"date":1790000000,"chat":{"id":7001,"type":"private"},"text":"hi"}}"#,
    r#"{"ok":true,"result":[{"update_id":5001,"message":{"message_id":101}},{"update_id":5002}]}"#,
    r#"{"ok":true,"result":[]}"#,
    r#"{"ok":true,"result":true}"#,
    r#"{"ok":true,"result":{"id":42,"is_bot":true,"first_name":"Shop","username":"shop_bot"}}"#,
    r#"{"ok":true,"result":{"file_id":"AgAC","file_unique_id":"x","file_size":5,"file_path":"photos/file_1.jpg"}}"#,
    r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}"#,
    r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-1001}}"#,
    r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#,
    r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
    r#"{"ok":false,"error_code":500,"description":"Internal Server Error"}"#,
    r#"{"ok":false,"error_code":404,"description":"Not Found: /bot123456:AAF_very-secret-token/sendMessage"}"#,
];

/// Answers everything with the same.
#[derive(Debug)]
struct Canned(StatusCode, Vec<u8>);

#[async_trait]
impl Transport for Canned {
    async fn carry(&self, _: Call, _: Reach) -> Result<Answer, HttpError> {
        Ok(Answer { status: self.0, headers: HeaderMap::new(), body: Bytes::from(self.1.clone()) })
    }
}

fn answers() -> impl Strategy<Value = (StatusCode, Vec<u8>)> {
    let corpus = ANSWERS.map(|answer| answer.as_bytes().to_vec()).to_vec();
    let usual = [200, 400, 401, 403, 404, 409, 413, 429, 500, 502, 504];
    let status = prop_oneof![6 => select(usual.to_vec()), 1 => 200..=999_u16];
    (status, damaged(corpus)).prop_map(|(status, body)| (StatusCode::from_u16(status).unwrap(), body))
}

/// What every answer says, whatever else is in it.
#[derive(Deserialize)]
struct Verdict {
    ok: bool,
}

/// Whether Telegram itself says in so many words that it refused.
fn is_refusal(body: &[u8]) -> bool {
    serde_json::from_slice::<Verdict>(body).is_ok_and(|answer| !answer.ok)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_answer_to_a_message_is_never_taken_for_less_than_it_may_be((status, body) in answers()) {
        let http = Http::over(Arc::new(Canned(status, body.clone())));
        let outlets = Outlets { http, mailer: None };
        let to = Destination {
            conversation: "7001",
            correspondence: None,
            reply: ReplyId::new(Ulid::from_parts(1, 1)),
            number: 1,
            sender_name: None,
            automatic: false,
            written_at: now(),
            links: &[],
        };
        let part = Part { text: Some("hi".to_owned()), files: Vec::new(), links: Vec::new(), reply_to: None };
        match at_once(Telegram.send(&outlets, &connection(), &to, &part, Vec::new())) {
            Ok(accepted) => prop_assert!(!accepted.message.is_empty() && !is_refusal(&body)),
            Err(error) => {
                prop_assert!(!error.detail.contains(TOKEN), "{}", error);
                prop_assert!(!error.reason.is_empty());
                // What a success may have been is never sent again by itself.
                if status.is_success() && !is_refusal(&body) {
                    prop_assert_eq!(error.class, SendFailure::Uncertain);
                } else if let SendFailure::Throttled(pause) = error.class {
                    prop_assert!((Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&pause));
                } else if let SendFailure::Moved { conversation } = error.class {
                    prop_assert!(conversation.parse::<i64>().is_ok());
                }
            }
        }
    }

    #[test]
    fn an_answer_to_anything_else_is_read_or_refused((status, body) in answers(), source in "[a-z0-9:]{0,20}") {
        let http = Http::over(Arc::new(Canned(status, body)));
        let connection = connection();
        if let Ok(polled) = at_once(Telegram.poll(&http, &connection, Some("5001"))) {
            prop_assert!(polled.position.is_none_or(|position| position.parse::<i64>().is_ok()));
            prop_assert!(polled.bodies.iter().all(|body| serde_json::from_slice::<IgnoredAny>(body).is_ok()));
        }
        let said = [
            at_once(Telegram.fetch(&http, &connection, &source, 1000)).err().map(|error| error.detail),
            at_once(Telegram.acknowledge(&http, &connection, "callback")).err().map(|error| error.detail),
            at_once(Telegram.connect(&http, &connection, None)).err().map(|error| error.detail),
            at_once(Telegram.disconnect(&http, &connection)).err().map(|error| error.detail),
        ];
        for said in said.into_iter().flatten() {
            prop_assert!(!said.contains(TOKEN), "{}", said);
        }
    }
}
