//! Batches from a table's stream.

use std::future::Future;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use lambda_runtime::{LambdaEvent, service_fn};
use store::table::Inserted;

use crate::Error;
use crate::table::item;

/// Runs a function that the table's stream calls, with new images and `ReportBatchItemFailures` in its mapping.
///
/// `handler` gets what was inserted, in order; changes and removals are left out. When it fails, it returns the
/// position of the first insertion that is not done: from there on Lambda repeats the batch.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_stream<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Vec<Inserted>) -> F,
    F: Future<Output = Result<(), String>>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
        let Batch { inserted, unreadable } = Batch::of(event.payload)?;
        let failed = match handler(inserted).await {
            Ok(()) => unreadable,
            Err(position) => Some(position),
        };
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures.extend(failed.map(|position| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(position);
            failure
        }));
        Ok::<_, Error>(response)
    }))
    .await
}

/// What a stream event tells.
#[derive(Debug)]
struct Batch {
    /// The insertions up to the first one that cannot be read.
    inserted: Vec<Inserted>,
    /// Where that one is. Left to Lambda, which gives up on it as the mapping says and keeps what it was.
    unreadable: Option<String>,
}

impl Batch {
    fn of(event: Event) -> Result<Self, Error> {
        let mut inserted = Vec::new();
        for EventRecord { event_name, change, .. } in event.records {
            if event_name != "INSERT" {
                continue;
            }
            let position =
                change.sequence_number.ok_or("a stream record came without its sequence number")?;
            match item(change.new_image) {
                Ok(item) => inserted.push(Inserted { position, item }),
                Err(error) => {
                    tracing::error!(%error, position, "the stream record {position} cannot be read");
                    return Ok(Self { inserted, unreadable: Some(position) });
                }
            }
        }
        Ok(Self { inserted, unreadable: None })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVENT: &str = include_str!("../../tests/fixtures/stream.json");

    #[test]
    fn insertions_alone_are_taken() {
        let batch = Batch::of(serde_json::from_str(EVENT).unwrap()).unwrap();
        assert_eq!(batch.unreadable, None);
        let [first, second] = batch.inserted.as_slice() else { panic!("two insertions: {batch:?}") };
        assert_eq!(first.position, "111");
        assert_eq!(first.item.key.sk, "E#0000000001");
        assert_eq!(
            json!(first.item.body),
            json!({"v": 1, "data": {"half": 0.5, "tags": ["a"], "none": null}})
        );
        assert_eq!(first.item.expires_at, Some(1_800_000_000));
        assert_eq!(second.position, "333");
        assert_eq!(second.item.due.as_ref().map(|due| due.pk.as_str()), Some("reply#0"));
    }

    #[test]
    fn what_cannot_be_read_stops_the_batch_there() {
        let broken = EVENT.replace(r#""sk": { "S": "R#01" }"#, r#""sk": { "B": "AA==" }"#);
        assert_ne!(broken, EVENT);
        let batch = Batch::of(serde_json::from_str(&broken).unwrap()).unwrap();
        assert_eq!(batch.inserted.len(), 1);
        assert_eq!(batch.unreadable.as_deref(), Some("333"));
    }
}
