//! Messages of a topic.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;

use crate::Error;

/// What of a topic's event matters here. The policy says which topic may call, so there is no signature to check.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "Sns")]
    sns: Sns,
}

#[derive(Debug, Deserialize)]
struct Sns {
    #[serde(rename = "Message")]
    message: String,
}

/// Runs a function that a topic calls, message by message. When the handler fails, Lambda repeats the event and then
/// puts it where the template says.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_events<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(String) -> F,
    F: Future<Output = Result<(), Error>>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
        for record in event.payload.records {
            handler(record.sns.message).await?;
        }
        Ok::<_, Error>(())
    }))
    .await
}
