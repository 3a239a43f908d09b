//! From a webhook's body to what happened: <https://core.telegram.org/bots/api#update>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use desk::channel::ChannelClass;
use desk::event::Raw;
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::ContactCard;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::platform::UNPARSED;

use super::author::{author, group, person};
use super::content::{self, Reading};
use super::conversation::Conversation;
use super::update::{
    BusinessMessagesDeleted, CallbackQuery, Chat, ChatMemberUpdated, Message, MessageReaction, User,
};
use crate::Connection;

/// Updates that carry nothing for a desk. Most are never sent, because the webhook does not ask for them.
const MEANINGLESS: &[&str] = &[
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "guest_message",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
    "subscription",
];

/// The longest payload that a `t.me` link can carry: <https://core.telegram.org/bots/features#deep-linking>.
const PAYLOAD_LIMIT: usize = 64;

/// The longest address of a conversation, in bytes; Telegram's are a third of that.
const CONVERSATION_LIMIT: usize = 256;

/// The longest reason that is kept: a JSON error repeats the value that it stumbled over.
const REASON_LIMIT: usize = 200;

/// Everything that a body tells: nothing or one thing, as a body is one update.
pub(super) fn parse(connection: &Connection, body: &[u8], received_at: Timestamp) -> Vec<Inbound> {
    let mut delivery = Delivery { connection, body, received_at, key: String::new() };
    let update = match serde_json::from_slice::<Map<String, Value>>(body) {
        Ok(update) => update,
        Err(error) => return vec![delivery.unparsed(None, &error)],
    };
    let Some(id) = update.get("update_id").and_then(Value::as_i64) else {
        return vec![delivery.unparsed(chat_within(&update), &"an update without update_id")];
    };
    delivery.key = format!("update:{id}");

    let mut strange = None;
    for (kind, value) in update.iter().filter(|(name, _)| *name != "update_id") {
        let read = match kind.as_str() {
            "message" => delivery.message(value, Telling::News),
            "edited_message" => delivery.message(value, Telling::Edit),
            "business_message" => delivery.business_message(value, Telling::News),
            "edited_business_message" => delivery.business_message(value, Telling::Edit),
            "deleted_business_messages" => delivery.deleted(value),
            "message_reaction" => delivery.reaction(value),
            "callback_query" => delivery.button(value),
            "my_chat_member" => delivery.membership(value),
            known if MEANINGLESS.contains(&known) => Ok(None),
            unknown => {
                strange = strange.or(Some(unknown));
                continue;
            }
        };
        return match read {
            Ok(Some(found)) if found.thread.conversation.len() > CONVERSATION_LIMIT => {
                vec![delivery.unparsed(chat_within(&update), &"a conversation whose address is too long")]
            }
            Ok(inbound) => inbound.into_iter().collect(),
            Err(error) => delivery.illegible(value, chat_within(&update), &format_args!("{kind}: {error}")),
        };
    }
    let reason = format!("an update of the unknown kind {}", strange.unwrap_or("(none)"));
    vec![delivery.unparsed(chat_within(&update), &reason)]
}

/// Whether a message is new or a changed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    News,
    Edit,
}

/// One body on its way through the parser.
struct Delivery<'a> {
    connection: &'a Connection,
    body: &'a [u8],
    received_at: Timestamp,
    /// `update:<update_id>`, or empty as long as the body has shown none.
    key: String,
}

type Read = Result<Option<Inbound>, serde_json::Error>;

