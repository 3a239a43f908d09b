//! Who talks with the desk on a bad day, and sees what it answers.

use bytes::Bytes;
use http::Method;
use journey::desk::Answer;
use journey::eventually;
use journey::stage::{Line, Stage};
use journey::target::Emulator;
use journey::telegram::{Customer, Delivered};
use journey::webchat::{Chat, Visitor};
use serde_json::{Value, json};

use super::PATIENCE;
use super::mails::{bring, letter, mailed, office};

/// Where a customer writes, and finds what the desk answers.
pub(super) enum Place {
    /// A chat with a bot.
    Telegram(Line, Customer),
    /// An address of the desk with nobody else's mails.
    Mail(String, Value),
    /// The chat of the firm's site, and the address from which answers are copied to the visitor by mail.
    Chat(Chat, Visitor, String),
}

/// What one customer and their agent did, and what was acknowledged to them.
pub(super) struct Talk {
    pub(super) place: Place,
    /// Who writes: a word of the contact's name that no other has.
    pub(super) name: String,
    pub(super) ticket: String,
    pub(super) said: Vec<String>,
    /// What was sent along, in order.
    pub(super) files: Vec<Bytes>,
    /// What was created for each reply.
    pub(super) replies: Vec<Value>,
}

impl Place {
    /// A chat with a bot, with a customer of their own.
    pub(super) fn telegram(line: &Line, name: &str) -> Self {
        Self::Telegram(line.clone(), line.bot.customer(name))
    }

    /// An address of the desk.
    pub(super) async fn mail(stage: &Stage, emulator: &Emulator, name: &str) -> Self {
        let (address, created) = office(stage, emulator, name).await;
        Self::Mail(address, created)
    }

    /// A visitor of a chat, who is mailed every answer, too.
    pub(super) async fn chat(stage: &Stage, emulator: &Emulator, name: &str) -> Self {
        let (address, office) = office(stage, emulator, name).await;
        let settings = json!({"email_connection": office["id"], "email_after": 1});
        let chat = Chat::connect(&stage.desk, settings).await;
        let visitor = chat.visitor(json!({})).await;
        Self::Chat(chat, visitor, address)
    }

    /// The channel, the connection, and the conversation where it is known.
    fn found_by(&self) -> (&str, &str, Option<String>) {
        match self {
            Self::Telegram(line, customer) => ("telegram", &line.id, Some(customer.chat().to_string())),
            Self::Mail(_, created) => ("email", created["id"].as_str().unwrap_or_default(), None),
            Self::Chat(chat, visitor, _) => ("webchat", &chat.id, Some(visitor.conversation().to_owned())),
        }
    }

    /// The tickets of the conversation, as far as the desk answers.
    pub(super) async fn tickets(&self, stage: &Stage) -> Vec<Value> {
        let (channel, connection, conversation) = self.found_by();
        let path = format!("/tickets?channel={channel}&limit=100");
        let page =
            repeated(&format!("GET {path}"), || stage.desk.attempt(Method::GET, &path, None, &[])).await;
        let mut items = page["items"].as_array().cloned().unwrap_or_default();
        items.retain(|ticket| {
            ticket["connection"] == connection
                && conversation.as_ref().is_none_or(|conversation| ticket["conversation"] == **conversation)
        });
        items
    }

    /// Says something in somebody's name, with a file where it is one, until it is acknowledged.
    pub(super) async fn say(
        &self,
        stage: &Stage,
        emulator: &Emulator,
        name: &str,
        (number, text): (usize, &str),
        file: Option<&Bytes>,
    ) {
        match self {
            Self::Telegram(line, customer) => {
                let update = match file {
                    Some(bytes) => customer.photo(bytes, Some(text), None),
                    None => customer.text(text),
                };
                assert!(matches!(line.bot.deliver(&update).await, Delivered::ToWebhook(_)));
                // The platform repeats what it saw no answer to, even if the answer was on its way.
                if number.is_multiple_of(2) {
                    line.bot.deliver(&update).await;
                }
            }
            Self::Mail(address, _) => {
                let letter = letter(name, address, (number, text), file);
                bring(emulator, &format!("{name}-{number}"), &letter, address).await;
                self.on_ticket(stage, text).await;
            }
            Self::Chat(_, visitor, _) => chat(visitor, name, (number, text), file).await,
        }
    }

