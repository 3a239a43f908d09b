//! The desk's REST API, as a script would use it.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::{client, eventually};

/// How long what follows from a request may take until it is seen.
pub const SOON: Duration = Duration::from_secs(30);

/// A client of one desk.
#[derive(Debug, Clone)]
pub struct Desk {
    base: String,
    token: String,
    client: reqwest::Client,
}

/// What the desk answered, whatever it was.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON of the body; a string when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Reads an answer to its end.
    pub(crate) async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Self { status, headers, body })
    }
}

impl Desk {
    /// A client of the desk at this address.
    pub fn new(base: &str, token: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), token: token.to_owned(), client: client() }
    }

    /// Where the desk is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The API token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Makes a request below `/api/v1` and returns the answer, whatever it is.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let answer = self.attempt(method.clone(), path, body, headers).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// Makes a request of a desk that may be killed meanwhile.
    ///
    /// # Errors
    /// When no answer comes, or not the whole of it.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self.client.request(method, &url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await?).await
    }

    async fn done(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method.clone(), path, body, &[]).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {:#}", answer.status, answer.body);
        answer.body
    }

    /// Reads something that must be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, None).await
    }

    /// Makes something.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.done(Method::POST, path, Some(body)).await
    }

    /// Replaces something.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        self.done(Method::PUT, path, Some(body)).await
    }

    /// Changes something.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn patch(&self, path: &str, body: &Value) -> Value {
        self.done(Method::PATCH, path, Some(body)).await
    }

    /// Deletes something.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn delete(&self, path: &str) {
        self.done(Method::DELETE, path, None).await;
    }

    /// A whole list, page by page.
    ///
    /// # Panics
    /// When it cannot be read, or does not end.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..200 {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => self.get(&format!("{path}{glue}limit=100&cursor={cursor}")).await,
                None => self.get(&format!("{path}{glue}limit=100")).await,
            };
            items.extend(page["items"].as_array().expect("a page has items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
        }
        panic!("the list {path} does not end");
    }

    /// A ticket.
    pub async fn ticket(&self, id: &str) -> Value {
        self.get(&format!("/tickets/{id}")).await
    }

    /// A ticket's events.
    pub async fn events(&self, id: &str) -> Vec<Value> {
        self.list(&format!("/tickets/{id}/events")).await
    }

    /// A ticket's events of one kind.
    pub async fn events_of(&self, id: &str, kind: &str) -> Vec<Value> {
        self.events(id).await.into_iter().filter(|event| event["kind"] == kind).collect()
    }

    /// Writes an answer and returns what was created: its `id`, its event's `seq`, its `delivery`.
    pub async fn reply(&self, id: &str, text: &str) -> Value {
        self.post(&format!("/tickets/{id}/replies"), &json!({"text": text})).await
    }

    /// Waits until an event of a ticket is as `right` wants it.
    pub async fn await_event(&self, id: &str, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        eventually(what, SOON, async || {
            let events = self.events(id).await;
            events.iter().find(|event| right(event)).cloned().ok_or(events)
        })
        .await
    }

    /// Waits until a ticket is as `right` wants it.
    pub async fn await_ticket(&self, id: &str, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        eventually(what, SOON, async || {
            let ticket = self.ticket(id).await;
            if right(&ticket) { Ok(ticket) } else { Err(ticket) }
        })
        .await
    }

    /// Waits until the delivery of a reply has come to a state. `reply` is what was created.
    pub async fn await_delivery(&self, id: &str, reply: &Value, state: &str) -> Value {
        let seq = reply["seq"].clone();
        self.await_event(id, &format!("reply {seq} is {state}"), |event| {
            event["seq"] == seq && event["delivery"] == state
        })
        .await
    }
}