impl Delivery<'_> {
    /// A message to the bot, or in a group that it listens to.
    fn message(&self, value: &Value, telling: Telling) -> Read {
        let message = Message::deserialize(value)?;
        if !self.hears(&message.chat) || message.is_automatic_forward || self.is_by_machine(&message) {
            return Ok(None);
        }
        if let Some(to) = message.migrate_to_chat_id {
            let happened = Happened::Migrated { to: to.to_string() };
            return Ok(Some(self.inbound(&conversation(&message), message.date, None, happened)));
        }
        Ok(self.said(&message, value, telling))
    }

    /// A message in a chat of a business account that the bot works for.
    fn business_message(&self, value: &Value, telling: Telling) -> Read {
        let message = Message::deserialize(value)?;
        if message.business_connection_id.is_none() {
            return Err(serde::de::Error::missing_field("business_connection_id"));
        }
        if self.is_by_machine(&message) {
            return Ok(None);
        }
        if message.from.as_ref().is_none_or(|user| user.id == message.chat.id) {
            return Ok(self.said(&message, value, telling));
        }
        // The account's owner answered from their own Telegram. It is not a customer's message, so it must neither
        // start a clock nor become the contact of the thread; it is kept and shown, for the agents to know.
        let Some(own) = self.said(&message, value, telling) else {
            return Ok(None);
        };
        let text = message.text.or(message.caption).unwrap_or_else(|| "(no text)".to_owned());
        let verb = if telling == Telling::Edit { "changed an answer" } else { "answered" };
        let reason = format!("The business account {verb} in Telegram itself: {text}");
        Ok(Some(Inbound {
            sender: None,
            happened: Happened::Unparsed { reason },
            raw: Some(self.raw()),
            letter: None,
            ..own
        }))
    }

    /// What a message says, unless it is a service message.
    fn said(&self, message: &Message, value: &Value, telling: Telling) -> Option<Inbound> {
        let empty = Map::new();
        let conversation = conversation(message);
        let at = message.edit_date.filter(|_| telling == Telling::Edit).or(message.date);
        let (content, whole) = match content::read(message, value.as_object().unwrap_or(&empty)) {
            Reading::Said { content, whole } => (*content, whole),
            Reading::Service => return None,
            Reading::Nothing => {
                return Some(self.unparsed(Some(conversation.to_string()), &"a message without content"));
            }
        };
        let id = message.message_id.to_string();
        let phone =
            content.card.as_ref().filter(|_| telling == Telling::News).and_then(ContactCard::own_number);
        let sender = author(message).map(|sender| Sender { phone, ..sender });
        let start =
            if conversation.business.is_none() { content.text.as_deref().and_then(start) } else { None };
        let happened = match (telling, start) {
            (Telling::News, Some(payload)) => {
                Happened::Started { id, text: content.text.unwrap_or_default(), payload }
            }
            (Telling::News, None) => Happened::Message { id, content, album: message.media_group_id.clone() },
            (Telling::Edit, _) => Happened::Edited { id, content },
        };
        let raw = if whole { None } else { Some(self.raw()) };
        Some(Inbound { raw, ..self.inbound(&conversation, at, sender, happened) })
    }

    fn deleted(&self, value: &Value) -> Read {
        let deleted = BusinessMessagesDeleted::deserialize(value)?;
        let business = Some(deleted.business_connection_id);
        let conversation = Conversation { chat: deleted.chat.id, topic: None, business };
        let ids = deleted.message_ids.iter().map(i64::to_string).collect();
        Ok(Some(self.inbound(&conversation, None, None, Happened::Deleted { ids })))
    }

    /// A reaction of a kind that has no emoji stands as its kind's name, such as `custom_emoji`. Nothing tells in which
    /// topic of a chat the message stands.
    fn reaction(&self, value: &Value) -> Read {
        let reaction = MessageReaction::deserialize(value)?;
        if !self.hears(&reaction.chat) || reaction.user.as_ref().is_some_and(|user| self.is_machine(user)) {
            return Ok(None);
        }
        let whole = reaction.new_reaction.iter().all(|kind| kind.emoji.is_some());
        let emoji = reaction.new_reaction.into_iter().map(|kind| kind.emoji.unwrap_or(kind.kind)).collect();
        let sender = reaction.user.as_ref().map(person).or_else(|| reaction.actor_chat.as_ref().map(group));
        let conversation = Conversation { chat: reaction.chat.id, topic: None, business: None };
        let happened = Happened::Reaction { id: reaction.message_id.to_string(), emoji };
        let raw = if whole { None } else { Some(self.raw()) };
        let numbered_in = reaction.chat.is_forum.then(|| conversation.to_string());
        let told = self.inbound(&conversation, reaction.date, sender, happened);
        Ok(Some(Inbound { raw, numbered_in, ..told }))
    }

    /// A pressed button. Its date is that of our message, so the moment is the arrival's. Without a message it came
    /// from an inline one, and the person's own chat with the bot is the place to answer.
    fn button(&self, value: &Value) -> Read {
        let query = CallbackQuery::deserialize(value)?;
        if query.message.as_ref().is_some_and(|message| !self.hears(&message.chat)) {
            return Ok(None);
        }
        let conversation = match &query.message {
            Some(message) => conversation(message),
            None => Conversation { chat: query.from.id, topic: None, business: None },
        };
        let happened = Happened::Button {
            callback: query.id,
            id: query.message.map(|message| message.message_id.to_string()),
            data: query.data.or(query.game_short_name).unwrap_or_default(),
        };
        Ok(Some(self.inbound(&conversation, None, Some(person(&query.from)), happened)))
    }

    /// The bot was blocked or unblocked. What becomes of it in groups is no customer's doing.
    fn membership(&self, value: &Value) -> Read {
        let change = ChatMemberUpdated::deserialize(value)?;
        let reachable = match change.new_chat_member.status.as_str() {
            _ if !change.chat.is_private() => return Ok(None),
            "kicked" => false,
            "member" => true,
            _ => return Ok(None),
        };
        let conversation = Conversation { chat: change.chat.id, topic: None, business: None };
        let happened = Happened::Reachable { reachable };
        Ok(Some(self.inbound(&conversation, change.date, Some(person(&change.from)), happened)))
    }

    /// Whether the desk listens in a chat: always in private ones, in groups when the owner wants it.
    fn hears(&self, chat: &Chat) -> bool {
        !chat.is_channel() && (chat.is_private() || self.connection.flag("groups"))
    }

    /// Whether a bot wrote the message, ourselves included. Anonymous admins and channels write through bots of
    /// Telegram's own, and are no machines.
    fn is_by_machine(&self, message: &Message) -> bool {
        let by_bot =
            message.sender_chat.is_none() && message.from.as_ref().is_some_and(|user| self.is_machine(user));
        by_bot || message.sender_business_bot.is_some()
    }

    fn is_machine(&self, user: &User) -> bool {
        user.is_bot || self.connection.text("bot_id").is_some_and(|own| own == user.id.to_string())
    }

    /// `at` is in seconds since 1970; without it the arrival counts.
    fn inbound(
        &self,
        conversation: &Conversation,
        at: Option<i64>,
        sender: Option<Sender>,
        happened: Happened,
    ) -> Inbound {
        let at = at.filter(|second| *second > 0).and_then(|second| Timestamp::from_second(second).ok());
        Inbound {
            numbered_in: conversation.numbered_in(),
            thread: self.connection.thread(conversation.to_string()),
            class: ChannelClass::Messenger,
            key: self.key.clone(),
            at: at.unwrap_or(self.received_at),
            sender,
            happened,
            raw: None,
            letter: None,
        }
    }

    /// An update of a known kind that lacks what it must have. Its author is named as far as it tells, so that
    /// somebody waits for an answer; what comes from where the desk does not listen is still not heard.
    fn illegible(
        &self,
        value: &Value,
        conversation: Option<String>,
        reason: &dyn std::fmt::Display,
    ) -> Vec<Inbound> {
        let chat = value.get("chat").and_then(|chat| Chat::deserialize(chat).ok());
        if chat.is_some_and(|chat| !self.hears(&chat)) {
            return Vec::new();
        }
        let author = value.get("from").and_then(|user| User::deserialize(user).ok());
        let sender = author.filter(|user| !self.is_machine(user)).as_ref().map(person);
        vec![Inbound { sender, ..self.unparsed(conversation, reason) }]
    }

    /// The original in the conversation that it seems to belong to, else in `unparsed`. Without an update id, the
    /// hash of the body tells a repetition.
    fn unparsed(&self, conversation: Option<String>, reason: &dyn std::fmt::Display) -> Inbound {
        let key =
            if self.key.is_empty() { format!("body:{}", fingerprint(self.body)) } else { self.key.clone() };
        let reason = reason.to_string().chars().take(REASON_LIMIT).collect();
        let conversation = conversation.unwrap_or_else(|| UNPARSED.to_owned());
        Inbound {
            numbered_in: conversation.parse::<Conversation>().ok().and_then(|known| known.numbered_in()),
            thread: self.connection.thread(conversation),
            class: ChannelClass::Messenger,
            key,
            at: self.received_at,
            sender: None,
            happened: Happened::Unparsed { reason },
            raw: Some(self.raw()),
            letter: None,
        }
    }

    fn raw(&self) -> Raw {
        match std::str::from_utf8(self.body) {
            Ok(text) => Raw::Text(text.to_owned()),
            Err(_) => Raw::Base64(BASE64.encode(self.body)),
        }
    }
}

