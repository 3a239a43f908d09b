//! Starts the worker under Lambda.

use std::sync::Arc;

use channels::Directory;
use channels::http::Http;
use lambda::QueueName;
use store::Desk;
use store::contacts::ContactSearch;
use worker::Worker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let search = ContactSearch::new(Arc::new(aws.index_table()?));
    let directory = Directory::new(desk.clone(), Arc::new(aws.sealing_key().await?));
    let worker = Worker::new(desk, search, directory, aws.blobs()?, Http::new());
    let queue = aws.queue(QueueName::Work)?;
    lambda::run_queue(queue, async |batch, deadline| worker.handle(&batch, deadline).await).await
}
