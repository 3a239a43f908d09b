//! Sending by SMTP ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321)), through the server that a connection's
//! setting `smtp_url` names.
//!
//! A server takes responsibility for a mail when it answers the dot that ends it. Before the dot is written the mail
//! was certainly not accepted; between dot and answer nobody knows; so every failure tells at which step it came, and
//! what comes before the dot has a time of its own, which takes none from the answer to it.

mod answer;
mod connection;
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

use self::answer::{Failure, Outcome, Step};
pub use self::server::{BadUrl, Server};
use self::session::{DONE, GO_ON, QUIT_TIMEOUT, Session, by, expect};
use super::compose::deliverable;
use crate::platform::{Accepted, LONGEST_SEND, SendError, SendFailure};

/// The time for everything before the dot: connection, greetings, login, recipients, and the mail itself.
const DOT_TIMEOUT: Duration = Duration::from_secs(43);
/// The time for the answer to the dot. Servers look for viruses meanwhile.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(45);
/// The time for everything where there is no mail, and somebody looks at a form and waits.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(15);
const _: () = assert!(
    DOT_TIMEOUT.as_secs() + ANSWER_TIMEOUT.as_secs() + QUIT_TIMEOUT.as_secs() <= LONGEST_SEND.as_secs(),
    "a mail takes longer than its sender allows for"
);

/// Where a mail comes from and goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The address that bounces go to.
    pub from: String,
    /// The recipients. The first one is whom the mail is for: when the server refuses it, nothing is sent. Refused
    /// others are left out.
    pub to: Vec<String>,
    /// The mail's Message-ID without brackets: what an accepted mail is known by from then on.
    pub message_id: String,
}

/// Sends a mail through the server of an `smtp_url`, over a connection of its own.
///
/// # Errors
/// With what follows from the failure. Certainly not accepted, and worth another try: no connection, TLS, temporary
/// refusals. [`Uncertain`](SendFailure::Uncertain) is what fails after the mail was written to its end.
pub async fn send(url: &str, envelope: &Envelope, mail: &[u8]) -> Result<Accepted, SendError> {
    let server: Server = url.parse()?;
    let sender = address(&envelope.from, SendFailure::Rejected)?;
    let recipient = |to: &String| address(to, SendFailure::Unreachable);
    let recipients = envelope.to.iter().map(recipient).collect::<Result<_, _>>()?;
    let transfer = Transfer { server: &server, sender, recipients, mail };
    let sent = transfer.run(DOT_TIMEOUT).await;
    let left_out = sent.map_err(|(step, failure)| answer::send_error(step, failure, &server))?;
    Ok(Accepted { message: envelope.message_id.clone(), left_out })
}

/// Connects, logs in and leaves: whether the settings of a connection work.
///
/// # Errors
/// As [`send`], with nothing sent.
pub async fn try_out(url: &str, from: &str) -> Result<(), SendError> {
    let server: Server = url.parse()?;
    let sender = address(from, SendFailure::Rejected)?;
    let transfer = Transfer { server: &server, sender, recipients: Vec::new(), mail: &[] };
    let tried = transfer.run(TRIAL_TIMEOUT).await;
    tried.map(drop).map_err(|(step, failure)| answer::send_error(step, failure, &server))
}

/// An address as the server is told it.
fn address(text: &str, class: SendFailure) -> Result<String, SendError> {
    deliverable(text).map_err(|bad| SendError { class, reason: bad.reason, detail: bad.detail })
}

/// Whether a CR or an LF stands by itself.
fn has_bare_break(mail: &[u8]) -> bool {
    memchr::memchr2_iter(b'\r', b'\n', mail).any(|at| match mail.get(at) {
        Some(b'\r') => mail.get(at + 1) != Some(&b'\n'),
        _ => at.checked_sub(1).and_then(|before| mail.get(before)) != Some(&b'\r'),
    })
}

/// One mail on its way to one server.
struct Transfer<'a> {
    server: &'a Server,
    sender: String,
    /// Nobody: the connection is only tried out.
    recipients: Vec<String>,
    mail: &'a [u8],
}

impl Transfer<'_> {
    /// Sends the mail, whose dot must be written within this time. Returns which recipients were left out, and why.
    async fn run(&self, limit: Duration) -> Outcome<Vec<String>> {
        let session = Session::open(self.server, self.hello(), Instant::now() + limit).await?;
        self.run_over(session).await
    }

    /// Everything that follows the greetings.
    async fn run_over(&self, mut session: Session) -> Outcome<Vec<String>> {
        let done = self.converse(&mut session).await;
        if !done.as_ref().is_err_and(|(_, failure)| failure.ends_connection()) {
            session.leave().await;
        }
        done
    }

    async fn converse(&self, session: &mut Session) -> Outcome<Vec<String>> {
        session.log_in(self.server).await?;
        if self.recipients.is_empty() {
            return Ok(Vec::new());
        }
        self.name_sender(session).await?;
        let left_out = self.name_recipients(session).await?;
        self.hand_over(session).await?;
        Ok(left_out)
    }

    /// Who we say we are. Servers that take mail from their own users look at the login instead.
    fn hello(&self) -> &str {
        self.sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    async fn name_sender(&self, session: &mut Session) -> Outcome<()> {
        // A server that takes more than CR LF for the end of a line would end the mail elsewhere than we do
        // (https://www.postfix.org/smtp-smuggling.html).
        if has_bare_break(self.mail) {
            return Err((Step::Sender, Failure::BareBreak));
        }
        let body = match self.mail.is_ascii() {
            true => "",
            false if session.takes_eight_bits() => " BODY=8BITMIME",
            false => return Err((Step::Sender, Failure::EightBit)),
        };
        session.ask(Step::Sender, &format!("MAIL FROM:<{}>{body}", self.sender), DONE).await
    }

    async fn name_recipients(&self, session: &mut Session) -> Outcome<Vec<String>> {
        let mut left_out = Vec::new();
        for (index, recipient) in self.recipients.iter().enumerate() {
            match session.ask(Step::Recipient, &format!("RCPT TO:<{recipient}>"), DONE).await {
                Err((step, failure @ Failure::Refused(_))) if index > 0 => {
                    let refusal = answer::send_error(step, failure, self.server);
                    left_out.push(format!("{recipient}: {}", refusal.detail));
                }
                answered => answered?,
            }
        }
        Ok(left_out)
    }

    /// Hands the mail over, and waits for the server to take it.
    async fn hand_over(&self, session: &mut Session) -> Outcome<()> {
        session.ask(Step::Data, "DATA", GO_ON).await?;
        let until = session.until();
        let connection = session.connection();
        // The end of the last line is written with the dot.
        let mail = self.mail.strip_suffix(b"\r\n").unwrap_or(self.mail);
        by(until, Step::Data, async { Ok(connection.write_mail(mail).await?) }).await?;
        // Without its dot the mail is certainly not the server's.
        if connection.has_spoken() {
            return Err((Step::Data, Failure::Foreign));
        }
        let taken = async { expect(connection.ask("\r\n.").await?, DONE) };
        by(Instant::now() + ANSWER_TIMEOUT, Step::End, taken).await.map(drop)
    }
}
