//! Starts the relay under Lambda.

use std::sync::Arc;

use lambda::QueueName;
use relay::Relay;
use store::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let aws = lambda::start().await;
    let relay = Relay::new(
        Arc::new(aws.queue(QueueName::Outbound)?),
        Arc::new(aws.queue(QueueName::Work)?),
        Arc::new(aws.queue(QueueName::RelayDeadLetters)?),
    );
    let desk = Desk::new(Arc::new(aws.table()?), aws.environment());
    let relay = relay.telling(desk, Arc::new(aws.live(Arc::new(aws.index_table()?))));
    lambda::run_stream(async |inserted| relay.handle(&inserted).await).await
}
