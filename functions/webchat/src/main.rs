//! Starts the chat under Lambda.

use std::sync::Arc;

use channels::{Directory, Receiver};
use lambda::QueueName;
use store::Desk;
use webchat::{Sockets, Webchat};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let key = Arc::new(aws.sealing_key().await?);
    let index = Arc::new(aws.index_table()?);
    let chat = Webchat {
        receiver: Receiver {
            directory: Directory::new(desk.clone(), Arc::clone(&key)),
            inbound: Arc::new(aws.queue(QueueName::Inbound)?),
            blobs: aws.blobs()?,
        },
        live: Arc::new(aws.live(index.clone())),
        sockets: aws.live_url().await?.map_or(Sockets::Nowhere, Sockets::At),
        public_url: aws.public_url(),
        index,
        key,
        desk,
    };
    lambda::run_http(webchat::handler(chat)).await
}
