//! Lines in, answers out, through buffers: a client may send many commands at once
//! ([RFC 2920](https://www.rfc-editor.org/rfc/rfc2920)), and gets the answers at once.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much is read at once, in bytes.
const BUFFER: usize = 64 * 1024;
/// The longest line of a command, in bytes. The standard asks for 512, and extensions for some more.
const LONGEST_LINE: usize = 4096;

/// The time for a client to hang up after the last answer.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection to a client.
pub(super) struct Wire<S> {
    stream: S,
    input: BytesMut,
    output: BytesMut,
    idle: Duration,
}

/// Why no more comes from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It went away.
    Gone,
    /// It said nothing for too long.
    Idle,
    /// It sent a line that ends with a line feed alone.
    BareLineFeed,
    /// It sent a line without an end.
    TooLong,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, idle: Duration) -> Self {
        Self { stream, input: BytesMut::with_capacity(BUFFER), output: BytesMut::new(), idle }
    }

    /// Puts an answer with those that leave next.
    pub(super) fn answer(&mut self, text: &str) {
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    /// The next command with its line end.
    pub(super) async fn line(&mut self) -> Result<BytesMut, Stop> {
        let mut seen = 0;
        loop {
            let fresh = self.input.get(seen..).unwrap_or_default();
            if let Some(at) = memchr(b'\n', fresh) {
                let line = self.input.split_to(seen + at + 1);
                return match line.as_ref() {
                    _ if line.len() > LONGEST_LINE => Err(Stop::TooLong),
                    [.., b'\r', b'\n'] => Ok(line),
                    _ => Err(Stop::BareLineFeed),
                };
            }
            seen = self.input.len();
            if seen > LONGEST_LINE {
                return Err(Stop::TooLong);
            }
            self.fill().await?;
        }
    }

    /// What was read and not yet taken; waits for something if there is nothing.
    pub(super) async fn bytes(&mut self) -> Result<&[u8], Stop> {
        if self.input.is_empty() {
            self.fill().await?;
        }
        Ok(&self.input)
    }

    /// Takes bytes away that [`Self::bytes`] showed.
    pub(super) fn took(&mut self, count: usize) {
        self.input.advance(count.min(self.input.len()));
    }

    /// Sends what was answered.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        if self.output.is_empty() {
            return Ok(());
        }
        let written = async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await
        };
        let outcome = tokio::time::timeout(self.idle, written).await;
        self.output.clear();
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Gone),
            Err(_) => Err(Stop::Idle),
        }
    }

    /// Sends the last answers and closes. What the client still says is read and forgotten: closing over unread bytes
    /// resets the connection, and the last answer would be lost.
    pub(super) async fn close(mut self) {
        if self.flush().await.is_err() {
            return;
        }
        let farewell = async {
            self.stream.shutdown().await?;
            loop {
                self.input.clear();
                self.input.reserve(BUFFER);
                if self.stream.read_buf(&mut self.input).await? == 0 {
                    return Ok::<(), std::io::Error>(());
                }
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    async fn fill(&mut self) -> Result<(), Stop> {
        self.flush().await?;
        self.input.reserve(BUFFER);
        match tokio::time::timeout(self.idle, self.stream.read_buf(&mut self.input)).await {
            Ok(Ok(0) | Err(_)) => Err(Stop::Gone),
            Ok(Ok(_)) => Ok(()),
            Err(_) => Err(Stop::Idle),
        }
    }
}
