//! Connections that API Gateway holds: its WebSocket API tells of each that opens, says something and closes.
//!
//! "Create WebSocket APIs in API Gateway" in API Gateway's guide.

use jiff::SignedDuration;
use store::live::{Live, Open, closed, open, opened};
use store::table::TableError;

use crate::door::{Door, Refused};

/// How long a gateway holds a connection at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// What a gateway tells of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    /// Somebody wants to open it.
    Connect {
        /// The gateway's id of it.
        id: String,
        /// The gateway's URL for posting to its connections.
        endpoint: String,
        /// The visitor's token.
        token: String,
        /// The page's origin.
        origin: Option<String>,
    },
    /// The widget said something.
    Message {
        /// The gateway's id of the connection.
        id: String,
        /// What it said.
        text: String,
    },
    /// It was closed.
    Disconnect {
        /// The gateway's id of the connection.
        id: String,
    },
}

/// Takes what a gateway tells.
#[derive(Debug)]
pub struct Gateway<L> {
    door: Door,
    live: L,
}

impl<L: Live> Gateway<L> {
    /// A gateway's handler; `live` answers over its connections.
    pub const fn new(door: Door, live: L) -> Self {
        Self { door, live }
    }

    /// Takes one event and returns the status that the gateway wants. A status of 400 and more refuses a connection;
    /// the browser is told no reason.
    pub async fn handle(&self, event: GatewayEvent) -> u16 {
        let done = match event {
            GatewayEvent::Connect { id, endpoint, token, origin } => {
                return self.connect(id, endpoint, &token, origin.as_deref()).await;
            }
            GatewayEvent::Message { id, text } => self.message(&id, &text).await,
            GatewayEvent::Disconnect { id } => self.disconnect(&id).await,
        };
        match done {
            Ok(()) => 200,
            Err(error) => {
                tracing::warn!(%error, "an open connection's event was not handled");
                500
            }
        }
    }

    async fn connect(&self, id: String, endpoint: String, token: &str, origin: Option<&str>) -> u16 {
        let guest = match self.door.enter(token, origin, None).await {
            Ok(guest) => guest,
            Err(Refused::Token) => return 401,
            Err(Refused::Origin) => return 403,
            Err(Refused::Directory(error)) => {
                tracing::error!(%error, "a connection could not be opened");
                return 500;
            }
        };
        let longest = self.door.desk.now().saturating_add(LONGEST).unwrap_or(guest.until);
        let open = Open { id, endpoint, thread: guest.thread };
        match opened(&*self.door.index, &open, longest).await {
            Ok(()) => 200,
            Err(error) => {
                tracing::error!(%error, "a connection could not be noted");
                500
            }
        }
    }

    async fn message(&self, id: &str, text: &str) -> Result<(), TableError> {
        let Some(open) = open(&*self.door.index, id).await? else { return Ok(()) };
        if let Some(answer) = self.door.hear(&open.thread, text).await? {
            // To all windows of the visitor: one answer too many is ignored.
            self.live.push(&open.thread, &answer).await;
        }
        Ok(())
    }

    async fn disconnect(&self, id: &str) -> Result<(), TableError> {
        match open(&*self.door.index, id).await? {
            Some(open) => closed(&*self.door.index, &open).await,
            None => Ok(()),
        }
    }
}
