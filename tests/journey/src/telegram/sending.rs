//! The methods of the Bot API that put a message into a chat.

use bytes::Bytes;
use serde_json::{Value, json};

use super::account::{Account, Message};
use super::answer::Refusal;
use super::parameters::{Parameters, Upload};

/// Parameters that every sending method has.
const EVERYWHERE: [&str; 10] = [
    "business_connection_id",
    "chat_id",
    "message_thread_id",
    "disable_notification",
    "protect_content",
    "reply_parameters",
    "reply_markup",
    "parse_mode",
    "entities",
    "caption_entities",
];

/// The longest text, in UTF-16 units.
const MAX_TEXT: usize = 4096;
/// The longest caption, in UTF-16 units.
const MAX_CAPTION: usize = 1024;
/// The largest photo, in bytes.
const MAX_PHOTO: usize = 10 * 1024 * 1024;
/// The largest other file, in bytes.
const MAX_FILE: usize = 50 * 1024 * 1024;

impl Account {
    pub(crate) fn send(&mut self, method: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        let chat = parameters.integer("chat_id")?.ok_or_else(|| Refusal::bad("chat_id is empty"))?;
        match method {
            "sendMessage" => {
                known(parameters, &["text", "link_preview_options"])?;
                self.send_text(chat, parameters)
            }
            "sendPhoto" => {
                self.send_file(chat, "photo", parameters, &["has_spoiler", "show_caption_above_media"])
            }
            "sendDocument" => {
                self.send_file(chat, "document", parameters, &["disable_content_type_detection"])
            }
            "sendVideo" => self.send_file(
                chat,
                "video",
                parameters,
                &["duration", "width", "height", "supports_streaming"],
            ),
            "sendAnimation" => {
                self.send_file(chat, "animation", parameters, &["duration", "width", "height"])
            }
            "sendAudio" => self.send_file(chat, "audio", parameters, &["duration", "performer", "title"]),
            "sendVoice" => self.send_file(chat, "voice", parameters, &["duration"]),
            _ => Err(Refusal::not_found()),
        }
    }

    fn send_text(&mut self, chat: i64, parameters: &Parameters) -> Result<Value, Refusal> {
        let text = parameters.text("text").unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Refusal::bad("message text is empty"));
        }
        if text.encode_utf16().count() > MAX_TEXT {
            return Err(Refusal::bad("message is too long"));
        }
        self.put(chat, "text", Some(text), None, parameters)
    }

    fn send_file(
        &mut self,
        chat: i64,
        kind: &str,
        parameters: &Parameters,
        more: &[&str],
    ) -> Result<Value, Refusal> {
        known(parameters, &[more, &["caption", kind]].concat())?;
        let caption = parameters.text("caption").filter(|caption| !caption.is_empty());
        if caption.as_ref().is_some_and(|caption| caption.encode_utf16().count() > MAX_CAPTION) {
            return Err(Refusal::bad("message caption is too long"));
        }
        let file = match (parameters.uploads.get(kind), parameters.text(kind)) {
            (Some(upload), _) => upload.clone(),
            (None, Some(id)) => self.known_file(&id)?,
            (None, None) => return Err(Refusal::bad(format_args!("there is no {kind} in the request"))),
        };
        if file.bytes.is_empty() {
            return Err(Refusal::bad("file must be non-empty"));
        }
        if file.bytes.len() > MAX_FILE {
            return Err(Refusal::new(413, "Request Entity Too Large"));
        }
        if kind == "photo" && (file.bytes.len() > MAX_PHOTO || !is_picture(&file.bytes)) {
            return Err(Refusal::bad("IMAGE_PROCESS_FAILED"));
        }
        self.put(chat, kind, caption, Some(file), parameters)
    }

    fn known_file(&self, id: &str) -> Result<Upload, Refusal> {
        let file =
            self.files.get(id).ok_or_else(|| Refusal::bad("wrong file identifier/HTTP URL specified"))?;
        Ok(Upload { name: file.path.clone(), content_type: None, bytes: file.bytes.clone() })
    }

    fn put(
        &mut self,
        chat: i64,
        kind: &str,
        text: Option<String>,
        file: Option<Upload>,
        parameters: &Parameters,
    ) -> Result<Value, Refusal> {
        if parameters
            .text("parse_mode")
            .is_some_and(|mode| !["HTML", "MarkdownV2", "Markdown"].contains(&mode.as_str()))
        {
            return Err(Refusal::bad("unsupported parse_mode"));
        }
        check_markup(parameters.object("reply_markup")?.as_ref())?;
        let reply = parameters.object("reply_parameters")?;
        let me = self.me();
        let chat = self.writable(chat)?;
        let reply_to = match reply {
            Some(reply) => {
                let id = reply["message_id"]
                    .as_i64()
                    .ok_or_else(|| Refusal::bad("message_id must be an Integer"))?;
                let there = chat.messages.iter().any(|message| message.id == id);
                if !there && reply["allow_sending_without_reply"] != json!(true) {
                    return Err(Refusal::bad("message to be replied not found"));
                }
                there.then_some(id)
            }
            None => None,
        };
        let message =
            |id| Message { id, from_bot: true, text: text.clone(), file, kind: kind.to_owned(), reply_to };
        let id = chat.add(message);
        let mut sent =
            json!({"message_id": id, "from": me, "chat": chat.as_json(), "date": crate::now().as_second()});
        if let Some(text) = text {
            sent[if kind == "text" { "text" } else { "caption" }] = json!(text);
        }
        Ok(sent)
    }
}

fn known(parameters: &Parameters, more: &[&str]) -> Result<(), Refusal> {
    parameters.only(&[&EVERYWHERE[..], more].concat())
}

fn check_markup(markup: Option<&Value>) -> Result<(), Refusal> {
    let rows = markup.and_then(|markup| markup["inline_keyboard"].as_array()).into_iter().flatten();
    for button in rows.filter_map(Value::as_array).flatten() {
        let data = button["callback_data"].as_str().unwrap_or_default();
        if data.len() > 64 {
            return Err(Refusal::bad("BUTTON_DATA_INVALID"));
        }
    }
    Ok(())
}

/// Whether bytes begin as a picture that the platform shows.
fn is_picture(bytes: &Bytes) -> bool {
    let starts: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF"];
    starts.iter().any(|start| bytes.starts_with(start))
}
