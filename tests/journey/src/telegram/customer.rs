//! Customers and what they do. Each act makes the update that the platform would send for it.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::account::{Chat, Message, unique};
use super::{Bot, Delivered};

/// An update, not yet delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its JSON.
    pub body: Value,
    /// The message that it is about.
    pub message: i64,
}

/// Somebody in a chat with a bot.
#[derive(Debug, Clone)]
pub struct Customer {
    bot: Bot,
    user: i64,
    name: String,
    chat: i64,
}

impl Customer {
    pub(super) fn new(bot: &Bot, name: &str, kind: &'static str) -> Self {
        let chat = bot.platform.with(bot.id, |account| account.open_chat(kind, name));
        let user = if kind == "private" { chat } else { 7_000_000_000 + unique() };
        Self { bot: bot.clone(), user, name: name.to_owned(), chat }
    }

    /// The chat's id.
    pub fn chat(&self) -> i64 {
        self.chat
    }

    /// The person's id.
    pub fn user(&self) -> i64 {
        self.user
    }

    /// The same person where the chat is now.
    #[must_use]
    pub fn in_chat(&self, chat: i64) -> Self {
        Self { chat, ..self.clone() }
    }

    /// Writes a text and has it delivered. The message's id.
    pub async fn says(&self, text: &str) -> i64 {
        let update = self.text(text);
        let delivered = self.bot.deliver(&update).await;
        assert_ne!(delivered, Delivered::NotWanted, "the bot did not ask for messages");
        update.message
    }

    /// A text.
    pub fn text(&self, text: &str) -> Update {
        self.message(Some(text), json!({"text": text}))
    }

