//! Messages of visitors: durable in the inbound queue before they are answered.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use channels::webchat::statement::{is_email, shown_name};
use channels::webchat::submission::{Submission, Upload};
use channels::webchat::{MAX_FILES, Webchat as Channel};
use desk::ids::AttachmentId;
use serde::{Deserialize, Serialize};
use store::attachments::FileState;

use crate::body::Body;
use crate::limits::Deed;
use crate::problem::Problem;
use crate::uploads::is_of;
use crate::visitor::Visitor;
use crate::{Shared, Webchat};

/// The longest text, in characters.
const MAX_TEXT: usize = 10_000;
/// The longest id of a widget, in bytes.
const MAX_CLIENT_ID: usize = 64;

/// A message as the widget sends it.
#[derive(Deserialize)]
pub(crate) struct NewMessage {
    /// The widget's own id of it: the same again changes nothing.
    client_id: String,
    #[serde(default)]
    text: Option<String>,
    /// Uploaded files.
    #[serde(default)]
    attachments: Vec<AttachmentId>,
    /// Where to reach the visitor when nobody answers now.
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    client_id: String,
}

/// `POST /webchat/<connection>/messages`
pub(crate) async fn send(
    State(chat): State<Shared>,
    visitor: Visitor,
    Body(new): Body<NewMessage>,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    let client_id = valid_client_id(new.client_id)?;
    let text = valid_text(new.text)?;
    if text.is_none() && new.attachments.is_empty() {
        return Err(Problem::invalid("empty_message", "A message has a text, files, or both."));
    }
    let email = new.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    if email.is_some_and(|email| !is_email(email)) {
        return Err(Problem::invalid("invalid_email", "That is no e-mail address."));
    }
    if let Some(email) = email
        && chat.desk.is_own_address(email).await?
    {
        // The answer would come back as a question.
        return Err(Problem::invalid("invalid_email", "That is our own address, not yours."));
    }
    let taken = (StatusCode::ACCEPTED, Json(Taken { client_id: client_id.clone() }));
    // Before the limit: a widget that repeats what it sent must not be kept waiting for it.
    if chat.desk.platform_message(&visitor.thread, &client_id).await?.is_some() {
        return Ok(taken);
    }
    let own = visitor.pass.visitor.to_string();
    chat.limit(Deed::Message, Some(&own), visitor.line.from).await?;
    let files = match chat.uploaded(&visitor, &new.attachments).await {
        Ok(files) => files,
        // The message may have become a ticket's since, and its files with it.
        Err(problem) => {
            return match chat.desk.platform_message(&visitor.thread, &client_id).await? {
                Some(_) => Ok(taken),
                None => Err(problem),
            };
        }
    };
    let mut pass = visitor.pass.clone();
    // A name that the shop told counts more than one that anybody can type.
    pass.name = pass.name.or_else(|| new.name.as_deref().and_then(shown_name));
    if let Some(email) = email {
        chat.desk.leave_address(&visitor.thread, email).await?;
    }
    if email.is_some() || pass.name.is_some() {
        let known = chat.contact_of(&visitor.thread, &pass).await?;
        let told = known.as_ref().is_some_and(|contact| {
            (contact.name.is_some() || pass.name.is_none())
                && email.is_none_or(|email| contact.identities.iter().any(|known| known.address == email))
        });
        if !told {
            chat.introduce(&pass, known.map(|contact| contact.id), email).await?;
        }
    }
    let submission =
        Submission { visitor: pass.visitor, login: pass.login, name: pass.name, client_id, text, files };
    let body = serde_json::to_vec(&submission).map_err(Problem::internal)?;
    chat.receiver.receive(&Channel, &visitor.line.known.open, &body).await?;
    Ok(taken)
}

impl Webchat {
    /// The visitor's own uploads by these ids, if all of them are there.
    async fn uploaded(&self, visitor: &Visitor, ids: &[AttachmentId]) -> Result<Vec<Upload>, Problem> {
        if ids.len() > MAX_FILES {
            let detail = format!("A message has at most {MAX_FILES} files.");
            return Err(Problem::invalid("too_many_attachments", detail));
        }
        let mut found = self.desk.files(ids).await?;
        let mut uploads = Vec::with_capacity(ids.len());
        for id in ids {
            let position = found.iter().position(|file| file.id == *id && is_of(file, visitor.pass.visitor));
            let Some(position) = position else {
                return Err(Problem::invalid(
                    "unknown_attachment",
                    "There is no such upload of this visitor.",
                ));
            };
            let file = found.swap_remove(position);
            if file.ticket.is_some() {
                return Err(Problem::invalid("used_attachment", "The file belongs to another message."));
            }
            let there = self.receiver.blobs.size(&file.key).await? == Some(file.size);
            if file.state != FileState::Stored && !there {
                return Err(Problem::invalid("not_uploaded", "The file has not been uploaded yet."));
            }
            let (name, content_type) = (file.name, file.content_type);
            uploads.push(Upload { id: file.id, name, content_type, size: file.size });
        }
        Ok(uploads)
    }
}

fn valid_client_id(id: String) -> Result<String, Problem> {
    let letters = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if letters && (1..=MAX_CLIENT_ID).contains(&id.len()) {
        return Ok(id);
    }
    let detail = format!("A `client_id` has 1 to {MAX_CLIENT_ID} letters, digits, `-`, `_` or `.`.");
    Err(Problem::invalid("invalid_client_id", detail))
}

/// The text, unless nothing of it can be seen.
fn valid_text(text: Option<String>) -> Result<Option<String>, Problem> {
    let visible = |c: char| {
        let joiner = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
        !c.is_whitespace() && !c.is_control() && !joiner
    };
    let Some(text) = text.filter(|text| text.chars().any(visible)) else { return Ok(None) };
    if text.chars().nth(MAX_TEXT).is_some() {
        let detail = format!("A text has at most {MAX_TEXT} characters.");
        return Err(Problem::invalid("text_too_long", detail));
    }
    Ok(Some(text))
}
