//! Sending one part of a reply: <https://core.telegram.org/bots/api#sendmessage> and its sisters for files.

use desk::message::AttachmentKind;
use reqwest::multipart::{Form, Part as FormPart};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, CallError, FILE_TIMEOUT, Refusal, TEXT_TIMEOUT};
use super::conversation::Conversation;
use super::errors::send_error;
use crate::Connection;
use crate::http::{Body, Http};
use crate::platform::{Accepted, File, Part, SendError, SendFailure};

/// The largest photo, in bytes: <https://core.telegram.org/bots/api#sendphoto>.
const PHOTO_LIMIT: usize = 10 * 1024 * 1024;

/// Refusals that concern only the way in which a file was sent: as a plain document it will do.
const DOCUMENT_WILL_DO: &[&str] = &[
    "photo_invalid_dimensions",
    "photo_ext_invalid",
    "photo_save_file_invalid",
    "image_process_failed",
    "voice_messages_forbidden",
];

/// Refusals because of the message that was to be answered.
const QUOTED_IS_GONE: &[&str] = &["message to be replied not found", "replied message not found"];

/// Sends a part. After a refusal that a plainer form avoids, that is tried at once; a refused message was certainly
/// not sent.
pub(super) async fn send(
    http: &Http,
    connection: &Connection,
    conversation: &str,
    part: &Part,
    file: Option<File>,
) -> Result<Accepted, SendError> {
    let rejected =
        |reason, detail: &str| SendError { class: SendFailure::Rejected, reason, detail: detail.to_owned() };
    let conversation = conversation
        .parse::<Conversation>()
        .map_err(|_| rejected("no_conversation", "This conversation has no address in Telegram."))?;
    if !part.files.is_empty() && file.is_none() {
        return Err(rejected("file_missing", "The file of this part is not there."));
    }
    let api = Api::new(http, connection).map_err(send_error)?;

    let mut kind = file.as_ref().map(kind_to_send);
    let mut reply_to = part.reply_to.as_deref().and_then(|id| id.parse::<i64>().ok());
    loop {
        let about = address(&conversation, reply_to);
        let sent: Result<Sent, CallError> = match (&file, kind) {
            (Some(file), Some(kind)) => {
                let (method, field) = method(kind);
                api.call(method, form(about, part, file, field).map(Body::Form)?, FILE_TIMEOUT).await
            }
            _ => api.call("sendMessage", text(about, part), TEXT_TIMEOUT).await,
        };
        match sent {
            Ok(sent) => return Ok(Accepted::by_all(sent.message_id.to_string())),
            Err(CallError::Refused(refusal)) if reply_to.is_some() && says_any(&refusal, QUOTED_IS_GONE) => {
                reply_to = None;
            }
            Err(CallError::Refused(refusal))
                if kind.is_some_and(|kind| kind != AttachmentKind::File)
                    && says_any(&refusal, DOCUMENT_WILL_DO) =>
            {
                kind = Some(AttachmentKind::File);
            }
            Err(error) => {
                let SendError { class, reason, detail } = send_error(error);
                return Err(SendError { class: within(class, &conversation), reason, detail });
            }
        }
    }
}

/// What Telegram shows a media type as.
pub(super) fn attachment_kind(content_type: &str) -> AttachmentKind {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "image/jpeg" | "image/png" | "image/webp" => AttachmentKind::Image,
        "image/gif" => AttachmentKind::Animation,
        "video/mp4" => AttachmentKind::Video,
        "audio/mpeg" | "audio/mp3" | "audio/mp4" | "audio/m4a" | "audio/x-m4a" => AttachmentKind::Audio,
        "audio/ogg" | "audio/opus" => AttachmentKind::Voice,
        _ => AttachmentKind::File,
    }
}

fn kind_to_send(file: &File) -> AttachmentKind {
    match attachment_kind(&file.content_type) {
        AttachmentKind::Image if file.bytes.len() > PHOTO_LIMIT => AttachmentKind::File,
        kind => kind,
    }
}

/// The method for a kind of file, and its field for the file.
const fn method(kind: AttachmentKind) -> (&'static str, &'static str) {
    match kind {
        AttachmentKind::Image => ("sendPhoto", "photo"),
        AttachmentKind::Animation => ("sendAnimation", "animation"),
        AttachmentKind::Video => ("sendVideo", "video"),
        AttachmentKind::Audio => ("sendAudio", "audio"),
        AttachmentKind::Voice => ("sendVoice", "voice"),
        AttachmentKind::Sticker | AttachmentKind::File => ("sendDocument", "document"),
    }
}

/// The parameters that say where a message goes and what it answers.
fn address(conversation: &Conversation, reply_to: Option<i64>) -> Vec<(&'static str, Value)> {
    let mut about = vec![("chat_id", json!(conversation.chat))];
    if let Some(topic) = conversation.topic {
        about.push(("message_thread_id", json!(topic)));
    }
    if let Some(business) = &conversation.business {
        about.push(("business_connection_id", json!(business)));
    }
    if let Some(message) = reply_to {
        // A quoted message may be gone by now, which is no reason to withhold the answer.
        let reply = json!({ "message_id": message, "allow_sending_without_reply": true });
        about.push(("reply_parameters", reply));
    }
    about
}

/// Plain text: an agent's words are nobody's markup.
fn text(mut about: Vec<(&'static str, Value)>, part: &Part) -> Body {
    about.push(("text", json!(part.text.as_deref().unwrap_or_default())));
    Body::Json(about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn form(
    mut about: Vec<(&'static str, Value)>,
    part: &Part,
    file: &File,
    field: &'static str,
) -> Result<Form, SendError> {
    if let Some(caption) = &part.text {
        about.push(("caption", json!(caption)));
    }
    let form = about.into_iter().fold(Form::new(), |form, (name, value)| match value {
        Value::String(text) => form.text(name, text),
        value => form.text(name, value.to_string()),
    });
    let upload = || FormPart::stream_with_length(file.bytes.clone(), file.bytes.len() as u64);
    // A media type that cannot stand in a header is none.
    let upload =
        upload().mime_str(&file.content_type).or_else(|_| upload().mime_str("application/octet-stream"));
    let unusable = |_| SendError {
        class: SendFailure::Rejected,
        reason: "bad_file",
        detail: "The file cannot be sent.".to_owned(),
    };
    Ok(form.part(field, upload.map_err(unusable)?.file_name(file.name.clone())))
}

fn says_any(refusal: &Refusal, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| refusal.says(phrase))
}

/// A moved group keeps its topic.
fn within(class: SendFailure, conversation: &Conversation) -> SendFailure {
    match class {
        SendFailure::Moved { conversation: chat } => SendFailure::Moved {
            conversation: conversation.topic.map_or(chat.clone(), |topic| format!("{chat}:{topic}")),
        },
        class => class,
    }
}

#[derive(Deserialize)]
struct Sent {
    message_id: i64,
}
