//! A connection to a mail server: commands, and the answers to them, whatever they are.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

use memchr::memmem;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The longest answer that is read, in bytes: the standard has 512 for a line.
const LONGEST_ANSWER: usize = 64 * 1024;

/// What goes in and out.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What a server says to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Three digits, the first of which tells how it went.
    pub(super) code: u16,
    /// The text of each line.
    pub(super) lines: Vec<String>,
}

/// A connection to a mail server.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// Connects to a server. Nothing was read yet, not even its greeting.
    ///
    /// # Errors
    /// When nobody answers.
    pub(super) async fn open(host: &str, port: u16) -> Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// A connection over something that stands.
    pub(super) fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    /// The same connection, encrypted.
    ///
    /// # Errors
    /// When nobody vouches for the server, or it said something already that nobody encrypted
    /// ([CVE-2011-0411](https://www.kb.cert.org/vuls/id/555316)).
    pub(super) async fn encrypted(self, host: &str, mut tls: ClientConfig) -> Result<Self> {
        if self.has_spoken() {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "The mail server spoke before it was asked to encrypt.",
            ));
        }
        // What HTTP agrees on here, mail does not.
        tls.alpn_protocols.clear();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| Error::other(rustls::Error::General(error.to_string())))?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, self.stream.into_inner()).await?;
        Ok(Self::over(stream))
    }

    /// Whether the server said something that it was not asked: it would be taken for the answer to what comes next.
    pub(super) fn has_spoken(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    /// Sends a command, and hears the answer to it.
    ///
    /// # Errors
    /// When the connection breaks, or the answer cannot be read.
    pub(super) async fn ask(&mut self, command: &str) -> Result<Answer> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.hear().await
    }

    /// Sends a mail without its end: `.` at the beginning of a line is doubled
    /// ([RFC 5321, 4.5.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2)).
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn write_mail(&mut self, mail: &[u8]) -> Result<()> {
        if mail.starts_with(b".") {
            self.stream.write_all(b".").await?;
        }
        let mut begun = 0;
        for at in memmem::find_iter(mail, b"\r\n.") {
            let dot = at + 2;
            self.stream.write_all(mail.get(begun..dot).unwrap_or_default()).await?;
            self.stream.write_all(b".").await?;
            begun = dot;
        }
        self.write(mail.get(begun..).unwrap_or_default()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Hears an answer to its end.
    ///
    /// # Errors
    /// When the connection breaks, or the answer cannot be read.
    pub(super) async fn hear(&mut self) -> Result<Answer> {
        let (mut left, mut code, mut lines) = (LONGEST_ANSWER, None, Vec::new());
        loop {
            let line = self.line(&mut left).await?;
            let line = Line::of(&line).filter(|line| *code.get_or_insert(line.code) == line.code);
            let Line { code, text, is_last } = line.ok_or_else(unreadable)?;
            lines.push(text);
            if is_last {
                return Ok(Answer { code, lines });
            }
        }
    }

    async fn line(&mut self, left: &mut usize) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let read = (&mut self.stream).take(*left as u64).read_until(b'\n', &mut line).await?;
            *left -= read;
            match read {
                0 if *left == 0 => return Err(unreadable()),
                0 => return Err(Error::new(ErrorKind::UnexpectedEof, "The mail server hung up.")),
                _ => {}
            }
        }
        Ok(line)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A line of an answer ([RFC 5321, 4.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.2)).
struct Line {
    code: u16,
    text: String,
    is_last: bool,
}

impl Line {
    fn of(line: &[u8]) -> Option<Self> {
        let (code, rest) = line.strip_suffix(b"\r\n")?.split_at_checked(3)?;
        let [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9'] = code else { return None };
        let (is_last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return None,
        };
        let code = str::from_utf8(code).ok()?.parse().ok()?;
        Some(Self { code, text: String::from_utf8_lossy(text).into_owned(), is_last })
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::InvalidData, "The mail server's answer cannot be read.")
}
