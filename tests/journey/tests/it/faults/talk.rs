//! Who talks with the desk on a bad day, and sees what it answers.

use bytes::Bytes;
use http::Method;
use journey::desk::Answer;
use journey::eventually;
use journey::mail::Letter;
use journey::stage::{Line, Stage};
use journey::target::Emulator;
use journey::telegram::{Customer, Delivered};
use journey::webchat::{Chat, Visitor};
use serde_json::{Value, json};

use super::PATIENCE;

/// Where a customer writes, and finds what the desk answers.
pub(super) enum Place {
    /// A chat with a bot.
    Telegram(Line, Customer),
    /// An address of the desk with nobody else's mails.
    Mail(String, Value),
    /// The chat of the firm's site.
    Chat(Chat, Visitor),
}

/// What one customer and their agent did, and what was acknowledged to them.
pub(super) struct Talk {
    pub(super) place: Place,
    pub(super) ticket: String,
    pub(super) said: Vec<String>,
    /// What was sent along, in order.
    pub(super) files: Vec<Bytes>,
    /// What was created for each reply.
    pub(super) replies: Vec<Value>,
}

impl Place {
    /// A chat with a bot, with a customer of their own.
    pub(super) fn telegram(line: &Line, number: usize) -> Self {
        Self::Telegram(line.clone(), line.bot.customer(&format!("Customer {number}")))
    }

    /// An address that SES receives and sends for.
    pub(super) async fn mail(stage: &Stage, emulator: &Emulator, name: &str) -> Self {
        let address = format!("{name}@faults.example");
        emulator.verify_sender(&address).await;
        let new = json!({"channel": "email", "name": "Support", "settings": {"address": address}});
        Self::Mail(address, stage.desk.post("/connections", &new).await)
    }

    /// A visitor of a chat.
    pub(super) async fn chat(stage: &Stage) -> Self {
        let chat = Chat::connect(&stage.desk, json!({})).await;
        let visitor = chat.visitor(json!({})).await;
        Self::Chat(chat, visitor)
    }

    /// The channel, the connection, and the conversation where it is known.
    fn found_by(&self) -> (&str, &str, Option<String>) {
        match self {
            Self::Telegram(line, customer) => ("telegram", &line.id, Some(customer.chat().to_string())),
            Self::Mail(_, created) => ("email", created["id"].as_str().unwrap_or_default(), None),
            Self::Chat(chat, visitor) => ("webchat", &chat.id, Some(visitor.conversation().to_owned())),
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

    /// Says something, with a file where it is one, until it is acknowledged.
    pub(super) async fn say(
        &self,
        stage: &Stage,
        emulator: &Emulator,
        number: usize,
        text: &str,
        file: Option<&Bytes>,
    ) {
        match self {
            Self::Telegram(line, customer) => {
                let update = customer.text(text);
                assert!(matches!(line.bot.deliver(&update).await, Delivered::ToWebhook(_)));
                // The platform repeats what it saw no answer to, even if the answer was on its way.
                if number.is_multiple_of(2) {
                    line.bot.deliver(&update).await;
                }
            }
            Self::Mail(address, _) => mail(stage, emulator, self, address, (number, text), file).await,
            Self::Chat(_, visitor) => chat(visitor, number, text, file).await,
        }
    }

    /// The texts of the replies that arrived, in order.
    pub(super) async fn arrived(&self, emulator: &Emulator) -> Vec<String> {
        match self {
            Self::Telegram(line, customer) => line.bot.texts(customer.chat()),
            Self::Mail(address, _) => {
                let sent = emulator.sent_by_ses(address).await;
                let first = |mail: &Value| {
                    mail["BodyText"].as_str().and_then(|text| text.lines().next().map(str::to_owned))
                };
                sent.iter().map(|mail| first(mail).unwrap_or_default()).collect()
            }
            Self::Chat(_, visitor) => {
                let page = visitor.attempt(Method::GET, "messages", None).await;
                let items = page.body["items"].as_array().cloned().unwrap_or_default();
                let texts = items.iter().filter_map(|item| item["text"].as_str().map(str::to_owned));
                texts.filter(|text| text.starts_with("Reply")).collect()
            }
        }
    }
}

/// Writes a mail. SES tells of it until the function has heard: nobody else repeats it on the emulator.
async fn mail(
    stage: &Stage,
    emulator: &Emulator,
    place: &Place,
    address: &str,
    (number, text): (usize, &str),
    file: Option<&Bytes>,
) {
    let id = |number: usize| format!("<{number}.{}@example.org>", address.replace('@', "."));
    let mut letter = Letter::new("Ann Lee <ann@example.org>", address, "Broken lamp", text);
    if let Some(file) = file {
        let body = format!(
            "--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: text/csv; name=\"file.csv\"\n\
             Content-Disposition: attachment; filename=\"file.csv\"\n\n{}\n--b--\n",
            // Its lines are ended as those of a mail are.
            String::from_utf8_lossy(file).replace("\r\n", "\n")
        );
        letter = Letter::new("Ann Lee <ann@example.org>", address, "Broken lamp", &body)
            .with("MIME-Version", "1.0")
            .with("Content-Type", "multipart/mixed; boundary=b");
    }
    letter = letter.with("Message-ID", &id(number));
    if number > 0 {
        letter = letter.with("Subject", "Re: Broken lamp").with("In-Reply-To", &id(number - 1));
    }
    let name = format!("{address}-{number}");
    eventually("the mail is on a ticket", PATIENCE, async || {
        emulator.receive_mail(&name, letter.bytes(), address, "PASS").await;
        let heard = async {
            loop {
                for ticket in place.tickets(stage).await {
                    let id = ticket["id"].as_str().unwrap_or_default();
                    let path = format!("/tickets/{id}/events?limit=100");
                    let events = stage.desk.attempt(Method::GET, &path, None, &[]).await;
                    if events.is_ok_and(|events| events.body["items"].to_string().contains(text)) {
                        return;
                    }
                }
                tokio::time::sleep(super::GLANCE).await;
            }
        };
        tokio::time::timeout(super::TOLD_AGAIN, heard).await
    })
    .await;
}

/// Writes in the chat, as the widget does that repeats what was not acknowledged under the same id.
async fn chat(visitor: &Visitor, number: usize, text: &str, file: Option<&Bytes>) {
    let mut body = json!({"client_id": number.to_string(), "text": text});
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