/// The conversation of a message. Replies in groups without topics form "threads", too, which are none.
fn conversation(message: &Message) -> Conversation {
    Conversation {
        chat: message.chat.id,
        topic: message.message_thread_id.filter(|_| message.is_topic_message),
        business: message.business_connection_id.clone(),
    }
}

/// Whether a text is the `/start` command, perhaps addressed to the bot, and the payload of the link that led to
/// it. With anything else behind the command it is a message, and nothing of it may be lost.
fn start(text: &str) -> Option<Option<String>> {
    let mut words = text.split_whitespace();
    let command = words.next()?;
    if command != "/start" && !command.starts_with("/start@") {
        return None;
    }
    match (words.next(), words.next()) {
        (None, _) => Some(None),
        (Some(payload), None) if is_payload(payload) => Some(Some(payload.to_owned())),
        _ => None,
    }
}

fn is_payload(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    letters && text.len() <= PAYLOAD_LIMIT
}

/// The first chat that is named anywhere in an update.
fn chat_within(fields: &Map<String, Value>) -> Option<String> {
    let own = fields.get("chat").and_then(|chat| chat.get("id")).and_then(Value::as_i64);
    own.map(|id| id.to_string()).or_else(|| {
        fields.values().find_map(|value| match value {
            Value::Object(fields) => chat_within(fields),
            Value::Array(values) => values.iter().filter_map(Value::as_object).find_map(chat_within),
            _ => None,
        })
    })
}

fn fingerprint(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}
