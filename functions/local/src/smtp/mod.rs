//! Mail that comes in by SMTP: [RFC 5321](https://www.rfc-editor.org/rfc/rfc5321), as far as the last server on a
//! mail's way needs it.
//!
//! It takes mail for the desk's own addresses and for nobody else, and answers 250 only when a mail is durable. It
//! speaks no TLS: on the Internet, a mail server that does stands before it.

mod authentication;
mod data;
mod reception;
mod session;
mod wire;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use desk::ids::ConnectionId;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

pub(crate) use self::authentication::Authenticator;
pub(crate) use self::reception::Reception;
use self::session::Session;

/// How long the listener rests when it cannot take a connection, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(200);
/// The time for telling a client that there is no room for it.
const FAREWELL: Duration = Duration::from_secs(1);
/// How much memory for mails is reserved at once, in bytes.
const BLOCK: usize = 64 * 1024;

/// Who takes the mails.
#[async_trait]
pub(crate) trait Exchange: Send + Sync + 'static {
    /// The connection that mail for an address belongs to, if there is one.
    async fn accepts(&self, address: &str) -> Result<Option<ConnectionId>, Unavailable>;

    /// Makes a mail durable. The sender may forget it once this succeeds.
    async fn deliver(&self, envelope: Envelope, mail: Vec<u8>) -> Result<(), Unavailable>;
}

/// It cannot be done now; the sender must come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unavailable(pub(crate) String);

/// What the client said about a mail, besides the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The client's address.
    pub(crate) client: IpAddr,
    /// What it calls itself.
    pub(crate) helo: String,
    /// Where bounces go; none for what must never bounce.
    pub(crate) from: Option<String>,
    /// The recipients; at least one.
    pub(crate) recipients: Vec<Recipient>,
}

/// A recipient of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The address as the client gave it.
    pub(crate) address: String,
    /// The connection that it belongs to.
    pub(crate) connection: ConnectionId,
}

/// What clients may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The largest mail, in bytes.
    pub(crate) size: usize,
    /// The most recipients of a mail.
    pub(crate) recipients: usize,
    /// The most commands of a session.
    pub(crate) commands: u32,
    /// The most commands of a session that make no sense or name nobody of ours.
    pub(crate) mistakes: u32,
    /// The most sessions at a time.
    pub(crate) sessions: usize,
    /// The most memory for mails on their way, in bytes.
    pub(crate) memory: usize,
    /// The longest silence. Shorter than the standard's five minutes, because idle clients keep others out.
    pub(crate) idle: Duration,
    /// The longest session.
    pub(crate) session: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 40 * 1024 * 1024,
            recipients: 100,
            commands: 1000,
            mistakes: 20,
            sessions: 500,
            memory: 256 * 1024 * 1024,
            idle: Duration::from_secs(60),
            session: Duration::from_secs(30 * 60),
        }
    }
}

/// Takes clients for ever.
pub(crate) async fn serve(listener: TcpListener, host: String, exchange: Arc<dyn Exchange>, limits: Limits) {
    let host: Arc<str> = host.into();
    let sessions = Arc::new(Semaphore::new(limits.sessions));
    let memory = Arc::new(Semaphore::new(limits.memory / BLOCK));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a mail client could not be taken");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&sessions).try_acquire_owned() else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let client = peer.ip().to_canonical();
        let session = Session::new(
            stream,
            client,
            Arc::clone(&host),
            Arc::clone(&exchange),
            Arc::clone(&memory),
            limits,
        );
        tokio::spawn(async move {
            if tokio::time::timeout(limits.session, session.run()).await.is_err() {
                tracing::debug!("a mail client took too long");
            }
            drop(seat);
        });
    }
}

async fn turn_away(mut stream: TcpStream) {
    let told = stream.write_all(b"421 4.3.2 Too many sessions, come again later\r\n");
    let _ = tokio::time::timeout(FAREWELL, told).await;
}
