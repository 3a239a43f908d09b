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
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| each(event.payload, &handler).await))
        .await
}

/// Hands on the messages of an event, up to the first that fails: the event is repeated whole.
async fn each<H, F>(event: Event, handler: &H) -> Result<(), Error>
where
    H: Fn(String) -> F,
    F: Future<Output = Result<(), Error>>,
{
    for record in event.records {
        handler(record.sns.message).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_event_fails_with_any_of_its_messages() {
        let event = || {
            let record = |message: &str| json!({"EventSource": "aws:sns", "Sns": {"Message": message}});
            serde_json::from_value(json!({"Records": [record("1"), record("2"), record("3")]})).unwrap()
        };
        for refused in ["1", "2", "3"] {
            let handler = |message: String| async move {
                if message == refused { Err(Error::from("not durable")) } else { Ok(()) }
            };
            assert!(each(event(), &handler).await.is_err(), "{refused}");
        }
        let handled = Mutex::new(Vec::new());
        let handler = |message| {
            handled.lock().unwrap().push(message);
            std::future::ready(Ok(()))
        };
        each(event(), &handler).await.unwrap();
        assert_eq!(*handled.lock().unwrap(), ["1", "2", "3"]);
    }
}
