use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use lambda::SqsQueue;
use serde_json::json;
use store::conformance::{Deviations, Queues};
use store::queue::{MAX_RECEIVES, Outgoing, Queue, QueueError};

use crate::{emulator, fresh};

/// A queue and the one of its dead letters.
pub(crate) async fn create(config: &SdkConfig, suffix: &str) -> (Arc<dyn Queue>, Arc<dyn Queue>) {
    let client = Client::new(config);
    let fifo = (!suffix.is_empty()).then(|| "true".to_owned());
    let create = |name: &str| {
        let name = format!("{}{suffix}", fresh(name));
        client
            .create_queue()
            .queue_name(name)
            .set_attributes(fifo.clone().map(|fifo| [(Attribute::FifoQueue, fifo)].into()))
    };
    let dead = create("dead").send().await.unwrap().queue_url.unwrap();
    let arn = client.get_queue_attributes().queue_url(&dead).attribute_names(Attribute::QueueArn);
    let arn = arn.send().await.unwrap().attributes.unwrap().remove(&Attribute::QueueArn).unwrap();
    let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}).to_string();
    let queue = create("queue").attributes(Attribute::RedrivePolicy, redrive).send().await.unwrap();
    let queue = SqsQueue::new(client.clone(), queue.queue_url.unwrap());
    (Arc::new(queue), Arc::new(SqsQueue::new(client, dead)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queues_keep_their_contract() {
    let Some(config) = emulator().await else { return };
    let (fifo, fifo_dead) = create(&config, ".fifo").await;
    let (standard, standard_dead) = create(&config, "").await;
    let queues = Queues { fifo, fifo_dead, standard, standard_dead };
    let deviations = Deviations { stale_receipts_work: true };
    store::conformance::queue(queues, "run-", deviations, tokio::time::sleep).await;
}

#[tokio::test]
async fn many_messages_go_in_order() {
    let Some(config) = emulator().await else { return };
    let (queue, _) = create(&config, ".fifo").await;
    let message = |n: usize| Outgoing {
        body: format!("{n:02}{}", "x".repeat(60_000)),
        group: Some("g".to_owned()),
        deduplication: Some(n.to_string()),
    };
    queue.send((0..25).map(message).collect()).await.unwrap();
    let mut next = 0;
    while next < 25 {
        for message in queue.receive(10, std::time::Duration::from_mins(1)).await.unwrap() {
            assert!(message.body.starts_with(&format!("{next:02}")));
            queue.delete(&message.receipt).await.unwrap();
            next += 1;
        }
    }
}

#[tokio::test]
async fn a_missing_queue_is_no_fault_of_the_message() {
    let Some(config) = emulator().await else { return };
    let url = format!("{}/000000000000/{}", config.endpoint_url().unwrap(), fresh("none"));
    let queue = SqsQueue::new(Client::new(&config), url);
    let message = Outgoing { body: "{}".to_owned(), group: None, deduplication: None };
    let answer = queue.send(vec![message]).await;
    assert!(matches!(answer, Err(QueueError::Unavailable(_))), "{answer:?}");
}
