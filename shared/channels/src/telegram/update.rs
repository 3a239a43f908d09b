//! The parts of Telegram's objects that a desk reads: <https://core.telegram.org/bots/api#available-types>.
//!
//! Nearly every field is optional, also where the documentation promises it: a message that lacks one is still a
//! message. Fields that are not listed here are ignored.

use serde::Deserialize;

/// <https://core.telegram.org/bots/api#user>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) language_code: Option<String>,
}

/// <https://core.telegram.org/bots/api#chat>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) title: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) username: Option<String>,
    /// Whether it has topics.
    #[serde(default)]
    pub(super) is_forum: bool,
}

impl Chat {
    /// Whether it is a talk between two. Ids of users are positive, those of groups and channels negative, which
    /// decides where the type is absent or new.
    pub(super) fn is_private(&self) -> bool {
        match self.kind.as_deref() {
            Some("private") => true,
            Some("group" | "supergroup" | "channel") => false,
            _ => self.id > 0,
        }
    }

    /// Whether it is a channel, where a desk neither reads nor answers.
    pub(super) fn is_channel(&self) -> bool {
        self.kind.as_deref() == Some("channel")
    }

    /// The title of a group, or the name of a person.
    pub(super) fn name(&self) -> Option<String> {
        self.title.clone().or_else(|| full_name(self.first_name.as_deref(), self.last_name.as_deref()))
    }
}

/// First and last name as one, unless both are blank.
pub(super) fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let parts: Vec<&str> =
        [first, last].into_iter().flatten().map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { None } else { Some(parts.join(" ")) }
}

/// <https://core.telegram.org/bots/api#message>; also
/// [`InaccessibleMessage`](https://core.telegram.org/bots/api#inaccessiblemessage), which has a chat and an id alone.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) message_id: i64,
    pub(super) chat: Chat,
    pub(super) from: Option<User>,
    pub(super) sender_chat: Option<Chat>,
    pub(super) sender_business_bot: Option<User>,
    pub(super) business_connection_id: Option<String>,
    pub(super) message_thread_id: Option<i64>,
    #[serde(default)]
    pub(super) is_topic_message: bool,
    #[serde(default)]
    pub(super) is_automatic_forward: bool,
    pub(super) date: Option<i64>,
    pub(super) edit_date: Option<i64>,
    pub(super) media_group_id: Option<String>,
    pub(super) migrate_to_chat_id: Option<i64>,

    pub(super) text: Option<String>,
    pub(super) caption: Option<String>,
    pub(super) photo: Option<Vec<PhotoSize>>,
    pub(super) video: Option<Media>,
    pub(super) animation: Option<Media>,
    pub(super) video_note: Option<Media>,
    pub(super) voice: Option<Media>,
    pub(super) audio: Option<Media>,
    pub(super) document: Option<Media>,
    pub(super) sticker: Option<Sticker>,
    pub(super) location: Option<Point>,
    pub(super) venue: Option<Venue>,
    pub(super) contact: Option<Card>,

    pub(super) reply_to_message: Option<Box<Replied>>,
    pub(super) external_reply: Option<ExternalReply>,
    pub(super) quote: Option<TextQuote>,
    pub(super) reply_to_story: Option<Story>,
    pub(super) forward_origin: Option<Origin>,
}

/// One resolution of a picture: <https://core.telegram.org/bots/api#photosize>.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PhotoSize {
    pub(super) file_id: String,
    #[serde(default)]
    pub(super) width: u64,
    #[serde(default)]
    pub(super) height: u64,
    pub(super) file_size: Option<u64>,
}

/// What all recordings and documents have in common, such as <https://core.telegram.org/bots/api#document>.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Media {
    pub(super) file_id: String,
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) mime_type: Option<String>,
    pub(super) file_size: Option<u64>,
    pub(super) duration: Option<u32>,
}

/// <https://core.telegram.org/bots/api#sticker>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Sticker {
    pub(super) file_id: String,
    pub(super) emoji: Option<String>,
    #[serde(default)]
    pub(super) is_animated: bool,
    #[serde(default)]
    pub(super) is_video: bool,
    pub(super) file_size: Option<u64>,
}

/// <https://core.telegram.org/bots/api#location>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Point {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

/// <https://core.telegram.org/bots/api#venue>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Venue {
    pub(super) location: Point,
    pub(super) title: Option<String>,
    pub(super) address: Option<String>,
}

/// <https://core.telegram.org/bots/api#contact>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Card {
    pub(super) phone_number: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) user_id: Option<i64>,
}

/// The message that another one answers, one level deep.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Replied {
    pub(super) message_id: i64,
    pub(super) text: Option<String>,
    pub(super) caption: Option<String>,
    pub(super) forum_topic_created: Option<serde::de::IgnoredAny>,
}

/// A reply to a message of another chat: <https://core.telegram.org/bots/api#externalreplyinfo>.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ExternalReply {
    pub(super) chat: Option<Chat>,
    pub(super) message_id: Option<i64>,
}

/// <https://core.telegram.org/bots/api#textquote>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TextQuote {
    pub(super) text: String,
}

/// <https://core.telegram.org/bots/api#story>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Story {
    pub(super) id: i64,
}

/// Who wrote a forwarded message first: <https://core.telegram.org/bots/api#messageorigin>.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Origin {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sender_user: Option<User>,
    pub(super) sender_user_name: Option<String>,
    pub(super) sender_chat: Option<Chat>,
    pub(super) chat: Option<Chat>,
}

/// <https://core.telegram.org/bots/api#callbackquery>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallbackQuery {
    pub(super) id: String,
    pub(super) from: User,
    pub(super) message: Option<Box<Message>>,
    pub(super) data: Option<String>,
    pub(super) game_short_name: Option<String>,
}

/// <https://core.telegram.org/bots/api#messagereactionupdated>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct MessageReaction {
    pub(super) chat: Chat,
    pub(super) message_id: i64,
    pub(super) user: Option<User>,
    pub(super) actor_chat: Option<Chat>,
    pub(super) date: Option<i64>,
    pub(super) new_reaction: Vec<ReactionType>,
}

/// <https://core.telegram.org/bots/api#reactiontype>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReactionType {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) emoji: Option<String>,
}

/// <https://core.telegram.org/bots/api#chatmemberupdated>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ChatMemberUpdated {
    pub(super) chat: Chat,
    pub(super) from: User,
    pub(super) date: Option<i64>,
    pub(super) new_chat_member: ChatMember,
}

/// <https://core.telegram.org/bots/api#chatmember>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ChatMember {
    pub(super) status: String,
}

/// <https://core.telegram.org/bots/api#businessmessagesdeleted>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BusinessMessagesDeleted {
    pub(super) business_connection_id: String,
    pub(super) chat: Chat,
    pub(super) message_ids: Vec<i64>,
}
