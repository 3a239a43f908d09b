//! From a Telegram message to what it says.

use desk::message::{Attachment, AttachmentKind, ContactCard, Location, MessageContent, Quote};
use serde_json::{Map, Value};

use super::fields::{FRAME, SERVICE};
use super::update::{Media, Message, Origin, PhotoSize, Point, Sticker, full_name};

/// The most that the cloud's `getFile` hands out: <https://core.telegram.org/bots/api#getfile>.
const FILE_LIMIT: u64 = 20 * 1024 * 1024;

/// What a message turned out to be.
pub(super) enum Reading {
    /// Somebody said something. `whole` is false where the original holds more than the content.
    Said { content: Box<MessageContent>, whole: bool },
    /// A service message.
    Service,
    /// Neither content nor a service message.
    Nothing,
}

/// Reads a message; `fields` is the same message as it came, with the fields that [`Message`] does not know.
pub(super) fn read(message: &Message, fields: &Map<String, Value>) -> Reading {
    let mut content = MessageContent {
        text: message.text.clone().or_else(|| message.caption.clone()),
        attachments: attachment(message).into_iter().collect(),
        location: place(message),
        card: card(message),
        ..MessageContent::default()
    };
    let understood = message.text.is_some()
        || !content.attachments.is_empty()
        || content.location.is_some()
        || content.card.is_some();
    if !understood {
        let named = |list: &[&str], name: &str| list.contains(&name);
        let strange = fields.keys().find(|name| !named(FRAME, name) && !named(SERVICE, name));
        match strange {
            Some(name) => content.unsupported = Some(name.clone()),
            None if fields.keys().any(|name| named(SERVICE, name)) => return Reading::Service,
            // A caption whose medium is hidden from bots is still something said.
            None if message.caption.is_some() => {}
            None => return Reading::Nothing,
        }
    }
    if content.text.is_none() {
        content.text = message.sticker.as_ref().and_then(|sticker| sticker.emoji.clone());
    }
    content.reply_to = quote(message);
    content.forwarded_from = message.forward_origin.as_ref().map(original_author);
    let whole = content.unsupported.is_none() && message.external_reply.is_none();
    Reading::Said { content: Box::new(content), whole }
}

/// The file of a message; Telegram knows one at most. An animation also fills `document`, for old bots.
fn attachment(message: &Message) -> Option<Attachment> {
    if let Some(sizes) = &message.photo {
        return best(sizes).map(picture);
    }
    let (kind, media, content_type) = if let Some(media) = &message.animation {
        (AttachmentKind::Animation, media, None)
    } else if let Some(media) = &message.video {
        (AttachmentKind::Video, media, None)
    } else if let Some(media) = &message.video_note {
        // Round notes carry no type, and are always MPEG-4.
        (AttachmentKind::Video, media, Some("video/mp4"))
    } else if let Some(media) = &message.voice {
        (AttachmentKind::Voice, media, None)
    } else if let Some(media) = &message.audio {
        (AttachmentKind::Audio, media, None)
    } else if let Some(media) = &message.document {
        (AttachmentKind::File, media, None)
    } else {
        return message.sticker.as_ref().map(sticker);
    };
    Some(recording(kind, media, content_type))
}

/// The largest size that can be fetched, or the smallest if none can.
fn best(sizes: &[PhotoSize]) -> Option<&PhotoSize> {
    let area = |size: &&PhotoSize| size.width.saturating_mul(size.height);
    let fetchable =
        sizes.iter().filter(|size| size.file_size.is_none_or(|bytes| bytes <= FILE_LIMIT)).max_by_key(area);
    fetchable.or_else(|| sizes.iter().min_by_key(area))
}

fn picture(size: &PhotoSize) -> Attachment {
    Attachment {
        id: None,
        kind: AttachmentKind::Image,
        name: None,
        // Telegram converts every photo to JPEG.
        content_type: Some("image/jpeg".to_owned()),
        size: size.file_size,
        duration: None,
        source: Some(size.file_id.clone()),
    }
}

fn recording(kind: AttachmentKind, media: &Media, content_type: Option<&str>) -> Attachment {
    Attachment {
        id: None,
        kind,
        name: media.file_name.clone().or_else(|| media.title.clone()),
        content_type: media.mime_type.clone().or_else(|| content_type.map(str::to_owned)),
        size: media.file_size,
        duration: media.duration,
        source: Some(media.file_id.clone()),
    }
}

fn sticker(sticker: &Sticker) -> Attachment {
    let content_type = match sticker {
        Sticker { is_animated: true, .. } => "application/x-tgsticker",
        Sticker { is_video: true, .. } => "video/webm",
        Sticker { .. } => "image/webp",
    };
    Attachment {
        id: None,
        kind: AttachmentKind::Sticker,
        name: None,
        content_type: Some(content_type.to_owned()),
        size: sticker.file_size,
        duration: None,
        source: Some(sticker.file_id.clone()),
    }
}

/// A venue fills `location` too, and knows more.
fn place(message: &Message) -> Option<Location> {
    let at = |point: &Point, title: Option<String>, address: Option<String>| Location {
        latitude: point.latitude,
        longitude: point.longitude,
        title,
        address,
    };
    match (&message.venue, &message.location) {
        (Some(venue), _) => Some(at(&venue.location, venue.title.clone(), venue.address.clone())),
        (None, Some(point)) => Some(at(point, None, None)),
        (None, None) => None,
    }
}

/// A card is the sender's own only where Telegram itself says so by the user id; anybody can type a number.
fn card(message: &Message) -> Option<ContactCard> {
    let card = message.contact.as_ref()?;
    let sender = message.from.as_ref().map(|user| user.id);
    Some(ContactCard {
        name: full_name(card.first_name.as_deref(), card.last_name.as_deref()).unwrap_or_default(),
        phone: card.phone_number.clone(),
        own: card.user_id.is_some() && card.user_id == sender,
    })
}

/// What the message answers: a message of the same chat, of another one (`<chat>:<message>`), or a story.
fn quote(message: &Message) -> Option<Quote> {
    let quoted = message.quote.as_ref().map(|quote| quote.text.clone());
    if let Some(replied) = &message.reply_to_message {
        // In a topic every message "answers" the service message that opened it.
        if replied.forum_topic_created.is_some() {
            return None;
        }
        let text = quoted.or_else(|| replied.text.clone()).or_else(|| replied.caption.clone());
        return Some(Quote { message: replied.message_id.to_string(), text });
    }
    if let Some(reply) = &message.external_reply {
        let message = match (&reply.chat, reply.message_id) {
            (Some(chat), Some(id)) => format!("{}:{id}", chat.id),
            _ => "external".to_owned(),
        };
        return Some(Quote { message, text: quoted });
    }
    message
        .reply_to_story
        .as_ref()
        .map(|story| Quote { message: format!("story:{}", story.id), text: quoted })
}

/// The name of who wrote a forwarded message first, or the word for what kind of author it was.
fn original_author(origin: &Origin) -> String {
    let user = origin.sender_user.as_ref();
    user.and_then(|user| full_name(user.first_name.as_deref(), user.last_name.as_deref()))
        .or_else(|| origin.sender_user_name.clone())
        .or_else(|| origin.sender_chat.as_ref().or(origin.chat.as_ref()).and_then(|chat| chat.name()))
        .unwrap_or_else(|| origin.kind.clone())
}
