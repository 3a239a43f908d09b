//! Who did something in Telegram.

use desk::inbound::Sender;

use super::update::{Chat, Message, User, full_name};

/// The kind of address that a Telegram id is.
const KIND: &str = "telegram";

/// Who wrote a message. A group or channel that writes under its own name comes before the bot that stands in for
/// it; in a private chat the chat itself names the person.
pub(super) fn author(message: &Message) -> Option<Sender> {
    let chat = message.sender_chat.as_ref().map(group);
    chat.or_else(|| message.from.as_ref().map(person))
        .or_else(|| Some(&message.chat).filter(|chat| chat.is_private()).map(group))
}

/// A user.
pub(super) fn person(user: &User) -> Sender {
    Sender {
        kind: KIND.to_owned(),
        address: user.id.to_string(),
        name: full_name(user.first_name.as_deref(), user.last_name.as_deref()),
        username: user.username.clone(),
        language: user.language_code.clone(),
        phone: None,
    }
}

/// A chat as somebody who writes or reacts.
pub(super) fn group(chat: &Chat) -> Sender {
    Sender {
        kind: KIND.to_owned(),
        address: chat.id.to_string(),
        name: chat.name(),
        username: chat.username.clone(),
        language: None,
        phone: None,
    }
}
