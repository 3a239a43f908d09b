//! AWS adapters, and the glue that starts a handler under the Lambda runtime.
//!
//! The only crate that names the AWS SDK. A function's `main` calls [`start()`], takes from [`Aws`] the ports that its
//! handler needs, and hands the handler to one of the runners:
//!
//! ```no_run
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), lambda::Error> {
//!     let aws = lambda::start().await;
//!     let table = aws.table()?;
//!     lambda::warm(store::table::Table::get(&table, &store::table::Key::new("warm", "@"))).await;
//!     lambda::run_http(axum::Router::new()).await
//! }
//! ```

mod account;
mod aws;
mod client;
mod connector;
mod invoke;
mod key;
mod links;
mod live;
mod mailer;
mod objects;
mod queue;
pub mod sdk;
mod signed;
mod start;
mod table;

pub use account::{AccountError, account_limit};
pub use aws::{Aws, QueueName, VariableMissing};
pub use invoke::InvokedFunction;
pub use key::{KeyError, sealing_key};
pub use lambda_runtime::Error;
pub use links::S3Links;
pub use live::GatewayLive;
pub use mailer::SesMailer;
pub use objects::blobs;
pub use queue::SqsQueue;
pub use start::{
    SocketEvent, run_events, run_gateway, run_http, run_http_or_direct, run_queue, run_schedule, run_stream,
    start, warm,
};
pub use table::DynamoTable;
