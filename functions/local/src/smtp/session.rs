//! One client's session.

use std::net::IpAddr;
use std::sync::Arc;

use smtp_proto::{Error, MAIL_BODY_BINARYMIME, MAIL_REQUIRETLS, MAIL_SMTPUTF8, MailFrom, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::data::{Piece, Unstuffing};
use super::wire::{Stop, Wire};
use super::{BLOCK, Envelope, Exchange, Limits, Recipient};

/// A client's session, from the greeting to the end.
pub(super) struct Session<S> {
    wire: Wire<S>,
    client: IpAddr,
    host: Arc<str>,
    exchange: Arc<dyn Exchange>,
    memory: Arc<Semaphore>,
    limits: Limits,
    helo: Option<String>,
    mail: Option<Mail>,
    mistakes: u32,
    commands: u32,
}

/// A mail whose sender is known.
struct Mail {
    from: Option<String>,
    recipients: Vec<Recipient>,
    /// The size that the client announced, in bytes.
    announced: usize,
}

/// Whether a session goes on.
enum Next {
    Command,
    Goodbye,
}

/// What came of the bytes of a mail.
enum Received {
    /// All of it, with the memory that it takes.
    Mail(Vec<u8>, Option<OwnedSemaphorePermit>),
    /// More than a mail may have.
    TooLarge,
    /// More than there is memory for.
    NoRoom,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) fn new(
        stream: S,
        client: IpAddr,
        host: Arc<str>,
        exchange: Arc<dyn Exchange>,
        memory: Arc<Semaphore>,
        limits: Limits,
    ) -> Self {
        let wire = Wire::new(stream, limits.idle);
        Self {
            wire,
            client,
            host,
            exchange,
            memory,
            limits,
            helo: None,
            mail: None,
            mistakes: 0,
            commands: 0,
        }
    }

    pub(super) async fn run(mut self) {
        self.wire.answer(&format!("220 {} ESMTP Lambdesk", self.host));
        if let Err(stop) = self.commands().await {
            match stop {
                Stop::Gone => return,
                Stop::Idle => self.wire.answer("421 4.4.2 Silent for too long"),
                Stop::BareLineFeed => self.wire.answer("521 5.5.2 Lines end with CR LF"),
                Stop::TooLong => self.wire.answer("521 5.5.2 Line too long"),
            }
        }
        self.wire.close().await;
    }

    async fn commands(&mut self) -> Result<(), Stop> {
        while self.commands < self.limits.commands {
            self.commands += 1;
            let line = self.wire.line().await?;
            if let Next::Goodbye = self.command(&line).await? {
                return Ok(());
            }
            if self.mistakes > self.limits.mistakes {
                self.wire.answer("421 4.7.0 Too many mistakes");
                return Ok(());
            }
        }
        self.wire.answer("421 4.7.0 Too many commands");
        Ok(())
    }

    async fn command(&mut self, line: &[u8]) -> Result<Next, Stop> {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.iter().any(u8::is_ascii_control) {
            self.mistake("500 5.5.2 Control characters have no place in a command");
            return Ok(Next::Command);
        }
        match Request::parse(&mut line.iter()) {
            Ok(Request::Ehlo { host }) => self.greet(&host, true),
            Ok(Request::Helo { host }) => self.greet(&host, false),
            Ok(Request::Mail { from }) => self.sender(&from),
            Ok(Request::Rcpt { to }) => self.recipient(&to.address).await,
            Ok(Request::Data) => self.data().await?,
            Ok(Request::Rset) => {
                self.mail = None;
                self.wire.answer("250 2.0.0 Ok");
            }
            Ok(Request::Noop { .. }) => self.wire.answer("250 2.0.0 Ok"),
            Ok(Request::Vrfy { .. }) => self.wire.answer("252 2.1.5 Send a mail and see"),
            Ok(Request::Help { .. }) => self.wire.answer("214 2.0.0 RFC 5321"),
            Ok(Request::Quit) => {
                self.wire.answer("221 2.0.0 Goodbye");
                return Ok(Next::Goodbye);
            }
            Ok(_) => self.mistake("502 5.5.1 Not offered"),
            Err(Error::InvalidSenderAddress) => self.mistake("501 5.1.7 That is no address"),
            Err(Error::InvalidRecipientAddress) => self.mistake("501 5.1.3 That is no address"),
            Err(Error::SyntaxError { .. } | Error::InvalidParameter { .. }) => {
                self.mistake("501 5.5.4 That makes no sense");
            }
            Err(Error::UnsupportedParameter { .. }) => self.mistake("555 5.5.4 Parameter not offered"),
            Err(_) => self.mistake("500 5.5.1 Unknown command"),
        }
        Ok(Next::Command)
    }

    fn mistake(&mut self, answer: &str) {
        self.mistakes += 1;
        self.wire.answer(answer);
    }

    fn greet(&mut self, name: &str, extended: bool) {
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return self.mistake("501 5.5.4 That is no host name");
        }
        self.helo = Some(name.to_owned());
        self.mail = None;
        if !extended {
            return self.wire.answer(&format!("250 {}", self.host));
        }
        self.wire.answer(&format!(
            "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8",
            self.host, self.limits.size
        ));
    }

    fn sender(&mut self, from: &MailFrom<std::borrow::Cow<'_, str>>) {
        if self.helo.is_none() {
            self.mistake("503 5.5.1 EHLO first");
        } else if self.mail.is_some() {
            self.mistake("503 5.5.1 One mail at a time");
        } else if from.flags & (MAIL_BODY_BINARYMIME | MAIL_REQUIRETLS) != 0 {
            self.mistake("555 5.5.4 Parameter not offered");
        } else if from.size > self.limits.size {
            self.wire.answer("552 5.3.4 The mail is too large");
        } else if !from.address.is_ascii() && from.flags & MAIL_SMTPUTF8 == 0 {
            self.mistake("553 5.6.7 SMTPUTF8 is missing");
        } else {
            let address = (!from.address.is_empty()).then(|| from.address.to_string());
            self.mail = Some(Mail { from: address, recipients: Vec::new(), announced: from.size });
            self.wire.answer("250 2.1.0 Ok");
        }
    }

    async fn recipient(&mut self, address: &str) {
        let Some(mail) = &mut self.mail else {
            return self.mistake("503 5.5.1 MAIL first");
        };
        if mail.recipients.len() >= self.limits.recipients {
            // The client does right to name them all, and to hand in the mail for those that were taken
            // (RFC 5321, 4.5.3.1.10).
            self.commands = self.commands.saturating_sub(1);
            return self.wire.answer("452 4.5.3 Too many recipients");
        }
        match self.exchange.accepts(address).await {
            Ok(Some(connection)) => {
                let recipient = Recipient { address: address.to_owned(), connection };
                if !mail.recipients.contains(&recipient) {
                    mail.recipients.push(recipient);
                }
                self.wire.answer("250 2.1.5 Ok");
            }
            Ok(None) => self.mistake("550 5.1.1 Nobody here has this address"),
            Err(error) => {
                tracing::error!(%error, "the addresses of the desk could not be read");
                self.wire.answer("451 4.3.0 Come again later");
            }
        }
    }

    async fn data(&mut self) -> Result<(), Stop> {
        let Some(mail) = self.mail.take_if(|mail| !mail.recipients.is_empty()) else {
            self.mistake("503 5.5.1 RCPT first");
            return Ok(());
        };
        self.wire.answer("354 Go on, and end with a dot");
        let (bytes, room) = match self.receive(mail.announced).await? {
            Received::Mail(bytes, room) => (bytes, room),
            Received::TooLarge => {
                self.wire.answer("552 5.3.4 The mail is too large");
                return Ok(());
            }
            Received::NoRoom => {
                self.wire.answer("452 4.3.1 No room now, come again later");
                return Ok(());
            }
        };
        let envelope = Envelope {
            client: self.client,
            helo: self.helo.clone().unwrap_or_default(),
            from: mail.from,
            recipients: mail.recipients,
        };
        match self.exchange.deliver(envelope, bytes).await {
            Ok(()) => self.wire.answer("250 2.0.0 Ok, it is ours now"),
            Err(error) => {
                tracing::error!(%error, "a mail could not be made durable");
                self.wire.answer("451 4.3.0 Come again later");
            }
        }
        drop(room);
        Ok(())
    }

    /// Reads a mail to its end. What cannot be kept is read all the same, because only its end tells where commands
    /// begin again.
    async fn receive(&mut self, announced: usize) -> Result<Received, Stop> {
        let (mut mail, mut room) = (Vec::new(), None::<OwnedSemaphorePermit>);
        let (mut too_large, mut no_room) = (false, false);
        let mut unstuffing = Unstuffing::default();
        loop {
            let bytes = self.wire.bytes().await?;
            let wanted = mail.len() + bytes.len();
            let have = room.as_ref().map_or(0, |room| room.num_permits() * BLOCK);
            too_large |= mail.len() > self.limits.size;
            if !too_large && !no_room && wanted > have {
                // The whole of what was announced is reserved at the first byte.
                let blocks = wanted.max(announced).saturating_sub(have).div_ceil(BLOCK);
                let more = u32::try_from(blocks)
                    .ok()
                    .and_then(|blocks| Arc::clone(&self.memory).try_acquire_many_owned(blocks).ok());
                match (more, &mut room) {
                    (Some(more), Some(room)) => room.merge(more),
                    (Some(more), none) => *none = Some(more),
                    (None, _) => no_room = true,
                }
            }
            if too_large || no_room {
                mail = Vec::new();
                room = None;
            }
            let piece = unstuffing.take(bytes, &mut mail);
            let count = bytes.len();
            match piece {
                Piece::Mail => self.wire.took(count),
                Piece::End(taken) => {
                    self.wire.took(taken);
                    too_large |= mail.len() > self.limits.size;
                    return Ok(match (too_large, no_room) {
                        (true, _) => Received::TooLarge,
                        (_, true) => Received::NoRoom,
                        _ => Received::Mail(mail, room),
                    });
                }
                Piece::BareLineFeed => return Err(Stop::BareLineFeed),
            }
        }
    }
}
