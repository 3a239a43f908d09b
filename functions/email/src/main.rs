//! Starts the receiver of mails under Lambda: SES puts a mail into the bucket and tells so by a topic.

use std::sync::Arc;

use channels::{Directory, Receiver};
use email::Post;
use lambda::QueueName;
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let receiver = Receiver {
        directory: Directory::new(desk.clone(), Arc::new(aws.sealing_key().await?)),
        inbound: Arc::new(aws.queue(QueueName::Inbound)?),
        blobs: aws.blobs()?,
    };
    let post = Post::new(desk, receiver, aws.mail_host());
    lambda::run_events(async |message| Ok(post.take(&message).await?)).await
}
