//! Batches from a queue.

use std::future::Future;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{LambdaEvent, service_fn};
use store::environment::System;
use store::queue::{Failed, Message, Queue, releases};
use tokio::time::Instant;

use super::until;
use crate::Error;
use crate::queue::received;

/// Runs a function that a queue calls, with `ReportBatchItemFailures` in its mapping.
///
/// `handler` gets a batch and the moment from which on it should begin with no other message, for
/// [`process`](store::queue::process), and returns what failed. A failed message comes back when its
/// visibility ends, or after the time that the handler names.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_queue<H, F>(queue: impl Queue, handler: H) -> Result<(), Error>
where
    H: Fn(Vec<Message>, Instant) -> F,
    F: Future<Output = Vec<Failed>>,
{
    let environment = System::new();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let batch = messages(event.payload)?;
        let failed = handler(batch.clone(), until(&event.context, &environment)).await;
        for (receipt, after) in releases(&batch, &failed) {
            if let Err(error) = queue.release(receipt, after).await {
                tracing::warn!(%error, "a message comes back later than it should");
            }
        }
        let mut response = SqsBatchResponse::default();
        response.set_failures(failed.into_iter().map(|failed| failed.id));
        Ok::<_, Error>(response)
    }))
    .await
}

/// The messages of an event. One that cannot even be named fails the event: an answer without its name would delete it.
fn messages(event: SqsEvent) -> Result<Vec<Message>, Error> {
    event
        .records
        .into_iter()
        .map(|record| {
            let attribute = |name| record.attributes.get(name).map(String::as_str);
            received(
                record.message_id,
                record.receipt_handle,
                // SQS has no empty bodies; should one come, the handler shall see it.
                Some(record.body.unwrap_or_default()),
                attribute("MessageGroupId"),
                attribute("ApproximateReceiveCount"),
                attribute("SentTimestamp"),
            )
            .ok_or_else(|| "a message came without id or receipt".into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(json: &str) -> SqsEvent {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_event_becomes_messages() {
        let batch = messages(event(include_str!("../../tests/fixtures/sqs_fifo.json"))).unwrap();
        let [first, second] = batch.as_slice() else { panic!("two messages") };
        assert_eq!(first.id, "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5");
        assert_eq!(first.receipt, "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw");
        assert_eq!(first.body, r#"{"v":1}"#);
        assert_eq!(first.group.as_deref(), Some("telegram/con_1/42"));
        assert_eq!(first.receives, 2);
        assert_eq!(first.sent_at.to_string(), "2019-07-10T21:43:27.884Z");
        assert_eq!(second.group, None);
        assert_eq!(second.receives, 1);
    }

    #[test]
    fn a_message_without_id_fails_the_event() {
        let json = json!({"Records": [{"receiptHandle": "r", "body": "b"}]}).to_string();
        assert!(messages(event(&json)).is_err());
    }
}
