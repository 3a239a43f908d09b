//! What people do in stories.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::history::Said;
use crate::journey::{Letter, Stage, latest_to, mail, upload, visitors, webhook};

/// Who tells a story.
pub(super) struct Teller(pub(super) Stage);

impl Teller {
    pub(super) async fn later(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn second(&self) -> i64 {
        self.0.cloud.hours.now().as_second()
    }

    /// A customer writes to the bot.
    pub(super) async fn writes(&self, chat: i64, text: &str, file: Option<&str>) {
        let written = self.0.cloud.bots.written(chat, text, file, self.second());
        let said = Said { file: file.map(str::to_owned), ..Said::new(text, &format!("telegram {chat}")) };
        let place = self.0.history.say(said);
        if webhook(&self.0, &written.update.to_string()).await {
            self.0.history.acknowledged(place);
        }
    }

    /// A customer presses a button under the bot's latest message.
    pub(super) async fn presses(&self, chat: i64, text: &str) {
        let Some(press) = self.0.cloud.bots.pressed(chat, text, self.second()) else { return };
        let said = Said { pressed: true, ..Said::new(text, &format!("telegram {chat}")) };
        let place = self.0.history.say(said);
        if webhook(&self.0, &press.to_string()).await {
            self.0.history.acknowledged(place);
        }
    }

    /// A group gets another id, of which the platform tells only when told to.
    pub(super) fn moves(&self, chat: i64) -> String {
        self.0.cloud.bots.moved(chat, self.second()).to_string()
    }

    /// The platform tells something.
    pub(super) async fn tells(&self, update: &str) {
        webhook(&self.0, update).await;
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
        for _ in 0..200 {
            let path = format!("/tickets?channel={channel}");
            let (_, list) = self.0.office.insist(&self.0.cloud, Method::GET, &path, None, None).await?;
            if let Some(id) = list.pointer("/items/0/id").and_then(Value::as_str) {
                return Some(id.to_owned());
            }
            self.later(5).await;
        }
        None
    }

    /// An agent answers.
    pub(super) async fn answers(&self, channel: &str, text: &str, file: Option<&str>) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let mut body = json!({ "text": text });
        if let Some(name) = file {
            let Some(id) = upload(&self.0, name).await else { return };
            body.as_object_mut().map(|body| body.insert("attachments".to_owned(), json!([id])));
        }
        let (path, key) = (format!("/tickets/{ticket}/replies"), text.replace(' ', "-"));
        let place = self.0.history.ask(text, file, self.0.cloud.hours.now());
        let asked = self.0.office.insist(&self.0.cloud, Method::POST, &path, Some(&key), Some(&body)).await;
        match asked.as_ref().and_then(|(_, answer)| answer.get("id")?.as_str()) {
            Some(id) => self.0.history.replied(place, id, self.0.cloud.hours.now()),
            None => self.0.cloud.complain(format!("the answer `{text}` was answered {asked:?}")),
        }
        self.later(20).await;
    }

    /// An agent solves the ticket.
    pub(super) async fn solves(&self, channel: &str) {
        let Some(ticket) = self.ticket(channel).await else { return };
        let (path, body) = (format!("/tickets/{ticket}"), json!({"status": "solved"}));
        self.0.office.insist(&self.0.cloud, Method::PATCH, &path, None, Some(&body)).await;
    }
}
