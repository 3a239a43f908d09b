//! Sending by SMTP ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321)), through the server that a connection's
//! setting `smtp_url` names.
//!
//! A server takes responsibility for a mail when it answers the dot that ends it. Before the dot is written the mail
//! was certainly not accepted; between dot and answer nobody knows; so every failure tells at which step it came.

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
use self::session::{DONE, GO_ON, Session, expect, within};
use super::compose::deliverable;
use crate::platform::{Accepted, SendError, SendFailure};

/// The time for the answer to the mail, besides what its bytes take. Servers look for viruses meanwhile.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest line that a mail may be sent by, in bytes per second.
const SLOWEST: u64 = 100 * 1024;

/// What must be left of the time for the answer when the dot is written.
const LEAST_LEFT: Duration = Duration::from_secs(20);

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
    transfer.run().await.map_err(|(step, failure)| answer::send_error(step, failure, &server))?;
    Ok(Accepted { message: envelope.message_id.clone() })
}

/// Connects, logs in and leaves: whether the settings of a connection work.
///
/// # Errors
/// As [`send`], with nothing sent.
pub async fn try_out(url: &str, from: &str) -> Result<(), SendError> {
    let server: Server = url.parse()?;
    let sender = address(from, SendFailure::Rejected)?;
    let transfer = Transfer { server: &server, sender, recipients: Vec::new(), mail: &[] };
    transfer.run().await.map_err(|(step, failure)| answer::send_error(step, failure, &server))
}

/// An address as the server is told it.
fn address(text: &str, class: SendFailure) -> Result<String, SendError> {
    deliverable(text).map_err(|bad| SendError { class, reason: bad.reason, detail: bad.detail })
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
    async fn run(&self) -> Outcome<()> {
        let session = Session::open(self.server, self.hello()).await?;
        self.run_over(session).await
    }

    /// Everything that follows the greetings.
    async fn run_over(&self, mut session: Session) -> Outcome<()> {
        let done = self.converse(&mut session).await;
        if !done.as_ref().is_err_and(|(_, failure)| failure.ends_connection()) {
            session.leave().await;
        }
        done
    }

    async fn converse(&self, session: &mut Session) -> Outcome<()> {
        session.log_in(self.server).await?;
        if self.recipients.is_empty() {
            return Ok(());
        }
        self.name_sender(session).await?;
        self.name_recipients(session).await?;
        self.hand_over(session).await
    }

    /// Who we say we are. Servers that take mail from their own users look at the login instead.
    fn hello(&self) -> &str {
        self.sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }

    async fn name_sender(&self, session: &mut Session) -> Outcome<()> {
        let body = match self.mail.is_ascii() {
            true => "",
            false if session.takes_eight_bits() => " BODY=8BITMIME",
            false => return Err((Step::Sender, Failure::EightBit)),
        };
        session.ask(Step::Sender, &format!("MAIL FROM:<{}>{body}", self.sender), DONE).await
    }

    async fn name_recipients(&self, session: &mut Session) -> Outcome<()> {
        for (index, recipient) in self.recipients.iter().enumerate() {
            match session.ask(Step::Recipient, &format!("RCPT TO:<{recipient}>"), DONE).await {
                Err((_, Failure::Refused(_))) if index > 0 => {
                    tracing::warn!(index, "a mail server refused one of several recipients");
                }
                answered => answered?,
            }
        }
        Ok(())
    }

    /// Hands the mail over, and waits for the server to take it.
    async fn hand_over(&self, session: &mut Session) -> Outcome<()> {
        session.ask(Step::Data, "DATA", GO_ON).await?;
        let begun = Instant::now();
        let limit = ANSWER_TIMEOUT + Duration::from_secs(self.mail.len() as u64 / SLOWEST);
        let connection = session.connection();
        // The end of the last line is written with the dot.
        let mail = self.mail.strip_suffix(b"\r\n").unwrap_or(self.mail);
        within(limit, Step::Data, async { Ok(connection.write_mail(mail).await?) }).await?;
        // Without its dot the mail is certainly not the server's.
        if connection.has_spoken() {
            return Err((Step::Data, Failure::Foreign));
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left < LEAST_LEFT {
            return Err((Step::Data, Failure::Timeout));
        }
        let taken = async { expect(connection.ask("\r\n.").await?, DONE) };
        within(left, Step::End, taken).await.map(drop)
    }
}
