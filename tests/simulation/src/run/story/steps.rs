//! What people do in stories.

use std::time::Duration;

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::history::Said;
use crate::journey::{Letter, Stage, latest_to, lines, mail, open, upload, visitors};

/// Who tells a story.
pub(super) struct Teller(pub(super) Stage);

impl Teller {
    pub(super) async fn later(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub(super) fn second(&self) -> i64 {
        self.0.cloud.hours.now().as_second()
    }

    /// A customer writes a mail, which answers the latest one that they got, and comes by SES or over HTTP.
    pub(super) async fn mails(&self, from: &str, text: &str, file: Option<&str>, by_ses: bool) {
        let latest = latest_to(&self.0, from);
        let letter = Letter {
            from,
            id: "1@people.example",
            subject: latest.as_ref().map_or("A parcel", |mail| &mail.subject),
            answers: latest.as_ref().map(|mail| mail.message_id.as_str()),
            text,
            file,
        };
        let address = Some(from.to_owned());
        let place =
            self.0.history.say(Said { file: file.map(str::to_owned), address, ..Said::new(text, from) });
        if by_ses {
            self.0.cloud.receive_mail(from, "one", letter.write(&self.0).into()).await;
            self.0.history.acknowledged(place);
        } else if mail(&self.0, &letter.write(&self.0)).await {
            self.0.history.acknowledged(place);
        }
    }

    /// A visitor opens the chat.
    pub(super) async fn comes(&self) -> Option<usize> {
        visitors::come(&self.0).await
    }

    /// A visitor writes.
    pub(super) async fn says(&self, visit: usize, text: &str, file: Option<&str>, address: Option<&str>) {
        let mut body =
            json!({"client_id": format!("message-{}", text.len()), "text": text, "email": address});
        if let Some(name) = file {
            let Some(id) = visitors::upload(&self.0, visit, name).await else { return };
            body.as_object_mut().map(|body| body.insert("attachments".to_owned(), json!([id])));
        }
        let (file, address) = (file.map(str::to_owned), address.map(str::to_owned));
        let place = self.0.history.say(Said { file, address, ..Said::new(text, "visitor") });
        if visitors::submit(&self.0, visit, &body).await {
            self.0.history.acknowledged(place);
        }
    }

    /// A visitor looks at what came, and reads it.
    pub(super) async fn looks(&self, visit: usize) {
        visitors::look(&self.0, visit).await;
        visitors::read(&self.0, visit).await;
    }

    /// The ticket of a channel, once the list shows it.
    async fn ticket(&self, channel: &str) -> Option<String> {
        self.summary(channel).await?.get("id")?.as_str().map(str::to_owned)
    }

    async fn summary(&self, channel: &str) -> Option<Value> {
        for _ in 0..200 {
            let path = format!("/tickets?channel={channel}&status=new,open,waiting_customer,solved");
            let (_, list) = self.0.office.insist(&self.0.cloud, Method::GET, &path, None, None).await?;
            if let Some(ticket) = list.pointer("/items/0") {
                return Some(ticket.clone());
            }
            self.later(5).await;
        }
        None
    }

    /// An agent answers.
    pub(super) async fn answers(&self, channel: &str, text: &str, file: Option<&str>) {
        let mut body = json!({ "text": text });
        if let Some(name) = file {
            let Some(id) = upload(&self.0, name).await else { return };
            body.as_object_mut().map(|body| body.insert("attachments".to_owned(), json!([id])));
        }
        self.replies(channel, text, file, &body).await;
    }

    /// An agent answers with a text that is so many messages of Telegram.
    pub(super) async fn answers_at_length(&self, text: &str, messages: usize) {
        let text = lines(text, messages);
        self.replies("telegram", &text, None, &json!({ "text": text })).await;
    }

    /// An agent writes an answer that leaves only after so many seconds.
    pub(super) async fn answers_later(&self, channel: &str, text: &str, seconds: i64) {
        let then = self.0.cloud.hours.now() + SignedDuration::from_secs(seconds);
        self.replies(channel, text, None, &json!({"text": text, "not_before": then.to_string()})).await;
    }

    async fn replies(&self, channel: &str, text: &str, file: Option<&str>, body: &Value) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let (path, key) = (format!("/tickets/{ticket}/replies"), key(text));
        let place = self.0.history.ask(text, file, self.0.cloud.hours.now());
        let asked = self.0.office.insist(&self.0.cloud, Method::POST, &path, Some(&key), Some(body)).await;
        match asked.as_ref().and_then(|(_, answer)| answer.get("id")?.as_str()) {
            Some(id) => self.0.history.replied(place, id, self.0.cloud.hours.now()),
            None => self.0.cloud.complain(format!("the answer `{text}` was answered {asked:?}")),
        }
        self.later(20).await;
    }

    /// An agent has an answer sent again that did not arrive, once the ticket says so.
    pub(super) async fn sends_again(&self, channel: &str, text: &str) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let path = format!("/tickets/{ticket}/events?limit=100");
        for _ in 0..200 {
            let page = self.0.office.insist(&self.0.cloud, Method::GET, &path, None, None).await;
            let events =
                page.and_then(|(_, page)| page.get("items")?.as_array().cloned()).unwrap_or_default();
            let failed = events.iter().find(|event| {
                let word = |place| event.pointer(place).and_then(Value::as_str);
                word("/content/text") == Some(text)
                    && matches!(word("/delivery"), Some("failed" | "uncertain"))
            });
            if let Some(reply) = failed.and_then(|event| event.pointer("/data/reply")?.as_str()) {
                let path = format!("/tickets/{ticket}/replies/{reply}/resolve");
                let (key, body) = (format!("again-{}", key(text)), json!({"outcome": "send_again"}));
                self.0.history.again(text);
                self.0.office.insist(&self.0.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
                return self.later(20).await;
            }
            self.later(5).await;
        }
    }

    /// An agent opens another ticket in the conversation of one that is solved.
    pub(super) async fn opens(&self, channel: &str, subject: &str) {
        let Some(other) = self.summary(channel).await else { return };
        open(&self.0, &other, true, subject, &key(subject)).await;
    }

    /// An agent notes something.
    pub(super) async fn notes(&self, channel: &str, text: &str) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let (path, body) = (format!("/tickets/{ticket}/notes"), json!({ "text": text }));
        self.0.office.insist(&self.0.cloud, Method::POST, &path, Some(&key(text)), Some(&body)).await;
    }

    /// An agent solves the ticket.
    pub(super) async fn solves(&self, channel: &str) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let (path, body) = (format!("/tickets/{ticket}"), json!({"status": "solved"}));
        self.0.office.insist(&self.0.cloud, Method::PATCH, &path, None, Some(&body)).await;
    }
}

/// The key of a request that says a text.
fn key(text: &str) -> String {
    text.chars().take(40).map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect()
}
