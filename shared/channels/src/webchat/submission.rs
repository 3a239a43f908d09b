//! A visitor's message on its way to the inbound queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use desk::channel::ChannelClass;
use desk::event::Raw;
use desk::ids::{AttachmentId, VisitorId};
use desk::inbound::{Happened, Inbound};
use desk::message::{Attachment, AttachmentKind, MessageContent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pass;
use crate::Connection;

/// A message as `functions/webchat` hands it in, once it is proved who wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The visitor.
    pub visitor: VisitorId,
    /// Whom the visitor signed in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The visitor's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The widget's own id of the message, unique for the visitor.
    pub client_id: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Files that the visitor uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Upload>,
}

/// A file that a visitor uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The id.
    pub id: AttachmentId,
    /// The name.
    pub name: String,
    /// The declared media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
}

/// What a submission tells. Total: anything else is kept as it is.
pub(super) fn parse(connection: &Connection, body: &[u8], received_at: Timestamp) -> Inbound {
    let submission: Submission = match serde_json::from_slice(body) {
        Ok(submission) => submission,
        Err(error) => return unparsed(connection, body, received_at, error.to_string()),
    };
    let Submission { visitor, login, name, client_id, text, files } = submission;
    let attachments = files.into_iter().map(attachment).collect();
    Inbound {
        thread: connection.thread(visitor.to_string()),
        class: ChannelClass::Chat,
        key: format!("{visitor}:{client_id}"),
        at: received_at,
        sender: Some(pass::sender(connection.id, visitor, login.as_deref(), name)),
        happened: Happened::Message {
            id: client_id,
            content: MessageContent { text, attachments, ..MessageContent::default() },
            album: None,
        },
        raw: None,
        letter: None,
        numbered_in: None,
    }
}

/// A file that is in the object store already, under its own id.
fn attachment(file: Upload) -> Attachment {
    Attachment {
        id: Some(file.id),
        kind: kind(&file.content_type),
        name: Some(file.name),
        source: Some(file.id.to_string()),
        content_type: Some(file.content_type),
        size: Some(file.size),
        duration: None,
    }
}

/// What a media type is shown as.
pub(super) fn kind(content_type: &str) -> AttachmentKind {
    match content_type.split('/').next().unwrap_or_default() {
        "image" => AttachmentKind::Image,
        "video" => AttachmentKind::Video,
        "audio" => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    }
}

fn unparsed(connection: &Connection, body: &[u8], received_at: Timestamp, reason: String) -> Inbound {
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let raw = match std::str::from_utf8(body) {
        Ok(text) => Raw::Text(text.to_owned()),
        Err(_) => Raw::Base64(BASE64.encode(body)),
    };
    Inbound {
        thread: connection.thread("unparsed"),
        class: ChannelClass::Chat,
        key: format!("body:{digest}"),
        at: received_at,
        sender: None,
        happened: Happened::Unparsed { reason },
        raw: Some(raw),
        letter: None,
        numbered_in: None,
    }
}
