//! What an engine answered, as far as two engines are compared.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::queue::{Depth, Message, QueueError};
use crate::table::{Item, Page, TableError};

/// The answer to one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// To a transaction.
    Done(Result<(), TableError>),
    /// To an increment.
    Sum(Result<u64, TableError>),
    /// To a read of several keys.
    Items(Result<Vec<Item>, TableError>),
    /// To a query of the table itself.
    Page(Result<Page, TableError>),
    /// To a query of an index.
    IndexPage(Result<Page, TableError>),
    /// To two transactions at once.
    Raced(Box<Race>),
    /// To a request that a queue takes or refuses.
    Told(Result<(), QueueError>),
    /// To a receipt, and how full the queue was then.
    Used(Result<(), QueueError>, Depth),
    /// To a request for messages.
    Delivered(Vec<Message>),
    /// All dead letters of a queue.
    DeadLetters(Vec<Message>),
    /// How full a queue is, of whose messages some that wait were delivered too often to come again.
    Filled(Depth, u64),
    /// How full a queue is, some of whose messages were hidden for a part of a second.
    Resting(Depth),
}

/// What became of two transactions at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Race {
    pub(super) outcome: Outcome,
    /// What becomes of them one after the other.
    pub(super) possible: [Outcome; 2],
}

/// The answers to two transactions, and the items that they left.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) answers: [Result<(), TableError>; 2],
    pub(super) items: Vec<Item>,
}

impl Answer {
    /// All items in it.
    pub(super) fn items(&mut self) -> Vec<&mut Item> {
        match self {
            Self::Items(Ok(items)) => items.iter_mut().collect(),
            Self::Page(Ok(page)) | Self::IndexPage(Ok(page)) => page.items.iter_mut().collect(),
            Self::Raced(race) => {
                let Race { outcome, possible } = &mut **race;
                let outcomes = std::iter::once(outcome).chain(possible);
                outcomes.flat_map(|outcome| outcome.items.iter_mut()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// All messages in it.
    pub(super) fn messages(&mut self) -> &mut [Message] {
        match self {
            Self::Delivered(messages) | Self::DeadLetters(messages) => messages,
            _ => &mut [],
        }
    }

    /// The text of the error in it that says that the request can never succeed.
    pub(super) fn invalid(&mut self) -> Option<&mut String> {
        match self {
            Self::Done(Err(TableError::Invalid(text)))
            | Self::Sum(Err(TableError::Invalid(text)))
            | Self::Items(Err(TableError::Invalid(text)))
            | Self::Page(Err(TableError::Invalid(text)))
            | Self::IndexPage(Err(TableError::Invalid(text)))
            | Self::Told(Err(QueueError::Invalid(text))) => Some(text),
            _ => None,
        }
    }
}

/// Writes whole numbers without a fraction, in a whole value.
pub(super) fn without_points(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(whole) = whole.and_then(|whole| format!("{whole:.0}").parse::<i64>().ok()) {
                *number = Number::from(whole);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(without_points),
        Value::Object(map) => map.values_mut().for_each(without_points),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Sorts messages by their groups; those of one group stay in the order in which they came.
pub(super) fn by_group(one: &Message, other: &Message) -> Ordering {
    one.group.cmp(&other.group)
}
