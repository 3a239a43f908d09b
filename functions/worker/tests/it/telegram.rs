//! A Telegram that has every file, and fails as often as it is told to.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use channels::http::{Answer, Call, HttpError, Reach, Reached, Transport};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// The bytes of every file: the beginning of a picture.
pub(crate) const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n, and so on";

#[derive(Debug, Default)]
pub(crate) struct Telegram {
    /// What the next calls come to in place of a success.
    failures: Mutex<VecDeque<Result<Answer, HttpError>>>,
    calls: Mutex<Vec<String>>,
}

impl Telegram {
    /// The next call is refused.
    pub(crate) fn refuses(&self, code: u16, description: &str) {
        let body = json!({"ok": false, "error_code": code, "description": description});
        self.failures.lock().unwrap().push_back(Ok(answer(code, body.to_string().into())));
    }

    /// The next call passes, and so forth: the one after it fails as is told next.
    pub(crate) fn has_a_file(&self) {
        let body = json!({"ok": true, "result": {"file_id": "f", "file_path": "photos/one.png"}});
        self.failures.lock().unwrap().push_back(Ok(answer(200, body.to_string().into())));
    }

    /// The next call has no whole answer.
    pub(crate) fn breaks(&self, reason: &'static str) {
        let error = HttpError { reached: Reached::Maybe, reason, detail: "broken off".to_owned() };
        self.failures.lock().unwrap().push_back(Err(error));
    }

    /// The methods that were called and the files that were fetched since the last time.
    pub(crate) fn called(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

fn answer(code: u16, body: bytes::Bytes) -> Answer {
    Answer { status: StatusCode::from_u16(code).unwrap(), headers: HeaderMap::new(), body }
}

#[async_trait]
impl Transport for Telegram {
    async fn carry(&self, call: Call, reach: Reach) -> Result<Answer, HttpError> {
        assert_eq!((call.url.host_str(), reach), (Some("api.telegram.org"), Reach::Public));
        let method = call.url.path().rsplit('/').next().unwrap().to_owned();
        let body = match call.body {
            channels::http::Body::Json(body) => body,
            _ => Value::Null,
        };
        self.calls.lock().unwrap().push(match body["callback_query_id"].as_str() {
            Some(callback) => format!("{method} {callback}"),
            None => method.clone(),
        });
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return failure;
        }
        Ok(match method.as_str() {
            "getFile" => {
                let path = format!("photos/{}.png", body["file_id"].as_str().unwrap());
                answer(200, json!({"ok": true, "result": {"file_path": path}}).to_string().into())
            }
            "answerCallbackQuery" => answer(200, json!({"ok": true, "result": true}).to_string().into()),
            _ => answer(200, PICTURE.into()),
        })
    }
}
