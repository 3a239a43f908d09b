//! The REST API, with its OpenAPI document.
//!
//! | module | holds |
//! |---|---|
//! | `access` | who asks, and the only way to what they may see |
//! | `body`, `parameters`, `revision`, `page` | what requests are made of |
//! | `once` | creating requests that may be repeated |
//! | `problem`, `edge` | how every answer leaves |
//! | `routes`, `document` | the routes, and the OpenAPI document that describes them |
//! | the others | one resource each |

mod access;
mod address;
mod attachments;
mod body;
mod bootstrap;
mod connections;
mod contacts;
mod dead_letters;
mod doctor;
mod document;
mod edge;
mod events;
mod formatted;
mod notes;
mod once;
mod page;
mod parameters;
mod problem;
mod replay;
mod replies;
mod resolution;
mod revision;
mod routes;
mod settings;
mod suppressions;
mod tickets;
mod tokens;
mod typing;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::middleware::from_fn_with_state;
use channels::Directory;
use channels::email::dns::Lookup;
use channels::http::Http;
use channels::platform::Mailer;
use store::Desk;
use store::blobs::Blobs;
use store::dead_letters::DeadLetters;
use store::live::Live;
use store::queue::Queue;
use store::seal::SealingKey;
use store::table::Table;

pub use self::bootstrap::{DirectError, direct, first_token};
use self::routes::Routes;

/// What the API works with.
#[derive(Clone)]
pub struct Api {
    /// The desk.
    pub desk: Desk,
    /// The `index` table: contact search, the clock's heartbeat.
    pub index: Arc<dyn Table>,
    /// The installation's key.
    pub key: Arc<SealingKey>,
    /// The connections, ready to be used.
    pub directory: Directory,
    /// What channels talk to their platforms with.
    pub http: Http,
    /// Where records of domains are looked up, for the doctor.
    pub dns: Option<Arc<dyn Lookup>>,
    /// The provider that takes mail, for the doctor.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// The object store.
    pub blobs: Blobs,
    /// The inbound queue, for what a replay finds to belong to another conversation.
    pub inbound: Arc<dyn Queue>,
    /// All queues by their names, for the doctor.
    pub queues: Vec<(&'static str, Arc<dyn Queue>)>,
    /// All queues that have dead letters.
    pub dead_letters: Vec<DeadLetters>,
    /// The base URL under which the desk is reached from outside, where the owner says it.
    pub public_url: Option<String>,
    /// Open connections of customers.
    pub live: Arc<dyn Live>,
    /// What the account allows, where there is one.
    pub limits: Option<Arc<dyn Limits>>,
    /// Where everything is stored, where that is for the owner to look after.
    pub storage: Option<Arc<dyn Storage>>,
}

/// Where everything is stored.
pub trait Storage: Send + Sync + 'static {
    /// Why the latest change could not be stored; `None` when it was.
    fn trouble(&self) -> Option<String>;
}

/// The limits of the account that the desk runs in.
#[async_trait]
pub trait Limits: Send + Sync + 'static {
    /// How many executions may run at once; `None` where nobody says.
    ///
    /// # Errors
    /// When it cannot be asked, with what the doctor shows.
    async fn concurrent_executions(&self) -> Result<Option<u32>, String>;
}

/// What handlers share.
type Shared = Arc<Api>;

/// The whole API: `/api/v1/…`, `/health`, and a page that says what this is.
pub fn handler(api: Api) -> Router {
    let shared = Arc::new(api);
    routes()
        .into_router()
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(Arc::clone(&shared), edge::finish))
        .with_state(shared)
}

fn routes() -> Routes {
    let resources = Routes::new()
        .merge(tickets::routes())
        .merge(events::routes())
        .merge(formatted::routes())
        .merge(replies::routes())
        .merge(typing::routes())
        .merge(notes::routes())
        .merge(attachments::routes())
        .merge(contacts::routes())
        .merge(connections::routes())
        .merge(settings::routes())
        .merge(suppressions::routes())
        .merge(tokens::routes())
        .merge(dead_letters::routes())
        .merge(doctor::routes());
    Routes::new().nest("/api/v1", resources).merge(document::routes()).merge(edge::routes())
}
