//! What stands around a handler on Lambda.

mod events;
mod gateway;
mod http;
mod logs;
mod queue;
mod schedule;
mod stream;

use std::future::Future;
use std::time::Duration;

use lambda_runtime::Context;
use store::environment::Environment;
use tokio::time::Instant;

pub use self::events::run_events;
pub use self::gateway::{SocketEvent, run_gateway};
pub use self::http::{run_http, run_http_or_direct};
pub use self::queue::run_queue;
pub use self::schedule::run_schedule;
pub use self::stream::run_stream;
use crate::Aws;

/// How long a warm-up may take at most: the initialisation is billed, and Lambda ends it after ten seconds.
const WARM_TIMEOUT: Duration = Duration::from_secs(2);
/// What must be left of an invocation to begin with another message.
const RESERVE: Duration = Duration::from_secs(2);

/// Begins a function: starts the log and reads region and credentials.
pub async fn start() -> Aws {
    logs::start();
    Aws::from_env().await
}

/// Makes a first call while the function initialises, with the full processor that Lambda lends for it, so that the
/// first event does not pay for the TLS handshake. Its result does not matter.
///
/// Choose a call that the function's policy allows anyway, such as reading an item that does not exist.
pub async fn warm(call: impl Future) {
    if tokio::time::timeout(WARM_TIMEOUT, call).await.is_err() {
        tracing::warn!("the first call to AWS took too long");
    }
}

/// Until when a handler may begin with something new, so that it is done before Lambda ends the invocation.
fn until(context: &Context, environment: &dyn Environment) -> Instant {
    let now = std::time::SystemTime::from(environment.now());
    let left = context.deadline().duration_since(now).unwrap_or_default();
    Instant::now() + left.saturating_sub(RESERVE)
}
