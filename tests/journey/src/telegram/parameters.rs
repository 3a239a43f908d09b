//! The parameters of a method, in any of the four forms in which they may come.

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::Refusal;

/// The largest request that the platform takes, in bytes.
const MAX_REQUEST: usize = 55 * 1024 * 1024;

/// A file that came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name that the sender gave it.
    pub name: String,
    /// The media type that the sender gave it.
    pub content_type: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
}

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    pub(crate) values: Map<String, Value>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Parameters {
    /// Reads the query and the body.
    pub(crate) async fn read(request: Request) -> Result<Self, Refusal> {
        let mut parameters = Self::default();
        parameters.add_form(request.uri().query().unwrap_or_default().as_bytes());
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        match (request.method(), content_type.split(';').next().unwrap_or_default().trim()) {
            (&Method::POST, "multipart/form-data") => parameters.add_multipart(request).await?,
            (&Method::POST, "application/json") => {
                let body = body(request.into_body()).await?;
                let object: Map<String, Value> = serde_json::from_slice(&body)
                    .map_err(|error| Refusal::bad(format_args!("can't parse JSON: {error}")))?;
                parameters.values.extend(object);
            }
            (&Method::POST, "application/x-www-form-urlencoded") => {
                let body = body(request.into_body()).await?;
                parameters.add_form(&body);
            }
            (&Method::POST | &Method::GET, _) => {
                if !body(request.into_body()).await?.is_empty() {
                    return Err(Refusal::bad(format_args!("a body of type `{content_type}` is not read")));
                }
            }
            _ => return Err(Refusal::new(405, "Method Not Allowed")),
        }
        Ok(parameters)
    }

    fn add_form(&mut self, form: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(form) {
            self.values.insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), Refusal> {
        let broken =
            |error: &dyn std::fmt::Display| Refusal::bad(format_args!("broken multipart body: {error}"));
        let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(&error))?;
        while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(|error| broken(&error))?;
            if let Some(file_name) = file_name {
                self.uploads.insert(name, Upload { name: file_name, content_type, bytes });
            } else {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| Refusal::bad(format_args!("strings must be encoded in UTF-8: {name}")))?;
                self.values.insert(name, Value::String(text));
            }
        }
        Ok(())
    }

    /// Refuses parameters that the method does not have. The platform ignores them; a test must not.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let mut names = self.values.keys().chain(self.uploads.keys());
        match names.find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Refusal::bad(format_args!("the method has no parameter `{name}`"))),
            None => Ok(()),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::bad(format_args!("parameter \"{name}\" is required")))
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_i64()),
            Some(Value::String(text)) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Refusal::bad(format_args!("{name} must be an Integer"))),
            },
            Some(_) => Err(Refusal::bad(format_args!("{name} must be an Integer"))),
        }
    }

    /// An object or array: as JSON in a JSON body, as its text in a form.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Value>, Refusal> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|_| Refusal::bad(format_args!("can't parse {name} JSON object"))),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

async fn body(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, MAX_REQUEST).await.map_err(|_| Refusal::new(413, "Request Entity Too Large"))
}
