//! The address of a conversation: what of Telegram is needed to answer where the question was asked.

use std::fmt;
use std::str::FromStr;

/// A chat, perhaps a topic in it, or a chat of a business account that the bot works for.
///
/// As text, which is the conversation of a [`ThreadKey`](desk::channel::ThreadKey): `<chat>`, `<chat>:<topic>` or
/// `business:<connection>:<chat>`. A business chat is another conversation than the bot's own chat with the same
/// person, although both have one chat id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    /// The chat.
    pub(super) chat: i64,
    /// The topic, in a group that has topics.
    pub(super) topic: Option<i64>,
    /// The business connection: <https://core.telegram.org/bots/api#businessconnection>.
    pub(super) business: Option<String>,
}

impl Conversation {
    /// The conversation whose numbers its messages have: topics share those of their chat, and what Telegram tells of a
    /// message, such as a reaction, may not say in which topic it stands.
    pub(super) fn numbered_in(&self) -> Option<String> {
        self.topic.map(|_| self.chat.to_string())
    }
}

/// A text that is not the address of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidConversation;

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.business, self.topic) {
            (Some(business), _) => write!(f, "business:{business}:{}", self.chat),
            (None, Some(topic)) => write!(f, "{}:{topic}", self.chat),
            (None, None) => write!(f, "{}", self.chat),
        }
    }
}

impl FromStr for Conversation {
    type Err = InvalidConversation;

    fn from_str(text: &str) -> Result<Self, InvalidConversation> {
        let number = |text: &str| text.parse::<i64>().map_err(|_| InvalidConversation);
        if let Some(rest) = text.strip_prefix("business:") {
            let (business, chat) = rest.rsplit_once(':').ok_or(InvalidConversation)?;
            return Ok(Self { chat: number(chat)?, topic: None, business: Some(business.to_owned()) });
        }
        match text.split_once(':') {
            Some((chat, topic)) => {
                Ok(Self { chat: number(chat)?, topic: Some(number(topic)?), business: None })
            }
            None => Ok(Self { chat: number(text)?, topic: None, business: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back() {
        for text in ["1111", "-1001234567890", "-1001234567890:7", "business:bc1:1111", "business:a:b:1111"] {
            assert_eq!(text.parse::<Conversation>().unwrap().to_string(), text);
        }
        for text in
            ["", "unparsed", "12:", ":12", "business:", "business:bc1", "business:bc1:x", "@channel", "1:2:3"]
        {
            assert_eq!(text.parse::<Conversation>(), Err(InvalidConversation), "{text}");
        }
    }
}
