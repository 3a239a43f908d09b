//! Visitors' tokens: who somebody is on one connection, signed by the desk.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use desk::ids::{ConnectionId, VisitorId};
use desk::inbound::Sender;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::Connection;

/// How long a token holds.
const HOLDS: SignedDuration = SignedDuration::from_hours(24);
/// How long after that it still tells who the visitor was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The longest token, in bytes.
const MAX_TOKEN: usize = 4096;

/// A token that does not hold: forged, of another connection, or too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the visitor's token does not hold")]
pub struct InvalidPass;

/// What a visitor's token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    #[serde(rename = "c")]
    connection: ConnectionId,
    /// The visitor: the conversation.
    #[serde(rename = "v")]
    pub visitor: VisitorId,
    /// Whom the visitor signed in as, by the shop's own id.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The name that the shop told.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Until when it holds, in seconds since 1970.
    #[serde(rename = "e")]
    expires: i64,
}

impl Pass {
    /// A pass from now on.
    pub fn new(
        connection: &Connection,
        visitor: VisitorId,
        login: Option<String>,
        name: Option<String>,
        now: Timestamp,
    ) -> Self {
        let expires = now.saturating_add(HOLDS).unwrap_or(Timestamp::MAX).as_second();
        Self { connection: connection.id, visitor, login, name, expires }
    }

    /// Until when it holds.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_second(self.expires).unwrap_or(Timestamp::MAX)
    }

    /// The token. `None` for a connection that lost its secret.
    pub fn sign(&self, connection: &Connection) -> Option<String> {
        let body = BASE64.encode(serde_json::to_vec(self).ok()?);
        let tag = hmac::sign(&key(connection)?, body.as_bytes());
        Some(format!("{body}.{}", BASE64.encode(tag)))
    }

    /// What a token of this connection says, while it holds.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn read(connection: &Connection, token: &str, now: Timestamp) -> Result<Self, InvalidPass> {
        let pass = Self::remember(connection, token, now)?;
        if now.as_second() < pass.expires { Ok(pass) } else { Err(InvalidPass) }
    }

    /// What a token of this connection says, even some time after it held.
    ///
    /// # Errors
    /// When it was forged, belongs to another connection, or is too old.
    pub fn remember(connection: &Connection, token: &str, now: Timestamp) -> Result<Self, InvalidPass> {
        let (body, tag) = split(token)?;
        let key = key(connection).ok_or(InvalidPass)?;
        // In constant time, and before anything of the body is looked at.
        hmac::verify(&key, body.as_bytes(), &tag).map_err(|_| InvalidPass)?;
        let pass = Self::unproved(token)?;
        let remembered = pass.expires.saturating_add(REMEMBERED.as_secs());
        if pass.connection == connection.id && now.as_second() < remembered {
            Ok(pass)
        } else {
            Err(InvalidPass)
        }
    }

    /// The connection that a token says it is for. Proves nothing.
    ///
    /// # Errors
    /// When it is no token.
    pub fn connection_of(token: &str) -> Result<ConnectionId, InvalidPass> {
        Self::unproved(token).map(|pass| pass.connection)
    }

    fn unproved(token: &str) -> Result<Self, InvalidPass> {
        let (body, _) = split(token)?;
        let json = BASE64.decode(body).map_err(|_| InvalidPass)?;
        serde_json::from_slice(&json).map_err(|_| InvalidPass)
    }

    /// The visitor as the sender of messages: by the proved login, else by the conversation alone.
    pub fn sender(&self) -> Sender {
        sender(self.connection, self.visitor, self.login.as_deref(), self.name.clone())
    }
}

/// A visitor as the sender of messages. A login counts on its own connection only: another shop's keys say nothing
/// of this one's customers.
pub(super) fn sender(
    connection: ConnectionId,
    visitor: VisitorId,
    login: Option<&str>,
    name: Option<String>,
) -> Sender {
    let (kind, address, username) = match login {
        Some(login) => ("login", format!("{connection}:{login}"), Some(login.to_owned())),
        None => ("webchat", visitor.to_string(), None),
    };
    Sender { kind: kind.to_owned(), address, name, username, language: None, phone: None }
}

fn split(token: &str) -> Result<(&str, Vec<u8>), InvalidPass> {
    if token.len() > MAX_TOKEN {
        return Err(InvalidPass);
    }
    let (body, tag) = token.split_once('.').ok_or(InvalidPass)?;
    Ok((body, BASE64.decode(tag).map_err(|_| InvalidPass)?))
}

/// The key of a connection's tokens, for this purpose alone.
fn key(connection: &Connection) -> Option<hmac::Key> {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, connection.secret("secret")?.as_bytes());
    let own = hmac::sign(&secret, b"lambdesk visitor token");
    Some(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
}
