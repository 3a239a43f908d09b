//! A mail server at the other end of a wire, which answers one question with whatever it is told to.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a server answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Greeting,
    Hello,
    LogIn,
    Sender,
    Recipient,
    Data,
    /// The dot after the mail.
    End,
}

impl Question {
    pub(super) const ALL: [Self; 7] =
        [Self::Greeting, Self::Hello, Self::LogIn, Self::Sender, Self::Recipient, Self::Data, Self::End];

    fn polite_answer(self) -> &'static [u8] {
        match self {
            Self::Greeting => b"220 mail.test ESMTP\r\n",
            Self::Hello => b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000\r\n",
            Self::LogIn => b"235 2.7.0 Welcome\r\n",
            Self::Sender => b"250 2.1.0 Ok\r\n",
            Self::Recipient => b"250 2.1.5 Ok\r\n",
            Self::Data => b"354 Go on\r\n",
            Self::End => b"250 2.0.0 Ok: queued as 4F0A\r\n",
        }
    }
}

/// What the server does.
#[derive(Clone)]
pub(super) struct Script {
    /// Where it is not polite.
    pub(super) odd: Question,
    /// What it answers there.
    pub(super) answer: Vec<u8>,
    /// Whether it closes the connection then, rather than to say nothing more.
    pub(super) closes: bool,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = if self.closes { "closes" } else { "is silent" };
        write!(f, "{:?} is answered with \"{}\", and the server {then}", self.odd, self.answer.escape_ascii())
    }
}

/// What went over the wire, the goodbye aside.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) asked: Vec<Question>,
    /// All answers.
    pub(super) said: Vec<u8>,
    /// Whether the dot came.
    pub(super) mail_ended: bool,
    /// Whether the server was asked something after it closed the connection.
    pub(super) hung_up: bool,
}

/// The desk's end of the wire.
#[derive(Debug)]
pub(super) struct Wire {
    script: Script,
    seen: Arc<Mutex<Seen>>,
    read: usize,
    mail: Vec<u8>,
    closed: bool,
}

impl Wire {
    pub(super) fn new(script: Script) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::default();
        let mut wire = Self { script, seen: Arc::clone(&seen), read: 0, mail: Vec::new(), closed: false };
        wire.ask(Question::Greeting);
        (wire, seen)
    }

    fn ask(&mut self, question: Question) {
        let odd = self.script.odd == question;
        let answer = if odd { self.script.answer.as_slice() } else { question.polite_answer() };
        let mut seen = self.seen.lock().unwrap();
        seen.asked.push(question);
        seen.said.extend_from_slice(answer);
        self.closed = odd && self.script.closes;
    }

    fn hear(&mut self, text: &[u8]) {
        let last = self.seen.lock().unwrap().asked.last().copied();
        if last == Some(Question::Data) {
            self.mail.extend_from_slice(text);
            if self.mail.ends_with(b"\r\n.\r\n") {
                self.seen.lock().unwrap().mail_ended = true;
                self.ask(Question::End);
            }
            return;
        }
        match text.split(|byte| *byte == b' ').next().unwrap_or_default() {
            b"EHLO" => self.ask(Question::Hello),
            b"MAIL" => self.ask(Question::Sender),
            b"RCPT" => self.ask(Question::Recipient),
            b"DATA\r\n" => self.ask(Question::Data),
            // Whoever leaves hears the answer to that before it tells why.
            b"QUIT\r\n" => self.closed = true,
            // The login, in one piece or several.
            _ => self.ask(Question::LogIn),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let seen = Arc::clone(&self.seen);
        let seen = seen.lock().unwrap();
        let unread = &seen.said[self.read..];
        if unread.is_empty() && !self.closed {
            return Poll::Pending;
        }
        let length = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..length]);
        self.read += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, text: &[u8]) -> Poll<Result<usize>> {
        if self.closed {
            if text != b"QUIT\r\n" {
                self.seen.lock().unwrap().hung_up = true;
            }
            return Poll::Ready(Err(Error::from(ErrorKind::BrokenPipe)));
        }
        self.hear(text);
        Poll::Ready(Ok(text.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
