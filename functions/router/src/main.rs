//! Starts the router under Lambda.

use std::sync::Arc;

use lambda::QueueName;
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    lambda::warm(desk.settings()).await;
    let router = router::Router::new(desk, aws.blobs()?, Arc::new(aws.queue(QueueName::InboundDeadLetters)?));
    let queue = aws.queue(QueueName::Inbound)?;
    lambda::run_queue(queue, async |batch, deadline| router.handle(&batch, deadline).await).await
}
