//! Dead letters: messages that could not be processed, to look at and to send again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::queue::{MAX_RECEIVE, Message, Outgoing, Queue, QueueError};

/// How long letters are in hand while they are looked at. Released at the end; this is for a crash in between.
const IN_HAND: Duration = Duration::from_secs(30);
/// The most letters that are looked through.
const MOST: usize = 1000;

/// Where dead letters come from.
#[derive(Clone)]
pub enum Source {
    /// A queue.
    Queue(Arc<dyn Queue>),
    /// A function that was invoked without a queue. Lambda writes what it was invoked with into the letter:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>.
    Function(Arc<dyn Function>),
}

/// A function that can be invoked without waiting for what becomes of it.
#[async_trait]
pub trait Function: Send + Sync + 'static {
    /// Hands over an event, as JSON.
    async fn invoke(&self, event: String) -> Result<(), QueueError>;
}

impl Source {
    /// Sends a letter again.
    async fn send(&self, letter: &Message) -> Result<(), QueueError> {
        match self {
            Self::Queue(queue) => queue.send(vec![again(letter)]).await,
            Self::Function(function) => function.invoke(event_of(letter)?).await,
        }
    }
}

/// What Lambda writes when it gives up an invocation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GivenUp {
    request_payload: serde_json::Value,
}

fn event_of(letter: &Message) -> Result<String, QueueError> {
    let given_up: GivenUp = serde_json::from_str(&letter.body)
        .map_err(|error| QueueError::Invalid(format!("the letter {} holds no event: {error}", letter.id)))?;
    Ok(given_up.request_payload.to_string())
}

/// A queue with its dead letters.
#[derive(Clone)]
pub struct DeadLetters {
    /// The word for it: `inbound`, `outbound`, `work`, `relay`, `email`.
    pub name: &'static str,
    /// Where letters go when they are sent again; absent where something else repeats the work.
    pub source: Option<Source>,
    /// Where they are.
    pub dead: Arc<dyn Queue>,
}

/// What was sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Redriven {
    /// How many letters.
    pub redriven: usize,
    /// The letters that can never be sent again, because they do not hold what failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsendable: Vec<String>,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Letter {
    /// The queue's id of the message.
    pub id: String,
    /// The queue that could not process it.
    pub queue: String,
    /// The conversation.
    pub group: Option<String>,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub sent_at: Timestamp,
    /// The length of its body in bytes.
    pub size: usize,
}

impl DeadLetters {
    /// The oldest letters.
    ///
    /// # Errors
    /// When the queue is unavailable.
    pub async fn list(&self, limit: usize) -> Result<Vec<Letter>, QueueError> {
        let taken = self.take(limit).await?;
        let letters = taken.iter().map(|message| self.letter(message)).collect();
        self.release(&taken).await?;
        Ok(letters)
    }

    /// One letter with its body.
    ///
    /// # Errors
    /// When the queue is unavailable.
    pub async fn show(&self, id: &str) -> Result<Option<(Letter, String)>, QueueError> {
        let taken = self.take(MOST).await?;
        let found = taken.iter().find(|message| message.id == id);
        let found = found.map(|message| (self.letter(message), message.body.clone()));
        self.release(&taken).await?;
        Ok(found)
    }

    /// Sends letters back to where they failed: one by its id, or all.
    ///
    /// # Errors
    /// When something is unavailable; letters that went before that went, and those after it wait.
    pub async fn redrive(&self, id: Option<&str>) -> Result<Redriven, QueueError> {
        let mut redriven = Redriven::default();
        let Some(source) = &self.source else { return Ok(redriven) };
        let mut kept = Vec::new();
        let mut result = Ok(());
        // Those of one conversation come ten at a time: more of them only when these are gone.
        while result.is_ok() && redriven.redriven + kept.len() < MOST {
            let batch = match self.dead.receive(MAX_RECEIVE, IN_HAND).await {
                Ok(batch) if batch.is_empty() => break,
                Ok(batch) => batch,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            for letter in batch {
                if result.is_err() || id.is_some_and(|id| id != letter.id) {
                    kept.push(letter);
                    continue;
                }
                match self.send_again(source, &letter).await {
                    Ok(()) => redriven.redriven += 1,
                    Err(error) => {
                        if error.is_transient() {
                            result = Err(error);
                        } else {
                            tracing::warn!(queue = self.name, letter.id, %error, "a dead letter cannot be sent again");
                            redriven.unsendable.push(letter.id.clone());
                        }
                        kept.push(letter);
                    }
                }
            }
        }
        self.release(&kept).await?;
        result.map(|()| redriven)
    }

    /// Sent before it is removed: a crash in between doubles the letter, and the table swallows the double.
    async fn send_again(&self, source: &Source, letter: &Message) -> Result<(), QueueError> {
        source.send(letter).await?;
        self.dead.delete(&letter.receipt).await
    }

    async fn take(&self, limit: usize) -> Result<Vec<Message>, QueueError> {
        let mut taken: Vec<Message> = Vec::new();
        while taken.len() < limit {
            let batch = self.dead.receive((limit - taken.len()).min(MAX_RECEIVE), IN_HAND).await?;
            if batch.is_empty() {
                break;
            }
            taken.extend(batch);
        }
        Ok(taken)
    }

    async fn release(&self, taken: &[Message]) -> Result<(), QueueError> {
        for message in taken {
            self.dead.release(&message.receipt, Duration::ZERO).await?;
        }
        Ok(())
    }

    fn letter(&self, message: &Message) -> Letter {
        Letter {
            id: message.id.clone(),
            queue: self.name.to_owned(),
            group: message.group.clone(),
            sent_at: message.sent_at,
            size: message.body.len(),
        }
    }
}

impl std::fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadLetters").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The letter as it is sent again: marked as late where its form has a place for the mark.
fn again(message: &Message) -> Outgoing {
    let body = match serde_json::from_str::<crate::envelope::Envelope>(&message.body) {
        Ok(mut envelope) => {
            envelope.late = true;
            crate::envelope::json(&envelope)
        }
        Err(_) => message.body.clone(),
    };
    let deduplication = message.group.as_ref().map(|_| format!("again-{}-{}", message.id, message.receives));
    Outgoing { body, group: message.group.clone(), deduplication }
}
