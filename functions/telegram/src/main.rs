//! Starts the receiver of Telegram under Lambda.

use std::sync::Arc;

use channels::{Directory, Receiver};
use lambda::QueueName;
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let receiver = Receiver {
        directory: Directory::new(desk, Arc::new(aws.sealing_key().await?)),
        inbound: Arc::new(aws.queue(QueueName::Inbound)?),
        blobs: aws.blobs()?,
    };
    lambda::run_http(telegram::handler(receiver)).await
}
