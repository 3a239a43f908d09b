//! Starts the REST API under Lambda.
//!
//! Invoked directly, which takes IAM's permission, it makes the first API token: `{"command": "create-token"}`.

use std::sync::Arc;

use api::{Api, Limits};
use async_trait::async_trait;
use channels::Directory;
use channels::email::dns::{Lookup, Resolver};
use channels::http::Http;
use desk::calendar::Zone;
use lambda::{Aws, QueueName};
use store::Desk;
use store::dead_letters::{DeadLetters, Source};
use store::queue::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let zone = aws.time_zone().unwrap_or_else(|| "UTC".to_owned());
    desk.install_defaults(Zone::try_from(zone.as_str())?).await?;
    let key = Arc::new(aws.sealing_key().await?);
    let queue = |name| -> Result<Arc<dyn Queue>, lambda::Error> { Ok(Arc::new(aws.queue(name)?)) };
    let again = |name| -> Result<_, lambda::Error> { Ok(Some(Source::Queue(queue(name)?))) };
    let receives_mails = Some(Source::Function(Arc::new(aws.email_function()?)));
    let api = Api {
        index: Arc::new(aws.index_table()?),
        directory: Directory::new(desk.clone(), Arc::clone(&key)),
        key,
        http: Http::new(),
        dns: Resolver::system().ok().map(|dns| Arc::new(dns) as Arc<dyn Lookup>),
        mailer: Some(Arc::new(aws.mailer())),
        blobs: aws.blobs()?,
        inbound: queue(QueueName::Inbound)?,
        queues: vec![
            ("inbound", queue(QueueName::Inbound)?),
            ("outbound", queue(QueueName::Outbound)?),
            ("work", queue(QueueName::Work)?),
        ],
        dead_letters: vec![
            dead_letters("inbound", again(QueueName::Inbound)?, queue(QueueName::InboundDeadLetters)?),
            dead_letters("outbound", again(QueueName::Outbound)?, queue(QueueName::OutboundDeadLetters)?),
            dead_letters("work", again(QueueName::Work)?, queue(QueueName::WorkDeadLetters)?),
            dead_letters("relay", None, queue(QueueName::RelayDeadLetters)?),
            dead_letters("email", receives_mails, queue(QueueName::EmailDeadLetters)?),
        ],
        public_url: aws.public_url(),
        live: Arc::new(aws.live(Arc::new(aws.index_table()?))),
        limits: Some(Arc::new(Account(aws))),
        storage: None,
        desk: desk.clone(),
    };
    lambda::run_http_or_direct(api::handler(api), async |event| Ok(api::direct(&desk, event).await?)).await
}

/// The limits of the AWS account.
struct Account(Aws);

#[async_trait]
impl Limits for Account {
    async fn concurrent_executions(&self) -> Result<Option<u32>, String> {
        self.0.account_limit().await.map_err(|error| error.to_string())
    }
}

fn dead_letters(name: &'static str, source: Option<Source>, dead: Arc<dyn Queue>) -> DeadLetters {
    DeadLetters { name, source, dead }
}
