//! What the platform knows: bots, chats, messages, files.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::fault::Faults;
use super::parameters::Upload;

/// Ids are unique in the process, because one desk may see the customers of several tests.
static NEXT: AtomicI64 = AtomicI64::new(1);

/// A number that nobody else in this process has.
pub(crate) fn unique() -> i64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Everything of one bot.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) token: String,
    pub(crate) chats: HashMap<i64, Chat>,
    /// By `file_id`.
    pub(crate) files: HashMap<String, StoredFile>,
    /// Presses of buttons, by id, with whether they were answered.
    pub(crate) callbacks: HashMap<String, bool>,
    pub(crate) webhook: Option<Webhook>,
    /// Updates that nobody has taken yet.
    pub(crate) pending: VecDeque<Value>,
    pub(crate) allowed: Option<Vec<String>>,
    /// Counts the polls: a new one ends the one before.
    pub(crate) poll: u64,
    pub(crate) next_update: i64,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Call>,
}

/// Where updates are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What the header shall carry.
    pub secret_token: Option<String>,
    /// How many requests may be open at once.
    pub max_connections: i64,
}

/// One request that the bot made.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The chat, if the method has one.
    pub chat: Option<i64>,
    /// The parameters that were no files.
    pub values: serde_json::Map<String, Value>,
    /// The files.
    pub uploads: BTreeMap<String, Upload>,
    /// The status of the answer; 0 when there was none.
    pub status: u16,
}

/// A file that the platform keeps.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) path: String,
    pub(crate) bytes: Bytes,
}

/// A conversation.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) blocked: bool,
    pub(crate) migrated_to: Option<i64>,
    pub(crate) messages: Vec<Message>,
    next_message: i64,
}

/// A message as it stands in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Rises within the chat.
    pub id: i64,
    /// Whether the bot wrote it.
    pub from_bot: bool,
    /// The text, or the caption.
    pub text: Option<String>,
    /// The file.
    pub file: Option<Upload>,
    /// The method's word for what was sent, such as `photo`; `text` for plain messages.
    pub kind: String,
    /// The message that it answers.
    pub reply_to: Option<i64>,
}

impl Account {
    pub(crate) fn new() -> Self {
        let id = 1_000_000 + unique();
        Self {
            id,
            token: fresh_token(id),
            chats: HashMap::new(),
            files: HashMap::new(),
            callbacks: HashMap::new(),
            webhook: None,
            pending: VecDeque::new(),
            allowed: None,
            poll: 0,
            next_update: 100_000 + id,
            faults: Faults::default(),
            calls: Vec::new(),
        }
    }

    pub(crate) fn me(&self) -> Value {
        json!({
            "id": self.id,
            "is_bot": true,
            "first_name": "Shop",
            "username": format!("shop_{}_bot", self.id),
            "can_join_groups": true,
            "can_read_all_group_messages": false,
            "supports_inline_queries": false,
        })
    }

    /// Opens a chat: negative ids for groups, as the platform has it.
    pub(crate) fn open_chat(&mut self, kind: &'static str, name: &str) -> i64 {
        let id = match kind {
            "private" => 7_000_000_000 + unique(),
            "group" => -4_000_000 - unique(),
            _ => -1_001_000_000_000 - unique(),
        };
        let chat = Chat {
            id,
            kind,
            name: name.to_owned(),
            blocked: false,
            migrated_to: None,
            messages: Vec::new(),
            next_message: 1,
        };
        self.chats.insert(id, chat);
        id
    }

    /// The chat, unless the bot cannot write to it.
    pub(crate) fn writable(&mut self, id: i64) -> Result<&mut Chat, Refusal> {
        let chat = self.chats.get_mut(&id).ok_or_else(|| Refusal::bad("chat not found"))?;
        if let Some(to) = chat.migrated_to {
            return Err(Refusal::migrated(to));
        }
        if chat.blocked {
            return Err(Refusal::new(403, "Forbidden: bot was blocked by the user"));
        }
        Ok(chat)
    }

    /// Keeps bytes and returns their `file_id`.
    pub(crate) fn store(&mut self, folder: &str, extension: &str, bytes: Bytes) -> String {
        let number = unique();
        let path = format!("{folder}/file_{number}.{extension}");
        let id = format!("AgACAgIAAxk{number:012}");
        self.files.insert(id.clone(), StoredFile { path, bytes });
        id
    }

    pub(crate) fn update_id(&mut self) -> i64 {
        self.next_update += 1;
        self.next_update
    }

    /// Whether the bot asked for this kind of update. Three kinds come only to those who name them.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        match &self.allowed {
            Some(kinds) if !kinds.is_empty() => kinds.iter().any(|known| known == kind),
            _ => !matches!(kind, "chat_member" | "message_reaction" | "message_reaction_count"),
        }
    }
}

impl Chat {
    /// Adds a message and returns its id.
    pub(crate) fn add(&mut self, message: impl FnOnce(i64) -> Message) -> i64 {
        let id = self.next_message;
        self.next_message += 1;
        self.messages.push(message(id));
        id
    }

    pub(crate) fn as_json(&self) -> Value {
        match self.kind {
            "private" => json!({"id": self.id, "type": "private", "first_name": self.name}),
            kind => json!({"id": self.id, "type": kind, "title": self.name}),
        }
    }
}

/// A token in the platform's form.
pub(crate) fn fresh_token(bot: i64) -> String {
    format!("{bot}:AAFake-canary_{:021}", unique())
}
