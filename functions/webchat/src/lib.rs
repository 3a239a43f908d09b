//! The chat of the firm's own site: the widget, and what it talks to. The protocol is in the crate's README.
//!
//! | module | holds |
//! |---|---|
//! | `edge` | which page asks, and how every answer leaves |
//! | `visitor` | who asks |
//! | `session` | tokens, signing in |
//! | `messages`, `uploads`, `presence` | what a visitor does |
//! | `history` | what a visitor sees |
//! | `files` | links to files |
//! | `limits` | how often |
//! | `widget` | the script |

mod body;
mod edge;
mod files;
mod history;
mod limits;
mod messages;
mod presence;
mod problem;
mod session;
mod uploads;
mod visitor;
mod widget;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use channels::Receiver;
use store::Desk;
use store::live::Live;
use store::seal::SealingKey;
use store::table::Table;

pub use self::widget::demo;

/// What the chat works with.
#[derive(Clone)]
pub struct Webchat {
    /// The desk.
    pub desk: Desk,
    /// The `index` table: limits, used statements, who is writing.
    pub index: Arc<dyn Table>,
    /// The installation's key, for links to files.
    pub key: Arc<SealingKey>,
    /// Where messages are handed in.
    pub receiver: Receiver,
    /// Open connections of visitors.
    pub live: Arc<dyn Live>,
    /// Where visitors open them.
    pub sockets: Sockets,
    /// The base URL under which the desk is reached from outside, where the owner says it.
    pub public_url: Option<String>,
}

/// Where visitors open connections over which the desk pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sockets {
    /// Nowhere: they ask for news.
    Nowhere,
    /// At the desk itself, under `/webchat/<connection>/live`.
    Here,
    /// At a gateway with this URL.
    At(String),
}

type Shared = Arc<Webchat>;

/// The largest JSON body, in bytes: a text of 10,000 characters, each escaped, and what is around it.
const MAX_BODY: usize = 256 * 1024;

/// Everything under `/webchat`.
pub fn handler(chat: Webchat) -> Router {
    let shared = Arc::new(chat);
    let of_connections = Router::new()
        .route("/webchat/{connection}/session", post(session::begin))
        .route("/webchat/{connection}/messages", get(history::list).post(messages::send))
        .route("/webchat/{connection}/attachments", post(uploads::announce))
        .route("/webchat/{connection}/read", post(presence::read))
        .route("/webchat/{connection}/typing", post(presence::typing))
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&shared), edge::guard));
    Router::new()
        .route("/webchat/widget.js", get(widget::script))
        .route("/webchat/{connection}/files/{file}", get(files::download))
        .merge(of_connections)
        .with_state(shared)
}
