//! Which page asks, and how every answer leaves: CORS by hand, because the origins are those of the connection.
//!
//! Nothing here works with cookies, so an origin that is not allowed could read nothing anyway; refusing it keeps
//! strangers' sites from using the firm's chat as theirs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::RequestExt as _;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, ORIGIN, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use channels::address::Address;
use channels::directory::Known;
use channels::webchat::origin;
use desk::channel::Channel;

use crate::problem::Problem;
use crate::{Shared, Webchat};

/// The connection that a request is for, once the page may use it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The connection.
    pub(crate) known: Arc<Known>,
    /// The base URL of the desk, as the visitor's browser knows it.
    pub(crate) base: String,
    /// Where the request came from, for limits.
    pub(crate) from: Option<IpAddr>,
}

/// Lets only pages of allowed origins through, and answers their preflights.
pub(crate) async fn guard(State(chat): State<Shared>, mut request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let places = request.extract_parts::<Path<HashMap<String, String>>>().await;
    let connection = places.ok().and_then(|places| places.get("connection").cloned()).unwrap_or_default();
    let from = request.extensions().get::<IpAddr>().copied();
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let line = match line(&chat, &connection, &headers, &uri, from).await {
        Ok(line) => line,
        Err(problem) => return finish(problem.into_response(), None),
    };
    if request.method() == Method::OPTIONS {
        return finish(preflight(), origin);
    }
    request.extensions_mut().insert(line);
    finish(next.run(request).await, origin)
}

async fn line(
    chat: &Webchat,
    connection: &str,
    headers: &HeaderMap,
    uri: &Uri,
    from: Option<IpAddr>,
) -> Result<Line, Problem> {
    let known = chat.connection(connection).await?;
    if !chat.welcomes(&known, headers, uri) {
        let detail = "The owner of this chat has not allowed it on this site.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail));
    }
    let base = Address::new(chat.public_url.as_deref(), headers, uri).url;
    Ok(Line { known, base, from })
}

impl Webchat {
    /// The connection of the chat with this id.
    pub(crate) async fn connection(&self, id: &str) -> Result<Arc<Known>, Problem> {
        let channel = Channel::try_from("webchat").map_err(Problem::internal)?;
        let id = id.parse().map_err(|_| Problem::not_found())?;
        self.receiver.directory.connection(&channel, id).await?.ok_or_else(Problem::not_found)
    }

    /// Whether the page that asks may use the connection. What is no page says no origin.
    fn welcomes(&self, known: &Known, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (first, second) = (origins.next(), origins.next());
        match (first.map(HeaderValue::to_str), second) {
            (None, _) => true,
            (Some(Ok(origin)), None) => {
                let own = Address::of_request(headers, uri).url;
                let own = [Some(own.as_str()), self.public_url.as_deref()];
                origin::allows(&known.open, origin, own.into_iter().flatten())
            }
            _ => false,
        }
    }
}

fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (ACCESS_CONTROL_MAX_AGE, "7200"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// The headers of every answer. `origin` is one that was allowed.
fn finish(mut response: Response, origin: Option<HeaderValue>) -> Response {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}
