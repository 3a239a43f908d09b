//! Sending by SMTP ([RFC 5321](https://www.rfc-editor.org/rfc/rfc5321)), through the server that a connection's
//! setting `smtp_url` names.
//!
//! A server takes responsibility for a mail when it answers the dot that ends it. Before the dot is written the mail
//! was certainly not accepted; between dot and answer nobody knows; so every failure tells at which step it came.

mod answer;
mod server;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;

use self::answer::{Failure, Step};
pub use self::server::{BadUrl, Server};
use super::compose::deliverable;
use crate::platform::{Accepted, SendError, SendFailure};

/// The time for a connection to stand: name, TCP, TLS and greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The time for the answer to a command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// The time for the answer to the mail, besides what its bytes take. Servers look for viruses meanwhile.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest line that a mail may be sent by, in bytes per second.
const SLOWEST: u64 = 100 * 1024;
/// The time for a polite end, once nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of a mail is written at once, in bytes.
const CHUNK: usize = 64 * 1024;

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
    let opened = async {
        let mut connection = transfer.open().await?;
        transfer.log_in(&mut connection).await?;
        leave(connection).await;
        Ok(())
    };
    opened.await.map_err(|(step, failure)| answer::send_error(step, failure, &server))
}

/// An address as the server is told it.
fn address(text: &str, class: SendFailure) -> Result<Address, SendError> {
    let failed = |reason, detail| SendError { class: class.clone(), reason, detail };
    let address = deliverable(text).map_err(|unsendable| failed(unsendable.reason, unsendable.detail))?;
    address.parse().map_err(|_| failed("bad_address", format!("“{address}” is not an e-mail address.")))
}

/// One mail on its way to one server.
struct Transfer<'a> {
    server: &'a Server,
    sender: Address,
    recipients: Vec<Address>,
    mail: &'a [u8],
}

type Outcome<T> = Result<T, (Step, Failure)>;

impl Transfer<'_> {
    async fn run(&self) -> Outcome<()> {
        let connection = self.open().await?;
        self.run_over(connection).await
    }

    /// Everything that follows the greetings.
    async fn run_over(&self, mut connection: AsyncSmtpConnection) -> Outcome<()> {
        self.log_in(&mut connection).await?;
        self.name_sender(&mut connection).await?;
        self.name_recipients(&mut connection).await?;
        self.hand_over(&mut connection).await?;
        leave(connection).await;
        Ok(())
    }

    /// Who we say we are. Servers that take mail from their own users look at the login instead.
    fn hello(&self) -> ClientId {
        ClientId::Domain(self.sender.domain().to_owned())
    }

    async fn open(&self) -> Outcome<AsyncSmtpConnection> {
        let server = self.server;
        let tls = match server.needs_tls() {
            true => Some(server.tls().await.map_err(|failure| (Step::Connect, failure))?),
            false => None,
        };
        let (wrapped, upgraded) = if server.starts_with_tls() { (tls, None) } else { (None, tls) };
        let hello = self.hello();
        let connected = AsyncSmtpConnection::connect_tokio1(
            (server.host(), server.port()),
            Some(CONNECT_TIMEOUT),
            &hello,
            wrapped,
            None,
        );
        let mut connection = within(CONNECT_TIMEOUT, Step::Connect, connected).await?;
        if let Some(tls) = upgraded {
            if !connection.can_starttls() {
                return Err((Step::Connect, Failure::NoTls));
            }
            within(CONNECT_TIMEOUT, Step::Connect, connection.starttls(tls, &hello)).await?;
        }
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Outcome<()> {
        let Some(credentials) = self.server.credentials() else { return Ok(()) };
        let mechanisms = server::MECHANISMS;
        if connection.server_info().get_auth_mechanism(mechanisms).is_none() {
            return Err((Step::LogIn, Failure::NoLogIn));
        }
        let answer = within(COMMAND_TIMEOUT, Step::LogIn, connection.auth(mechanisms, credentials)).await?;
        expect(Step::LogIn, &answer, '2')
    }

    async fn name_sender(&self, connection: &mut AsyncSmtpConnection) -> Outcome<()> {
        let mut parameters = Vec::new();
        if !self.mail.is_ascii() {
            if !connection.server_info().supports_feature(Extension::EightBitMime) {
                return Err((Step::Sender, Failure::EightBit));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mail = Mail::new(Some(self.sender.clone()), parameters);
        let answer = within(COMMAND_TIMEOUT, Step::Sender, connection.command(mail)).await?;
        expect(Step::Sender, &answer, '2')
    }

    async fn name_recipients(&self, connection: &mut AsyncSmtpConnection) -> Outcome<()> {
        for (index, recipient) in self.recipients.iter().enumerate() {
            let command = Rcpt::new(recipient.clone(), Vec::new());
            match within(COMMAND_TIMEOUT, Step::Recipient, connection.command(command)).await {
                Ok(answer) => expect(Step::Recipient, &answer, '2')?,
                Err((_, Failure::Smtp(error))) if index > 0 && error.status().is_some() => {
                    tracing::warn!(index, "a mail server refused one of several recipients");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Hands the mail over, and waits for the server to take it.
    async fn hand_over(&self, connection: &mut AsyncSmtpConnection) -> Outcome<()> {
        let ready = within(COMMAND_TIMEOUT, Step::Data, connection.command(Data)).await?;
        expect(Step::Data, &ready, '3')?;
        let ended = AtomicBool::new(false);
        // The connection asks for the next chunk only when the last one was written, and writes the dot after that.
        let end = std::iter::from_fn(|| {
            ended.store(true, Ordering::SeqCst);
            None
        });
        let limit = ANSWER_TIMEOUT + Duration::from_secs(self.mail.len() as u64 / SLOWEST);
        // The end of the last line is written with the dot.
        let mail = self.mail.strip_suffix(b"\r\n").unwrap_or(self.mail);
        let written = connection.message_iter(mail.chunks(CHUNK).chain(end));
        let answer = within(limit, Step::Data, written).await;
        let step = if ended.load(Ordering::SeqCst) { Step::End } else { Step::Data };
        expect(step, &answer.map_err(|(_, failure)| (step, failure))?, '2')
    }
}

/// Ends a connection politely. The mail is the server's by now, whatever it answers.
async fn leave(mut connection: AsyncSmtpConnection) {
    let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await;
}

async fn within<T>(
    limit: Duration,
    step: Step,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Outcome<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(|error| (step, Failure::Smtp(error))),
        Err(_) => Err((step, Failure::Timeout)),
    }
}

/// An answer of the right kind: `250` to DATA would mean that the server speaks something else.
fn expect(step: Step, answer: &Response, kind: char) -> Outcome<()> {
    if answer.code().to_string().starts_with(kind) { Ok(()) } else { Err((step, Failure::Foreign)) }
}
