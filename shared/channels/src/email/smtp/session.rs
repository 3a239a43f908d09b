//! A conversation with a mail server: greeting, encryption, login, and what it offers.

use std::future::Future;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::answer::{Failure, Outcome, Step};
use super::connection::{Answer, Connection};
use super::server::{Login, Server};

/// The time for a polite end, once nothing depends on it.
pub(super) const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The first digit of an answer by which the server did what it was asked for.
pub(super) const DONE: u16 = 2;
/// The first digit of an answer by which the server waits for more.
pub(super) const GO_ON: u16 = 3;

/// A connection whose server was greeted.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    offers: Offers,
    until: Instant,
}

/// What a server offers that we use ([RFC 5321, 4.1.1.1](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.1.1)).
#[derive(Debug, Default)]
struct Offers {
    start_tls: bool,
    eight_bit: bool,
    plain: bool,
    login: bool,
}

impl Session {
    /// Connects, as the server's URL wants it. `hello` is the domain that we say we are. What is asked later must be
    /// answered `until` then, too.
    pub(super) async fn open(server: &Server, hello: &str, until: Instant) -> Outcome<Self> {
        let tls = match server.needs_tls() {
            true => Some(server.tls().await.map_err(|failure| (Step::Connect, failure))?),
            false => None,
        };
        let (wrapped, upgraded) = if server.starts_with_tls() { (tls, None) } else { (None, tls) };
        let greeted = async {
            let mut connection = Connection::open(server.host(), server.port()).await?;
            if let Some(tls) = wrapped {
                connection = connection.encrypted(server.host(), tls).await?;
            }
            let session = Self::greeted(connection, hello, until).await?;
            match upgraded {
                Some(tls) => session.encrypted(server, tls, hello).await,
                None => Ok(session),
            }
        };
        by(until, Step::Connect, greeted).await
    }

    /// Hears the server's greeting, and greets it.
    pub(super) async fn greeted(
        mut connection: Connection,
        hello: &str,
        until: Instant,
    ) -> Result<Self, Failure> {
        expect(connection.hear().await?, DONE)?;
        Self::introduced(connection, hello, until).await
    }

    async fn introduced(mut connection: Connection, hello: &str, until: Instant) -> Result<Self, Failure> {
        let answer = expect(connection.ask(&format!("EHLO {hello}")).await?, DONE)?;
        Ok(Self { connection, offers: Offers::of(&answer), until })
    }

    /// The same conversation, encrypted: it begins anew, because anybody may have said what was said before.
    pub(super) async fn encrypted(
        mut self,
        server: &Server,
        tls: ClientConfig,
        hello: &str,
    ) -> Result<Self, Failure> {
        if !self.offers.start_tls {
            return Err(Failure::NoTls);
        }
        expect(self.connection.ask("STARTTLS").await?, DONE)?;
        let connection = self.connection.encrypted(server.host(), tls).await?;
        Self::introduced(connection, hello, self.until).await
    }

    /// Logs in, as whom the server's URL names, if anybody.
    pub(super) async fn log_in(&mut self, server: &Server) -> Outcome<()> {
        let Some(Login { user, password }) = server.login() else { return Ok(()) };
        if self.offers.plain {
            let credentials = BASE64.encode(format!("\0{user}\0{password}"));
            self.ask(Step::LogIn, &format!("AUTH PLAIN {credentials}"), DONE).await
        } else if self.offers.login {
            let mut answer = self.hear(Step::LogIn, "AUTH LOGIN").await?;
            // Some servers ask in their own words, and one that needs no password asks once.
            for secret in [user, password] {
                if answer.code / 100 == GO_ON {
                    answer = self.hear(Step::LogIn, &BASE64.encode(secret)).await?;
                }
            }
            expect(answer, DONE).map(drop).map_err(|failure| (Step::LogIn, failure))
        } else {
            Err((Step::LogIn, Failure::NoLogIn))
        }
    }

    /// Whether the server takes bytes above ASCII ([RFC 6152](https://www.rfc-editor.org/rfc/rfc6152)).
    pub(super) const fn takes_eight_bits(&self) -> bool {
        self.offers.eight_bit
    }

    /// Sends a command whose answer begins with the digit `kind`.
    pub(super) async fn ask(&mut self, step: Step, command: &str, kind: u16) -> Outcome<()> {
        let answer = self.hear(step, command).await?;
        expect(answer, kind).map(drop).map_err(|failure| (step, failure))
    }

    async fn hear(&mut self, step: Step, command: &str) -> Outcome<Answer> {
        if self.connection.has_spoken() {
            return Err((step, Failure::Foreign));
        }
        let answer = async { Ok(self.connection.ask(command).await?) };
        by(self.until, step, answer).await
    }

    /// Until when everything before the dot must be done.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// The connection, to hand a mail over.
    pub(super) const fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Ends the conversation politely, whatever the server says to that.
    pub(super) async fn leave(mut self) {
        let _ = tokio::time::timeout(QUIT_TIMEOUT, self.connection.ask("QUIT")).await;
    }
}

impl Offers {
    fn of(answer: &Answer) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in answer.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.start_tls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("AUTH") => {
                    for word in words {
                        offers.plain |= word == "PLAIN";
                        offers.login |= word == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

/// An answer of the right kind: `250` to DATA would mean that the server speaks something else.
pub(super) fn expect(answer: Answer, kind: u16) -> Result<Answer, Failure> {
    match answer.code / 100 {
        4.. => Err(Failure::Refused(answer)),
        found if found == kind => Ok(answer),
        _ => Err(Failure::Foreign),
    }
}

/// Work that must be done by then.
pub(super) async fn by<T>(
    deadline: Instant,
    step: Step,
    work: impl Future<Output = Result<T, Failure>>,
) -> Outcome<T> {
    let done = tokio::time::timeout_at(deadline, work).await.unwrap_or(Err(Failure::Timeout));
    done.map_err(|failure| (step, failure))
}
