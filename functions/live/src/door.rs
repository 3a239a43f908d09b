//! Who may open a connection: a visitor whose token holds, on a page of an allowed origin.

use std::sync::Arc;

use channels::Directory;
use channels::directory::DirectoryError;
use channels::webchat::item::Frame;
use channels::webchat::origin;
use channels::webchat::pass::Pass;
use desk::channel::{Channel, ThreadKey};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::Desk;
use store::live::{is_typing, note_typing};
use store::table::{Table, TableError};

/// A sign of writing is noted again when the last one has less than this left.
const RENEWED: SignedDuration = SignedDuration::from_secs(5);

/// What proves who somebody is, and takes what they say.
#[derive(Clone)]
pub struct Door {
    /// The desk.
    pub desk: Desk,
    /// The `index` table.
    pub index: Arc<dyn Table>,
    /// The connections.
    pub directory: Directory,
    /// The base URL under which the desk is reached from outside, where the owner says it.
    pub public_url: Option<String>,
}

/// Why somebody may not open a connection.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The token does not hold.
    #[error("the visitor's token does not hold")]
    Token,
    /// The page's origin is not allowed.
    #[error("the owner has not allowed the chat on this site")]
    Origin,
    /// The connection could not be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// A visitor who may come in.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    /// Their conversation.
    pub thread: ThreadKey,
    /// Until when their token holds.
    pub until: Timestamp,
}

/// What a visitor's widget sends over an open connection.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    Ping,
    Typing,
    #[serde(other)]
    Other,
}

impl Door {
    /// Lets a visitor in. `own` is the desk's URL as the request tells it.
    ///
    /// # Errors
    /// When they may not, or the connection cannot be read.
    pub async fn enter(
        &self,
        token: &str,
        origin: Option<&str>,
        own: Option<&str>,
    ) -> Result<Guest, Refused> {
        let id = Pass::connection_of(token).map_err(|_| Refused::Token)?;
        let channel = Channel::try_from("webchat").map_err(|_| Refused::Token)?;
        let known = self.directory.connection(&channel, id).await?.ok_or(Refused::Token)?;
        let own = own.into_iter().chain(self.public_url.as_deref());
        if origin.is_some_and(|origin| !origin::allows(&known.open, origin, own)) {
            return Err(Refused::Origin);
        }
        let pass = Pass::read(&known.open, token, self.desk.now()).map_err(|_| Refused::Token)?;
        let thread = known.open.thread(pass.visitor.to_string());
        Ok(Guest { thread, until: pass.expires_at() })
    }

    /// Takes what a visitor's widget sent, and returns what to answer, if anything. What it does not know it ignores:
    /// a widget of a newer version says more.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn hear(&self, thread: &ThreadKey, text: &str) -> Result<Option<String>, TableError> {
        match serde_json::from_str(text).unwrap_or(Said::Other) {
            Said::Ping => Ok(Some(Frame::Pong.render())),
            Said::Typing => {
                let now = self.desk.now();
                let soon = now.saturating_add(RENEWED).unwrap_or(now);
                if !is_typing(&*self.index, thread, soon).await? {
                    note_typing(&*self.index, thread, now).await?;
                }
                Ok(None)
            }
            Said::Other => Ok(None),
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}
