//! What a request posts, read.

use bytes::{Bytes, BytesMut};
use channels::http::Body;
use futures_util::StreamExt as _;
use mail_parser::{MessageParser, MimeHeaders as _};
use serde_json::{Map, Value};

/// A posted body: its fields, and the file that a form may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posted {
    fields: Map<String, Value>,
    /// The file's name and what it holds.
    pub file: Option<(String, Bytes)>,
}

impl Posted {
    /// Reads a body. What is none that the desk may send has no fields.
    pub async fn read(body: Body) -> Self {
        match body {
            Body::Json(Value::Object(fields)) => Self { fields, file: None },
            Body::Json(_) | Body::Empty => Self::default(),
            Body::Form(form) => {
                let boundary = form.boundary().to_owned();
                let mut bytes = BytesMut::new();
                let mut chunks = Box::pin(form.into_stream());
                while let Some(Ok(chunk)) = chunks.next().await {
                    bytes.extend_from_slice(&chunk);
                }
                Self::of_form(&boundary, &bytes)
            }
        }
    }

    /// A form is a message of several parts: <https://www.rfc-editor.org/rfc/rfc7578>.
    fn of_form(boundary: &str, bytes: &[u8]) -> Self {
        let mut message =
            format!("Content-Type: multipart/form-data; boundary=\"{boundary}\"\r\n\r\n").into_bytes();
        message.extend_from_slice(bytes);
        let mut posted = Self::default();
        let Some(message) = MessageParser::default().parse(&message) else { return posted };
        for part in message.parts.iter().skip(1) {
            let Some(disposition) = part.content_disposition() else { continue };
            match (disposition.attribute("filename"), disposition.attribute("name")) {
                (Some(file), _) => {
                    posted.file = Some((file.to_owned(), Bytes::copy_from_slice(part.contents())));
                }
                (None, Some(name)) => {
                    let text = String::from_utf8_lossy(part.contents()).into_owned();
                    posted.fields.insert(name.to_owned(), text.into());
                }
                (None, None) => {}
            }
        }
        posted
    }

    /// A field as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// A field as a number, which forms write as text.
    pub fn number(&self, name: &str) -> Option<i64> {
        let field = self.fields.get(name)?;
        field.as_i64().or_else(|| field.as_str()?.parse().ok())
    }
}
