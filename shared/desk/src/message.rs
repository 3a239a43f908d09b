//! What people say to each other, in one form for every platform.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::AttachmentId;

/// The content of one message. Every part is optional; [`MessageContent::is_empty`] tells whether any is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageContent {
    /// Plain text, or the caption of the attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Files, in the order of the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// A place on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// A contact card that the customer shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<ContactCard>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Quote>,
    /// Who wrote the text first, when it was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_from: Option<String>,
    /// The platform's name of the content that could not be shown (`poll`, `paid_media` …); the original is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
}

impl MessageContent {
    /// A message of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Whether nothing at all was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first line in at most `limit` characters, for subjects and lists.
    pub fn summary(&self, limit: usize) -> String {
        let line =
            self.text.as_deref().and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
        let line = match line {
            Some(line) => line.to_owned(),
            None if self.location.is_some() => "Location".to_owned(),
            None if self.card.is_some() => "Contact card".to_owned(),
            None => match self.attachments.first() {
                Some(file) => file.name.clone().unwrap_or_else(|| file.kind.label().to_owned()),
                None => "(no text)".to_owned(),
            },
        };
        if line.chars().count() <= limit {
            return line;
        }
        line.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
    }
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// The id under which the file's own item and the API know it; made when the message becomes an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AttachmentId>,
    /// What the platform says it is.
    pub kind: AttachmentKind,
    /// The name that the sender gave, never trusted as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The declared media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The declared size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Length of a recording, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// What the channel needs to fetch the bytes from its platform. Holds no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Attachment {
    /// The `source` of a text that was too long for its message: a part of the original, whatever the platform.
    const WHOLE_TEXT: &str = "text";

    /// The file that holds a text of `size` bytes whole, where it was too long for its message.
    pub fn whole_text(size: usize) -> Self {
        Self {
            id: None,
            kind: AttachmentKind::File,
            name: Some("message.txt".to_owned()),
            content_type: Some("text/plain".to_owned()),
            size: u64::try_from(size).ok(),
            duration: None,
            source: Some(Self::WHOLE_TEXT.to_owned()),
        }
    }

    /// Whether this is the text of its message, whole.
    pub fn is_whole_text(&self) -> bool {
        self.source.as_deref() == Some(Self::WHOLE_TEXT)
    }
}

/// What kind of file a platform says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A film, a round video note included.
    Video,
    /// A silent looping picture.
    Animation,
    /// Music or another audio file.
    Audio,
    /// A recorded voice message.
    Voice,
    /// A sticker.
    Sticker,
    /// Any other file.
    File,
}

impl AttachmentKind {
    /// The word that a list shows for a file without a name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Video => "Video",
            Self::Animation => "Animation",
            Self::Audio => "Audio",
            Self::Voice => "Voice message",
            Self::Sticker => "Sticker",
            Self::File => "File",
        }
    }
}

/// A place on the map, WGS 84.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// The name of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A contact card that somebody shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContactCard {
    /// The name on the card.
    pub name: String,
    /// The telephone number on the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Whether the platform vouches that this is the sender's own number.
    #[serde(default)]
    pub own: bool,
}

impl ContactCard {
    /// The sender's own number as [E.164](https://www.itu.int/rec/T-REC-E.164) writes it, where the platform vouches for
    /// it and it is an international one, with or without its plus.
    pub fn own_number(&self) -> Option<String> {
        let number = self.phone.as_deref().filter(|_| self.own)?.trim();
        let mut digits = number.strip_prefix('+').unwrap_or(number).to_owned();
        digits.retain(|c| !matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')'));
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        (is_number && (7..=15).contains(&digits.len())).then(|| format!("+{digits}"))
    }
}

/// The message that another one answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// The platform's id of the answered message.
    pub message: String,
    /// The part that was quoted, as far as the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::ContactCard;

    #[test]
    fn a_number_is_written_in_one_way() {
        let number = |phone: &str, own| {
            ContactCard { name: "Ann".to_owned(), phone: Some(phone.to_owned()), own }.own_number()
        };
        for same in ["+46701234567", "46701234567", " +46 70-123 45 67", "+46 (70) 123.45.67"] {
            assert_eq!(number(same, true).as_deref(), Some("+46701234567"), "{same}");
        }
        for none in
            ["", "+", "0701234567", "112", "+4670123456789012", "++46701234567", "+46701234567 ext. 8"]
        {
            assert_eq!(number(none, true), None, "{none}");
        }
        assert_eq!(number("+46701234567", false), None, "somebody else's");
    }
}
