//! Who asks: a visitor with a token of the connection in the path.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use channels::bearer::bearer;
use channels::webchat::pass::Pass;
use desk::channel::ThreadKey;

use crate::Shared;
use crate::edge::Line;
use crate::problem::Problem;

/// A visitor whose token holds. Everything that they can reach hangs on their own conversation.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// What the token says.
    pub(crate) pass: Pass,
    /// The visitor's conversation.
    pub(crate) thread: ThreadKey,
    /// The connection.
    pub(crate) line: Line,
}

impl FromRequestParts<Shared> for Line {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::not_found)
    }
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, chat: &Shared) -> Result<Self, Problem> {
        let line = Line::from_request_parts(parts, chat).await?;
        let token = bearer(&parts.headers).ok_or_else(Problem::invalid_token)?;
        let pass =
            Pass::read(&line.known.open, token, chat.desk.now()).map_err(|_| Problem::invalid_token())?;
        let thread = line.known.open.thread(pass.visitor.to_string());
        Ok(Self { pass, thread, line })
    }
}
