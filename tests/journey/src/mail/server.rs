//! A mail server that takes mails from the desk, and can refuse them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mail_parser::HeaderValue;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::parsed;
use crate::desk::SOON;
use crate::eventually;

/// A mail server.
#[derive(Debug, Clone)]
pub struct MailServer {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sent: Mutex<Vec<Sent>>,
    /// What is answered to a recipient, in place of 250.
    refused: Mutex<HashMap<String, String>>,
}

/// A mail that the desk sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The mail itself.
    pub bytes: Vec<u8>,
}

impl MailServer {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("a bound port has an address"));
        let server = Self { url, shared: Arc::default() };
        let shared = Arc::clone(&server.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ = session(stream, &shared).await;
                });
            }
        });
        server
    }

    /// What connections name as `smtp_url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers a recipient with this line from now on, such as `550 5.1.1 No such user`.
    pub fn refuse(&self, address: &str, line: &str) {
        self.shared.refused.lock().expect("no panics").insert(address.to_owned(), line.to_owned());
    }

    /// Everything that was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.sent.lock().expect("no panics").clone()
    }

    /// Waits for so many mails, and returns them all.
    pub async fn await_sent(&self, count: usize) -> Vec<Sent> {
        eventually(&format!("{count} mails were sent"), SOON, async || {
            let sent = self.sent();
            if sent.len() >= count { Ok(sent) } else { Err(sent.len()) }
        })
        .await
    }
}

impl Sent {
    /// The Message-ID, without brackets.
    pub fn message_id(&self) -> String {
        parsed(&self.bytes).message_id().expect("a mail of the desk has an id").to_owned()
    }

    /// The ids that it refers to, without brackets.
    pub fn references(&self) -> Vec<String> {
        ids(parsed(&self.bytes).references())
    }

    /// The ids of what it answers, without brackets.
    pub fn in_reply_to(&self) -> Vec<String> {
        ids(parsed(&self.bytes).in_reply_to())
    }

    /// The subject.
    pub fn subject(&self) -> String {
        parsed(&self.bytes).subject().unwrap_or_default().to_owned()
    }

    /// The plain text.
    pub fn text(&self) -> String {
        parsed(&self.bytes).body_text(0).unwrap_or_default().into_owned()
    }

    /// The HTML.
    pub fn html(&self) -> String {
        parsed(&self.bytes).body_html(0).unwrap_or_default().into_owned()
    }

    /// A header as it stands in the mail, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let parsed = parsed(&self.bytes);
        Some(parsed.header_raw(name)?.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The names and contents of its files.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        use mail_parser::MimeHeaders as _;
        let parsed = parsed(&self.bytes);
        let file = |part: &mail_parser::MessagePart<'_>| {
            (part.attachment_name().unwrap_or_default().to_owned(), part.contents().to_vec())
        };
        parsed.attachments().map(file).collect()
    }
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// One conversation by the rules of [RFC 5321](https://www.rfc-editor.org/rfc/rfc5321), as far as a client needs it.
async fn session(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.test ESMTP\r\n").await?;
    let mut sent = Sent { from: String::new(), to: Vec::new(), bytes: Vec::new() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let upper = line.to_ascii_uppercase();
        let address =
            line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(it, _)| it.to_owned());
        let answer = if upper.starts_with("EHLO") {
            "250-mail.test\r\n250-8BITMIME\r\n250 SIZE 50000000".to_owned()
        } else if upper.starts_with("MAIL") {
            sent = Sent { from: address.unwrap_or_default(), to: Vec::new(), bytes: Vec::new() };
            "250 2.1.0 Ok".to_owned()
        } else if upper.starts_with("RCPT") {
            let address = address.unwrap_or_default();
            let refusal = shared.refused.lock().expect("no panics").get(&address).cloned();
            match refusal {
                Some(refusal) => refusal,
                None => {
                    sent.to.push(address);
                    "250 2.1.5 Ok".to_owned()
                }
            }
        } else if upper == "DATA" {
            stream.write_all(b"354 Go ahead\r\n").await?;
            sent.bytes = data(&mut stream).await?;
            shared.sent.lock().expect("no panics").push(sent.clone());
            "250 2.0.0 Ok".to_owned()
        } else if upper == "QUIT" {
            stream.write_all(b"221 2.0.0 Bye\r\n").await?;
            return Ok(());
        } else {
            "250 2.0.0 Ok".to_owned()
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// The mail until the line with a single dot, with doubled dots made single.
async fn data(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            // Whoever leaves in the middle has sent nothing.
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(mail);
        }
        mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
