//! A Bot API: <https://core.telegram.org/bots/api>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use channels::http::{Answer, Body, Call};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// A message that was accepted from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The chat.
    pub chat: i64,
    /// The id that it got, unique in the chat.
    pub message: i64,
    /// The text.
    pub text: String,
}

/// The Bot API with one bot.
#[derive(Debug)]
pub struct BotApi {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    token: String,
    blocked: BTreeSet<i64>,
    accepted: Vec<Accepted>,
    /// The latest id of a message in each chat, the customer's included.
    messages: BTreeMap<i64, i64>,
    updates: i64,
}

impl BotApi {
    /// A bot with this token.
    pub fn new(token: &str) -> Self {
        Self {
            state: Mutex::new(State {
                token: token.to_owned(),
                blocked: BTreeSet::new(),
                accepted: Vec::new(),
                messages: BTreeMap::new(),
                updates: 1000,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on only this token is good.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// A customer blocks the bot, or no longer does.
    pub fn set_blocked(&self, chat: i64, blocked: bool) {
        let mut state = self.state();
        if blocked {
            state.blocked.insert(chat);
        } else {
            state.blocked.remove(&chat);
        }
    }

    /// All messages that were accepted from the desk, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.state().accepted.clone()
    }

    /// The update for a text that a customer writes in their own chat, and the id of the message.
    pub fn written(&self, chat: i64, text: &str, second: i64) -> (i64, Value) {
        let mut state = self.state();
        let message = state.next_message(chat);
        let update = state.next_update();
        (message, json!({"update_id": update, "message": message_of(chat, message, text, second)}))
    }

    /// The update for a text that a customer changes.
    pub fn edited(&self, chat: i64, message: i64, text: &str, second: i64) -> Value {
        let update = self.state().next_update();
        let mut edited = message_of(chat, message, text, second);
        edited.as_object_mut().map(|edited| edited.insert("edit_date".to_owned(), second.into()));
        json!({"update_id": update, "edited_message": edited})
    }

    /// What the Bot API answers to a request.
    pub fn answer(&self, call: &Call) -> Answer {
        let segments: Vec<&str> = call.url.path_segments().map(Iterator::collect).unwrap_or_default();
        let [bot, method] = segments.as_slice() else { return Self::refusal(404, "Not Found", None) };
        let mut state = self.state();
        if bot.strip_prefix("bot") != Some(state.token.as_str()) {
            return Self::refusal(401, "Unauthorized", None);
        }
        match *method {
            "getMe" => {
                success(&json!({"id": 42, "is_bot": true, "first_name": "Shop", "username": "shop_bot"}))
            }
            "sendMessage" => {
                let Body::Json(message) = &call.body else { return Self::refusal(400, "Bad Request", None) };
                let chat = message.get("chat_id").and_then(Value::as_i64).unwrap_or_default();
                if state.blocked.contains(&chat) {
                    return Self::refusal(403, "Forbidden: bot was blocked by the user", None);
                }
                let text = message.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
                let id = state.next_message(chat);
                state.accepted.push(Accepted { chat, message: id, text });
                success(&json!({"message_id": id}))
            }
            _ => success(&Value::Bool(true)),
        }
    }

    /// An answer that refuses: <https://core.telegram.org/bots/api#responseparameters>.
    pub fn refusal(code: u16, description: &str, retry_after: Option<u64>) -> Answer {
        let mut body = json!({"ok": false, "error_code": code, "description": description});
        if let (Some(seconds), Some(body)) = (retry_after, body.as_object_mut()) {
            body.insert("parameters".to_owned(), json!({"retry_after": seconds}));
        }
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer { status, headers: HeaderMap::new(), body: body.to_string().into() }
    }
}

impl State {
    fn next_message(&mut self, chat: i64) -> i64 {
        let latest = self.messages.entry(chat).or_insert(0);
        *latest += 1;
        *latest
    }

    fn next_update(&mut self) -> i64 {
        self.updates += 1;
        self.updates
    }
}

fn success(result: &Value) -> Answer {
    let body = json!({"ok": true, "result": result}).to_string();
    Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into() }
}

fn message_of(chat: i64, message: i64, text: &str, second: i64) -> Value {
    let name = format!("Customer {chat}");
    json!({
        "message_id": message,
        "from": {"id": chat, "is_bot": false, "first_name": name, "language_code": "en"},
        "chat": {"id": chat, "type": "private", "first_name": name},
        "date": second,
        "text": text,
    })
}
