//! What a visitor is shown: the messages of the conversation, and the frames that announce them.

use desk::ids::AttachmentId;
use desk::reply::Reply;
use jiff::Timestamp;
use serde::Serialize;

use super::cursor::Cursor;
use crate::platform::News;

/// The largest frame, in bytes: what a gateway passes on in one piece.
pub const MAX_FRAME: usize = 32 * 1024;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The visitor.
    Visitor,
    /// The firm.
    Desk,
}

/// A message of the conversation, as the visitor sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Its place.
    pub cursor: String,
    /// Its id: the widget's own for the visitor's, the reply's for the firm's.
    pub id: String,
    /// Who said it.
    pub from: From,
    /// The name of who said it, where the firm shows names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The files.
    pub attachments: Vec<Download>,
    /// When it was said.
    pub at: Timestamp,
    /// The widget's own id of a visitor's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// A file that a visitor can download.
#[derive(Debug, Clone, Serialize)]
pub struct Download {
    /// The id.
    pub id: AttachmentId,
    /// The name.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// The media type.
    pub content_type: String,
    /// A link that works for some minutes.
    pub url: String,
}

/// A frame to a visitor's open connection.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// A message became part of the conversation.
    Message {
        /// The message.
        item: Box<Item>,
    },
    /// Somebody of the firm is writing.
    Typing {
        /// The name, where the firm shows names.
        #[serde(skip_serializing_if = "Option::is_none")]
        author: Option<String>,
    },
    /// Another window of the visitor has shown everything up to here.
    Read {
        /// The place.
        cursor: String,
    },
    /// The answer to a ping.
    Pong,
    /// There is something new: ask for it.
    Reload,
}

impl Frame {
    /// The frame for news.
    pub(super) fn of(news: News<'_>) -> Self {
        match news {
            News::Received => Self::Reload,
            // A file's link is made for who asks.
            News::Sent(reply) if !reply.content.attachments.is_empty() => Self::Reload,
            News::Sent(reply) => Self::Message { item: Box::new(Item::of_reply(reply, Vec::new())) },
            News::Typing(author) => Self::Typing { author: author.map(str::to_owned) },
        }
    }

    /// The frame as text, small enough for every gateway.
    pub fn render(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        if text.is_empty() || text.len() > MAX_FRAME { r#"{"type":"reload"}"#.to_owned() } else { text }
    }
}

impl Item {
    /// A reply as the visitor sees it.
    pub fn of_reply(reply: &Reply, attachments: Vec<Download>) -> Self {
        Self {
            cursor: Cursor::at(reply.ticket, reply.seq).to_string(),
            id: reply.id.to_string(),
            from: From::Desk,
            author: reply.content.sender_name.clone(),
            text: reply.content.text.clone(),
            attachments,
            at: reply.sent_at.unwrap_or(reply.created_at),
            client_id: None,
        }
    }
}
