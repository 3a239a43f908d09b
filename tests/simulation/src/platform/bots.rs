//! A Bot API: <https://core.telegram.org/bots/api>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use channels::http::Answer;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use super::contents;
use super::posted::Posted;

/// A message that was accepted from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The chat.
    pub chat: i64,
    /// The id that it got, unique in the chat.
    pub message: i64,
    /// The text.
    pub text: String,
    /// The file, by its name and what it holds.
    pub file: Option<(String, Bytes)>,
}

/// The Bot API with one bot.
#[derive(Debug)]
pub struct BotApi {
    state: Mutex<State>,
    asked: Notify,
}

#[derive(Debug)]
struct State {
    token: String,
    blocked: BTreeSet<i64>,
    accepted: Vec<Accepted>,
    /// What was refused because its customer had blocked the bot, by chat and text.
    refused: Vec<(i64, String)>,
    /// The latest id of a message in each chat, the customer's included.
    messages: BTreeMap<i64, i64>,
    updates: i64,
    /// Groups that got another id, by their first one.
    moved: BTreeMap<i64, i64>,
}

impl BotApi {
    /// A bot with this token.
    pub fn new(token: &str) -> Self {
        Self {
            asked: Notify::new(),
            state: Mutex::new(State {
                token: token.to_owned(),
                blocked: BTreeSet::new(),
                accepted: Vec::new(),
                refused: Vec::new(),
                messages: BTreeMap::new(),
                updates: 1000,
                moved: BTreeMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits that a request is on its way.
    pub fn is_asked(&self) {
        self.asked.notify_waiters();
    }

    /// Waits for the next request that is on its way.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// From now on only this token is good.
    pub fn set_token(&self, token: &str) {
        let mut state = self.state();
        token.clone_into(&mut state.token);
    }

    /// A customer blocks the bot, or no longer does.
    pub(super) fn set_blocked(&self, chat: i64, blocked: bool) {
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

    /// What was refused because its customer had blocked the bot, by chat and text.
    pub fn refused(&self) -> Vec<(i64, String)> {
        self.state().refused.clone()
    }

    /// The id that a chat has by now.
    pub(super) fn present(&self, chat: i64) -> i64 {
        self.state().present(chat)
    }

    /// The id that a chat had at first.
    pub fn original(&self, chat: i64) -> i64 {
        let state = self.state();
        state.moved.iter().find_map(|(old, new)| (*new == chat).then_some(*old)).unwrap_or(chat)
    }

    /// Whether a chat has got another id.
    pub fn has_moved(&self, chat: i64) -> bool {
        self.present(chat) != chat
    }

    /// Gives a chat another id, which is returned.
    pub(super) fn move_chat(&self, chat: i64) -> i64 {
        let new = -1_000_000_000_000 + chat;
        self.state().moved.insert(chat, new);
        new
    }

    /// The present id of a chat, and the next ids of a message in it and of an update.
    pub(super) fn next(&self, chat: i64) -> (i64, i64, i64) {
        let mut state = self.state();
        let chat = state.present(chat);
        (chat, state.next_message(chat), state.next_update())
    }

    /// The next id of a message in the chat that has this id, whether it was moved or not.
    pub(super) fn next_in(&self, chat: i64) -> i64 {
        self.state().next_message(chat)
    }

    /// The next id of an update.
    pub(super) fn next_update(&self) -> i64 {
        self.state().next_update()
    }

    /// What the Bot API answers to a request for this URL.
    pub fn answer(&self, url: &Url, posted: &Posted) -> Answer {
        let segments: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
        let mut state = self.state();
        let (bot, method) = match segments.as_slice() {
            ["file", bot, "documents", name] => (bot, Method::Download(name)),
            [bot, method] => (bot, Method::Call(method)),
            _ => return Self::refusal(404, "Not Found", None),
        };
        if bot.strip_prefix("bot") != Some(state.token.as_str()) {
            return Self::refusal(401, "Unauthorized", None);
        }
        match method {
            Method::Download(name) => {
                let name = percent_decode_str(name).decode_utf8_lossy();
                Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: contents(&name) }
            }
            Method::Call("getMe") => {
                success(&json!({"id": 42, "is_bot": true, "first_name": "Shop", "username": "shop_bot"}))
            }
            Method::Call("getFile") => {
                let name = posted.text("file_id").unwrap_or_default();
                let (path, size) = (format!("documents/{name}"), contents(name).len());
                success(&json!({"file_id": name, "file_path": path, "file_size": size}))
            }
            Method::Call("sendMessage" | "sendDocument") => state.accept(posted),
            Method::Call(_) => success(&Value::Bool(true)),
        }
    }

    /// An answer that refuses: <https://core.telegram.org/bots/api#responseparameters>.
    pub fn refusal(code: u16, description: &str, retry_after: Option<u64>) -> Answer {
        let parameters = retry_after.map_or(json!({}), |seconds| json!({"retry_after": seconds}));
        refused(code, description, parameters)
    }
}

/// A request to the Bot API.
enum Method<'a> {
    /// Of a method.
    Call(&'a str),
    /// For a file.
    Download(&'a str),
}

impl State {
    fn present(&self, chat: i64) -> i64 {
        self.moved.get(&chat).copied().unwrap_or(chat)
    }

    fn accept(&mut self, posted: &Posted) -> Answer {
        let chat = posted.number("chat_id").unwrap_or_default();
        let text = posted.text("text").or_else(|| posted.text("caption")).unwrap_or_default().to_owned();
        if self.blocked.contains(&chat) {
            self.refused.push((chat, text));
            return BotApi::refusal(403, "Forbidden: bot was blocked by the user", None);
        }
        if let Some(new) = self.moved.get(&chat) {
            let said = "Bad Request: group chat was upgraded to a supergroup chat";
            return refused(400, said, json!({"migrate_to_chat_id": new}));
        }
        let message = self.next_message(chat);
        self.accepted.push(Accepted { chat, message, text, file: posted.file.clone() });
        success(&json!({"message_id": message}))
    }

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

fn refused(code: u16, description: &str, parameters: Value) -> Answer {
    let body = json!({"ok": false, "error_code": code, "description": description, "parameters": parameters});
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Answer { status, headers: HeaderMap::new(), body: body.to_string().into() }
}
