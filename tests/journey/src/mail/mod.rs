//! Mail as its users see it: a server that the desk sends through, and people who write to the desk.

mod client;
mod server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mail_parser::{Message, MessageParser};
use serde_json::{Value, json};

pub use self::client::{send, try_send};
pub use self::server::{MailServer, Sent};
use crate::desk::SOON;
use crate::stage::Stage;
use crate::{DELIVERY, client, eventually};

/// An address of the firm that is connected to the desk.
#[derive(Debug, Clone)]
pub struct Office {
    /// The connection's id.
    pub id: String,
    /// The address.
    pub address: String,
    /// What hands in mails over HTTP.
    secret: String,
    webhook: String,
    client: reqwest::Client,
}

/// A mail that somebody writes. Lines end as [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322) wants it when handed
/// in.
#[derive(Debug, Clone)]
pub struct Letter {
    headers: Vec<(String, String)>,
    text: String,
}

impl Office {
    /// Connects an address; mails leave through `server`.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn open(stage: &Stage, server: &MailServer, address: &str, more: Value) -> Self {
        let mut settings = json!({"address": address, "from_name": "The Shop", "smtp_url": server.url()});
        for (name, value) in more.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        let body = json!({"channel": "email", "name": "Support", "settings": settings});
        let created = stage.desk.post("/connections", &body).await;
        let text = |value: &Value| value.as_str().expect("is a text").to_owned();
        Self {
            id: text(&created["id"]),
            address: address.to_owned(),
            secret: text(&created["settings"]["secret"]),
            webhook: text(&created["webhook_url"]),
            client: client(),
        }
    }

    /// Hands in bytes as a mail server would, once. The status; 0 without an answer.
    pub async fn hand_in(&self, mail: impl Into<Vec<u8>>) -> u16 {
        let request = self.client.post(&self.webhook).bearer_auth(&self.secret);
        let request = request.header("content-type", "message/rfc822").body(mail.into());
        request.send().await.map_or(0, |response| response.status().as_u16())
    }

    /// Hands in a mail until it is taken, as a mail server does that keeps what it could not hand over.
    ///
    /// # Panics
    /// When it is not taken within two minutes.
    pub async fn deliver(&self, letter: &Letter) {
        eventually("the mail is taken", DELIVERY, async || match self.hand_in(letter.bytes()).await {
            200 => Ok(()),
            status => Err(status),
        })
        .await;
    }

    /// Hands in a mail that must be taken.
    ///
    /// # Panics
    /// When it is not.
    pub async fn receives(&self, letter: &Letter) {
        assert_eq!(self.hand_in(letter.bytes()).await, 200);
    }

    /// The tickets of this address, the oldest first.
    pub async fn tickets(&self, stage: &Stage) -> Vec<Value> {
        let tickets = stage.desk.list("/tickets?channel=email").await;
        let mut tickets: Vec<_> =
            tickets.into_iter().filter(|ticket| ticket["connection"] == self.id).collect();
        tickets.sort_by_key(|ticket| ticket["number"].as_u64());
        tickets
    }

    /// Waits until this address has so many tickets.
    pub async fn await_tickets(&self, stage: &Stage, count: usize) -> Vec<Value> {
        eventually(&format!("there are {count} tickets"), SOON, async || {
            let tickets = self.tickets(stage).await;
            if tickets.len() == count { Ok(tickets) } else { Err(tickets) }
        })
        .await
    }
}

impl Letter {
    /// A mail from somebody to somebody.
    pub fn new(from: &str, to: &str, subject: &str, text: &str) -> Self {
        let letter = Self { headers: Vec::new(), text: text.to_owned() };
        letter
            .with("Message-ID", &format!("<{}@{}>", unique(), domain(from)))
            .with("Date", "Mon, 23 Nov 2026 09:00:00 +0000")
            .with("From", from)
            .with("To", to)
            .with("Subject", subject)
    }

    /// The same with another header, in place of the one that it has.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a file.
    #[must_use]
    pub fn attaching(mut self, name: &str, content_type: &str, bytes: &[u8]) -> Self {
        let mut body = format!("--b\nContent-Type: text/plain; charset=utf-8\n\n{}\n--b\n", self.text);
        body.push_str(&format!("Content-Type: {content_type}\nContent-Transfer-Encoding: base64\n"));
        body.push_str(&format!("Content-Disposition: attachment; filename=\"{name}\"\n"));
        // 57 bytes are a line of 76 letters.
        for line in bytes.chunks(57) {
            body.push('\n');
            BASE64.encode_string(line, &mut body);
        }
        body.push_str("\n--b--\n");
        self.text = body;
        self.with("MIME-Version", "1.0").with("Content-Type", "multipart/mixed; boundary=b")
    }

    /// The same as an answer to a mail of the desk, with its threading headers as mail programs write them.
    #[must_use]
    pub fn answering(self, sent: &Sent) -> Self {
        let id = format!("<{}>", sent.message_id());
        let mut references: Vec<String> = sent.references().iter().map(|id| format!("<{id}>")).collect();
        references.push(id.clone());
        self.with("In-Reply-To", &id).with("References", &references.join(" "))
    }

    /// Its Message-ID with brackets.
    pub fn id(&self) -> &str {
        let id = self.headers.iter().find(|(name, _)| name == "Message-ID");
        id.map(|(_, id)| id.as_str()).unwrap_or_default()
    }

    /// The mail itself.
    pub fn bytes(&self) -> Vec<u8> {
        let mut mail = String::new();
        for (name, value) in &self.headers {
            mail.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.headers.iter().any(|(name, _)| name == "Content-Type") {
            mail.push_str("Content-Type: text/plain; charset=utf-8\r\n");
        }
        mail.push_str("\r\n");
        mail.push_str(&self.text.replace('\n', "\r\n"));
        mail.into_bytes()
    }
}

/// Reads a mail.
pub(crate) fn parsed(mail: &[u8]) -> Message<'_> {
    MessageParser::new().parse(mail).expect("the desk sends mails that can be read")
}

/// A number that no other call returns.
fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("example.org", |(_, domain)| domain.trim_end_matches('>'))
}