    /// Waits until a text is on a ticket, which the next mail is to find.
    async fn on_ticket(&self, stage: &Stage, text: &str) {
        eventually("what was said is on a ticket", PATIENCE, async || {
            let mut seen = Vec::new();
            for ticket in self.tickets(stage).await {
                let path = format!("/tickets/{}/events?limit=100", ticket["id"].as_str().unwrap_or_default());
                seen.push(stage.desk.attempt(Method::GET, &path, None, &[]).await.map(|events| events.body));
            }
            let found = seen.iter().flatten().any(|events| events["items"].to_string().contains(text));
            if found { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    /// The texts of the replies that arrived, in order.
    pub(super) async fn arrived(&self, emulator: &Emulator) -> Vec<String> {
        match self {
            Self::Telegram(line, customer) => line.bot.texts(customer.chat()),
            Self::Mail(address, _) => mailed(emulator, address).await,
            Self::Chat(_, visitor, _) => {
                let page = visitor.attempt(Method::GET, "messages", None).await;
                let items = page.body["items"].as_array().cloned().unwrap_or_default();
                let texts = items.iter().filter_map(|item| item["text"].as_str().map(str::to_owned));
                texts.filter(|text| text.starts_with("Reply")).collect()
            }
        }
    }

    /// The texts of the replies that were mailed beside, in order, where replies are.
    pub(super) async fn copies(&self, emulator: &Emulator) -> Option<Vec<String>> {
        match self {
            Self::Chat(_, _, address) => Some(mailed(emulator, address).await),
            Self::Telegram(..) | Self::Mail(..) => None,
        }
    }
}

/// Writes in the chat, as the widget does that repeats what was not acknowledged under the same id.
async fn chat(visitor: &Visitor, name: &str, (number, text): (usize, &str), file: Option<&Bytes>) {
    let address = format!("{name}@example.org");
    let mut body = json!({"client_id": number.to_string(), "text": text, "name": name, "email": address});
    if let Some(bytes) = file {
        body["attachments"] = json!([upload(visitor, bytes).await]);
    }
    let times = if number.is_multiple_of(2) { 2 } else { 1 };
    for _ in 0..times {
        repeated("a message of the chat", async || {
            Ok(visitor.attempt(Method::POST, "messages", Some(&body)).await)
        })
        .await;
    }
}

/// Announces a file and uploads it with the signed form, to AWS as it is that day.
async fn upload(visitor: &Visitor, bytes: &Bytes) -> Value {
    let file = json!({"name": "file.csv", "size": bytes.len(), "content_type": "text/csv"});
    let announced = repeated("a file is announced", async || {
        Ok(visitor.attempt(Method::POST, "attachments", Some(&file)).await)
    })
    .await;
    eventually("the file is uploaded", PATIENCE, async || {
        let uploaded = journey::webchat::upload(&announced, bytes).await;
        if uploaded.as_ref().is_ok_and(|uploaded| uploaded.status().is_success()) {
            Ok(())
        } else {
            Err(uploaded)
        }
    })
    .await;
    announced["id"].clone()
}

/// Makes a request until it is answered by success; a refusal that repeating does not mend fails the journey.
pub(super) async fn repeated<F: Future<Output = Result<Answer, reqwest::Error>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> Value {
    eventually(what, PATIENCE, || {
        let asked = ask();
        async move {
            match asked.await {
                Ok(Answer { status: 200..300, body, .. }) => Ok(body),
                Ok(Answer { status: status @ (409 | 429 | 500..), body, .. }) => {
                    Err(format!("{status} {body}"))
                }
                Ok(answer) => panic!("{what}: {answer:#?}"),
                Err(error) => Err(format!("{error:?}")),
            }
        }
    })
    .await
}
