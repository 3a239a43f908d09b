//! Starts the sender under Lambda.

use std::sync::Arc;

use channels::Directory;
use channels::http::Http;
use channels::platform::Outlets;
use lambda::QueueName;
use sender::Sender;
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let directory = Directory::new(desk.clone(), Arc::new(aws.sealing_key().await?));
    let sender = Sender::new(
        desk,
        directory,
        aws.blobs()?,
        Outlets { http: Http::new(), mailer: Some(Arc::new(aws.mailer())) },
    );
    let sender = sender.telling(Arc::new(aws.live(Arc::new(aws.index_table()?))));
    let queue = aws.queue(QueueName::Outbound)?;
    lambda::run_queue(queue, async |batch, deadline| sender.handle(&batch, deadline).await).await
}
