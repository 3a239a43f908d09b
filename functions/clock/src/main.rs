//! Starts the clock under Lambda.

use std::sync::Arc;

use clock::Clock;
use lambda::QueueName;
use store::Desk;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let clock = Clock::new(desk, Arc::new(aws.index_table()?), Arc::new(aws.queue(QueueName::Outbound)?));
    lambda::run_schedule(async |deadline| {
        clock.sweep(|| Instant::now() < deadline).await?;
        Ok(())
    })
    .await
}