    /// `/start`, with what the link carried.
    pub fn start(&self, payload: Option<&str>) -> Update {
        let text = payload.map_or_else(|| "/start".to_owned(), |payload| format!("/start {payload}"));
        self.message(
            Some(&text),
            json!({"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": 6}]}),
        )
    }

    /// A text in answer to a message.
    pub fn answer(&self, to: i64, text: &str) -> Update {
        let answered = json!({"message_id": to, "date": crate::now().as_second(), "chat": self.chat_json()});
        self.message(Some(text), json!({"text": text, "reply_to_message": answered}))
    }

    /// A photo, perhaps of an album: in two sizes, of which the second is the whole.
    pub fn photo(&self, bytes: &Bytes, caption: Option<&str>, album: Option<&str>) -> Update {
        let small = self.store("photos", "jpg", Bytes::from_static(b"\xff\xd8\xffsmall"));
        let large = self.store("photos", "jpg", bytes.clone());
        let mut fields = json!({"photo": [
            {"file_id": small, "file_unique_id": format!("u{small}"), "width": 90, "height": 90, "file_size": 8},
            {"file_id": large, "file_unique_id": format!("u{large}"), "width": 800, "height": 600, "file_size": bytes.len()},
        ]});
        if let Some(caption) = caption {
            fields["caption"] = json!(caption);
        }
        if let Some(album) = album {
            fields["media_group_id"] = json!(album);
        }
        self.message(caption, fields)
    }

    /// A document.
    pub fn document(&self, name: &str, content_type: &str, bytes: &Bytes) -> Update {
        let id = self.store("documents", "bin", bytes.clone());
        let document = json!({
            "file_id": id, "file_unique_id": format!("u{id}"), "file_name": name, "mime_type": content_type,
            "file_size": bytes.len(),
        });
        self.message(None, json!({"document": document}))
    }

    /// A place.
    pub fn location(&self, latitude: f64, longitude: f64) -> Update {
        self.message(None, json!({"location": {"latitude": latitude, "longitude": longitude}}))
    }

    /// A contact card; their own when `own`.
    pub fn contact(&self, phone: &str, own: bool) -> Update {
        let user = if own { self.user } else { self.user + 1 };
        self.message(
            None,
            json!({"contact": {"phone_number": phone, "first_name": self.name, "user_id": user}}),
        )
    }

    /// A message with content of any kind.
    pub fn message(&self, text: Option<&str>, fields: Value) -> Update {
        let id = self.in_the_chat(|chat| {
            chat.add(|id| Message {
                id,
                from_bot: false,
                text: text.map(str::to_owned),
                file: None,
                kind: "customer".to_owned(),
                reply_to: None,
            })
        });
        self.about("message", id, &fields)
    }

    /// A change of an earlier text.
    pub fn edit(&self, message: i64, text: &str) -> Update {
        self.about("edited_message", message, &json!({"text": text, "edit_date": crate::now().as_second()}))
    }

    /// A reaction to a message; none takes all back.
    pub fn react(&self, message: i64, emoji: Option<&str>) -> Update {
        let reactions: Vec<_> =
            emoji.into_iter().map(|emoji| json!({"type": "emoji", "emoji": emoji})).collect();
        let reaction = json!({
            "chat": self.chat_json(), "message_id": message, "user": self.person(), "date": crate::now().as_second(),
            "old_reaction": [], "new_reaction": reactions,
        });
        self.update("message_reaction", message, reaction)
    }

    /// A press of a button under a message of the bot. The press's id is in `callback_query.id`.
    pub fn press(&self, message: i64, data: &str) -> Update {
        let id = format!("cb{}", unique());
        self.bot.platform.with(self.bot.id, |account| account.callbacks.insert(id.clone(), false));
        let query = json!({
            "id": id, "from": self.person(), "chat_instance": "1", "data": data,
            "message": {"message_id": message, "date": 0, "chat": self.chat_json()},
        });
        self.update("callback_query", message, query)
    }

    /// Blocks the bot, or lets it write again.
    pub fn block(&self, blocked: bool) -> Update {
        self.in_the_chat(|chat| chat.blocked = blocked);
        let member = |kicked: bool| {
            let bot = self.bot.platform.with(self.bot.id, |account| account.me());
            json!({"user": bot, "status": if kicked { "kicked" } else { "member" }, "until_date": 0})
        };
        let change = json!({
            "chat": self.chat_json(), "from": self.person(), "date": crate::now().as_second(),
            "old_chat_member": member(!blocked), "new_chat_member": member(blocked),
        });
        self.update("my_chat_member", 0, change)
    }

    /// Turns the group into a supergroup: from now on it has another id, which is returned.
    pub fn migrate(&self) -> i64 {
        self.bot.platform.with(self.bot.id, |account| {
            let to = account.open_chat("supergroup", &self.name);
            account.chats.get_mut(&self.chat).expect("the chat is there").migrated_to = Some(to);
            to
        })
    }

    /// An update of any kind, around any content.
    pub fn update(&self, kind: &str, message: i64, content: Value) -> Update {
        let id = self.bot.platform.with(self.bot.id, |account| account.update_id());
        let mut body = Map::new();
        body.insert("update_id".to_owned(), json!(id));
        body.insert(kind.to_owned(), content);
        Update { body: Value::Object(body), message }
    }

    fn about(&self, kind: &str, message: i64, fields: &Value) -> Update {
        let mut content = json!({
            "message_id": message, "from": self.person(), "chat": self.chat_json(), "date": crate::now().as_second(),
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            content[name] = value.clone();
        }
        self.update(kind, message, content)
    }

    fn person(&self) -> Value {
        json!({
            "id": self.user, "is_bot": false, "first_name": self.name, "username": format!("user{}", self.user),
            "language_code": "en",
        })
    }

    fn chat_json(&self) -> Value {
        self.in_the_chat(|chat| chat.as_json())
    }

    fn store(&self, folder: &str, extension: &str, bytes: Bytes) -> String {
        self.bot.platform.with(self.bot.id, |account| account.store(folder, extension, bytes))
    }

    fn in_the_chat<T>(&self, act: impl FnOnce(&mut Chat) -> T) -> T {
        self.bot
            .platform
            .with(self.bot.id, |account| act(account.chats.get_mut(&self.chat).expect("the chat is there")))
    }
}
