//! A queue on SQS.

use std::mem;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    MessageSystemAttributeName as System, QueueAttributeName as Attribute,
    SendMessageBatchRequestEntry as Entry,
};
use jiff::Timestamp;
use store::queue::{
    Depth, MAX_BODY_BYTES, MAX_RECEIVE, MAX_VISIBILITY, Message, Outgoing, Queue, QueueError,
};

use crate::sdk::explain;

/// The most messages of one request.
const MAX_BATCH: usize = 10;

/// A queue on SQS; FIFO if its URL ends with `.fifo`.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at `url`. Connects to nothing yet.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    async fn send_batch(&self, entries: Vec<Entry>) -> Result<(), QueueError> {
        let output = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        let Some(first) = output.failed.first() else {
            return Ok(());
        };
        let text = format!(
            "{} messages: {}: {}",
            output.failed.len(),
            first.code,
            first.message().unwrap_or_default()
        );
        Err(if first.sender_fault { QueueError::Invalid(text) } else { QueueError::Unavailable(text) })
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let fifo = self.url.ends_with(".fifo");
        messages.iter().try_for_each(|message| message.check(fifo))?;
        let mut entries = Vec::new();
        let mut bytes = 0;
        for message in messages {
            if entries.len() == MAX_BATCH || bytes + message.body.len() > MAX_BODY_BYTES {
                self.send_batch(mem::take(&mut entries)).await?;
                bytes = 0;
            }
            bytes += message.body.len();
            let entry = Entry::builder()
                .id(entries.len().to_string())
                .message_body(message.body)
                .set_message_group_id(message.group)
                .set_message_deduplication_id(message.deduplication);
            entries.push(entry.build().map_err(|error| QueueError::Invalid(error.to_string()))?);
        }
        if entries.is_empty() { Ok(()) } else { self.send_batch(entries).await }
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        if !(1..=MAX_RECEIVE).contains(&limit) {
            return Err(QueueError::Invalid(format!(
                "1 to {MAX_RECEIVE} messages can be received, not {limit}"
            )));
        }
        let hidden = seconds(visibility)?;
        let output = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(limit).unwrap_or(i32::MAX))
            .visibility_timeout(hidden)
            .wait_time_seconds(0)
            .message_system_attribute_names(System::ApproximateReceiveCount)
            .message_system_attribute_names(System::SentTimestamp)
            .message_system_attribute_names(System::MessageGroupId)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        output.messages.unwrap_or_default().into_iter().map(message).collect()
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt);
        ignore_stale(request.send().await)
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(seconds(after)?);
        ignore_stale(request.send().await)
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let output = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(Attribute::ApproximateNumberOfMessages)
            .attribute_names(Attribute::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        let attributes = output.attributes.unwrap_or_default();
        let count =
            |name| attributes.get(&name).and_then(|text: &String| text.parse().ok()).unwrap_or_default();
        Ok(Depth {
            waiting: count(Attribute::ApproximateNumberOfMessages),
            in_hand: count(Attribute::ApproximateNumberOfMessagesNotVisible),
        })
    }
}

fn message(message: aws_sdk_sqs::types::Message) -> Result<Message, QueueError> {
    let attributes = message.attributes.unwrap_or_default();
    let attribute = |name| attributes.get(&name).map(String::as_str);
    received(
        message.message_id,
        message.receipt_handle,
        message.body,
        attribute(System::MessageGroupId),
        attribute(System::ApproximateReceiveCount),
        attribute(System::SentTimestamp),
    )
    .ok_or_else(|| QueueError::Unavailable("a message came without id, receipt or body".to_owned()))
}

/// A message from the parts that SQS tells; `None` without those that it never leaves out.
pub(crate) fn received(
    id: Option<String>,
    receipt: Option<String>,
    body: Option<String>,
    group: Option<&str>,
    receives: Option<&str>,
    sent_at: Option<&str>,
) -> Option<Message> {
    let sent_at =
        sent_at.and_then(|text| text.parse().ok()).and_then(|at| Timestamp::from_millisecond(at).ok());
    Some(Message {
        id: id?,
        receipt: receipt?,
        body: body?,
        group: group.map(str::to_owned),
        receives: receives.and_then(|text| text.parse().ok()).unwrap_or(1),
        sent_at: sent_at.unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// SQS counts whole seconds; a started one counts.
fn seconds(hidden: Duration) -> Result<i32, QueueError> {
    if hidden > MAX_VISIBILITY {
        return Err(QueueError::Invalid(format!(
            "a message is hidden for up to {MAX_VISIBILITY:?}, not {hidden:?}"
        )));
    }
    let started = u64::from(hidden.subsec_nanos() > 0);
    Ok(i32::try_from(hidden.as_secs() + started).unwrap_or(i32::MAX))
}

/// A receipt that ran out means that another one has the message in hand: nothing is left to do with this one.
fn ignore_stale<T, E>(result: Result<T, SdkError<E, HttpResponse>>) -> Result<(), QueueError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match result {
        Ok(_) => Ok(()),
        Err(error) => match explain(&error).0.as_deref() {
            Some("ReceiptHandleIsInvalid" | "InvalidParameterValue" | "MessageNotInflight") => Ok(()),
            _ => Err(failure(&error)),
        },
    }
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (code, text) = explain(error);
    match code.as_deref() {
        Some(
            "InvalidMessageContents"
            | "BatchRequestTooLong"
            | "InvalidParameterValue"
            | "MissingParameter"
            | "InvalidAttributeValue",
        ) => QueueError::Invalid(text),
        _ => QueueError::Unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_second_counts() {
        for (hidden, whole) in [(0, 0), (1, 1), (1000, 1), (30_000, 30), (43_199_001, 43_200)] {
            assert_eq!(seconds(Duration::from_millis(hidden)), Ok(whole));
        }
    }
}
