//! What customers do in their chats, as the Bot API tells it: <https://core.telegram.org/bots/api#update>.

use serde_json::{Value, json};

use super::bots::BotApi;
use super::contents;

/// A message that a customer wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its id, unique in the chat.
    pub message: i64,
    /// The update that tells of it.
    pub update: Value,
}

impl BotApi {
    /// The update for what a customer writes in a chat, with a file or without.
    pub fn written(&self, chat: i64, text: &str, file: Option<&str>, second: i64) -> Written {
        let (chat, message, update) = self.next(chat);
        let mut told = message_of(chat, message, second);
        match (told.as_object_mut(), file) {
            (Some(told), Some(name)) => {
                let size = contents(name).len();
                let document =
                    json!({"file_id": name, "file_unique_id": name, "file_name": name, "file_size": size});
                told.insert("document".to_owned(), document);
                told.insert("caption".to_owned(), text.into());
            }
            (Some(told), None) => {
                told.insert("text".to_owned(), text.into());
            }
            (None, _) => {}
        }
        Written { message, update: json!({"update_id": update, "message": told}) }
    }

    /// The update for a text that a customer changes.
    pub fn edited(&self, chat: i64, message: i64, text: &str, second: i64) -> Value {
        let (chat, update) = (self.present(chat), self.next_update());
        let mut edited = message_of(chat, message, second);
        if let Some(edited) = edited.as_object_mut() {
            edited.insert("edit_date".to_owned(), second.into());
            edited.insert("text".to_owned(), text.into());
        }
        json!({"update_id": update, "edited_message": edited})
    }

    /// The update for a button that a customer presses under the latest message of the desk in a chat, if there is one.
    pub fn pressed(&self, chat: i64, data: &str, second: i64) -> Option<Value> {
        let (chat, message) = (self.present(chat), self.latest(chat)?);
        let update = self.next_update();
        let query = json!({
            "id": format!("press-{update}"),
            "from": person(chat),
            "message": message_of(chat, message, second),
            "chat_instance": "1",
            "data": data,
        });
        Some(json!({"update_id": update, "callback_query": query}))
    }

    /// The latest message of the desk in a chat, if there is one.
    pub fn latest(&self, chat: i64) -> Option<i64> {
        let chat = self.present(chat);
        self.accepted().into_iter().rfind(|one| one.chat == chat).map(|one| one.message)
    }

    /// The update for a reaction of a customer to a message.
    pub fn reacted(&self, chat: i64, message: i64, emoji: &str, second: i64) -> Value {
        let (chat, update) = (self.present(chat), self.next_update());
        let reaction = json!({
            "chat": about(chat),
            "message_id": message,
            "user": person(chat),
            "date": second,
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}],
        });
        json!({"update_id": update, "message_reaction": reaction})
    }

    /// A customer blocks the bot, or no longer does. The update that tells so.
    pub fn blocked(&self, chat: i64, blocked: bool, second: i64) -> Value {
        self.set_blocked(chat, blocked);
        let (update, bot) = (self.next_update(), json!({"id": 42, "is_bot": true, "first_name": "Shop"}));
        let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
        let change = json!({
            "chat": about(chat),
            "from": person(chat),
            "date": second,
            "old_chat_member": {"user": bot, "status": old},
            "new_chat_member": {"user": bot, "status": new},
        });
        json!({"update_id": update, "my_chat_member": change})
    }

    /// A group becomes a supergroup, which has another id and numbers its messages anew. The update that tells so.
    pub fn moved(&self, chat: i64, second: i64) -> Value {
        let old = self.present(chat);
        let new = self.move_chat(chat);
        let (message, update) = (self.next_in(old), self.next_update());
        let mut told = message_of(old, message, second);
        if let Some(told) = told.as_object_mut() {
            told.insert("migrate_to_chat_id".to_owned(), new.into());
        }
        json!({"update_id": update, "message": told})
    }
}

fn message_of(chat: i64, message: i64, second: i64) -> Value {
    json!({"message_id": message, "from": person(chat), "chat": about(chat), "date": second})
}

fn about(chat: i64) -> Value {
    if chat < 0 {
        json!({"id": chat, "type": "group", "title": "A family"})
    } else {
        json!({"id": chat, "type": "private", "first_name": format!("Customer {chat}")})
    }
}

/// Who writes in a chat: always the same person.
fn person(chat: i64) -> Value {
    let id = if chat < 0 { 9000 } else { chat };
    json!({"id": id, "is_bot": false, "first_name": format!("Customer {id}"), "language_code": "en"})
}
