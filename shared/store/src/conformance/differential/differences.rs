//! What an engine may do differently from SQLite, and why. Nothing else.
//!
//! A run that meets anything that is not here fails. Each entry has a directed sequence that has to meet it, so that
//! none outlives what it tells.

use jiff::Timestamp;

use super::Engine::{Calm, Emulator, Rough};
use super::answer::{Answer, by_group, without_points};
use super::{Engine, compared, shown_queues, shown_tables};
use crate::queue::QueueError;
use crate::table::TableError;

/// One thing that engines do differently.
pub struct Difference {
    /// What is different.
    pub name: &'static str,
    /// Why it is, and why that does no harm.
    pub reason: &'static str,
    /// Which engines differ in it from SQLite.
    pub engines: &'static [Engine],
    /// How it is told from a fault.
    pub(super) recognised: Recognised,
    /// What is sure to meet it.
    pub(super) shown: Shown,
}

/// How a difference is told from a fault.
pub(super) enum Recognised {
    /// The answers of the engine and of SQLite are equal once this has taken the difference out of them.
    Levelled(fn(&mut Answer, &mut Answer)),
    /// The engine's answer, the first here, is of this kind, and asked again it gives SQLite's.
    Awaited(fn(&Answer, &Answer) -> bool),
}

/// A sequence that meets a difference.
pub(super) enum Shown {
    /// On two tables.
    Tables(for<'a> fn(&'a shown_tables::Tables<'a>) -> shown_tables::Sequence<'a>),
    /// On two tables; these engines meet it by chance, to which nobody can bring them.
    Perhaps(&'static [Engine], for<'a> fn(&'a shown_tables::Tables<'a>) -> shown_tables::Sequence<'a>),
    /// On two queues, FIFO or not.
    Queues(bool, for<'a> fn(&'a compared::Compared<'a>) -> shown_queues::Sequence<'a>),
}

use Recognised::{Awaited, Levelled};

/// All of them.
pub static DIFFERENCES: [Difference; 15] = [
    Difference {
        name: "the words of an error",
        reason: "each engine has its own; what kind of error it is says what to do",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            if let (Some(found), Some(expected)) = (found.invalid(), expected.invalid()) {
                found.clone_from(expected);
            }
        }),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::words(tables))),
    },
    Difference {
        name: "the order of items read by their keys",
        reason: "the contract has none, and nobody who reads so depends on one",
        engines: &[Calm, Rough, Emulator],
        recognised: Levelled(|found, expected| {
            for answer in [found, expected] {
                if let Answer::Items(Ok(items)) = answer {
                    items.sort_by(|one, other| one.key.cmp(&other.key));
                }
            }
        }),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::order_of_many(tables))),
    },
    Difference {
        name: "a whole number with a point",
        reason: "DynamoDB knows one kind of number and writes 1.0 as 1; the desk stores no fractions",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            for item in found.items().into_iter().chain(expected.items()) {
                item.body.values_mut().for_each(without_points);
            }
        }),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::points(tables))),
    },
    Difference {
        name: "an index that shows a write later",
        reason: "indexes of DynamoDB are eventually consistent; what stands in the item itself decides",
        engines: &[Rough],
        recognised: Awaited(|found, _| matches!(found, Answer::IndexPage(Ok(_)))),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::lag(tables))),
    },
    Difference {
        name: "a conflict",
        reason: "DynamoDB refuses a transaction that meets another one on an item; SQLite has one writer, and others wait",
        engines: &[Rough],
        recognised: Awaited(|found, _| matches!(found, Answer::Done(Err(TableError::Conflict)))),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::conflict(tables))),
    },
    Difference {
        name: "which of two transactions at once comes first",
        reason: "nobody promises it; what became of them has to be what becomes of them in one of the two orders",
        engines: &[Rough, Emulator],
        recognised: Levelled(|found, expected| {
            if let (Answer::Raced(found), Answer::Raced(expected)) = (found, expected)
                && expected.possible.contains(&found.outcome)
                && expected.possible.contains(&expected.outcome)
            {
                found.outcome = expected.outcome.clone();
            }
        }),
        shown: Shown::Perhaps(&[Emulator], |tables| Box::pin(shown_tables::race_order(tables))),
    },
    Difference {
        name: "a transaction of nearly 4 MB",
        reason: "the emulator counts the bytes of the request where DynamoDB counts those of the items",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            if let (Answer::Done(Err(TableError::Invalid(text))), Answer::Done(Ok(()))) =
                (&*found, &*expected)
                && text.contains("Transaction request exceeds")
            {
                *found = Answer::Done(Ok(()));
            }
        }),
        shown: Shown::Tables(|tables| Box::pin(shown_tables::largest_transaction(tables))),
    },
    Difference {
        name: "ids, receipts and moments",
        reason: "each engine makes its own; a message is known by what it says",
        engines: &[Calm, Rough, Emulator],
        recognised: Levelled(|found, expected| {
            for message in found.messages().iter_mut().chain(expected.messages()) {
                message.id.clear();
                message.receipt.clear();
                message.sent_at = Timestamp::UNIX_EPOCH;
            }
        }),
        shown: Shown::Queues(false, |queues| Box::pin(shown_queues::ids(queues))),
    },
    Difference {
        name: "a batch in which one becomes a dead letter",
        reason: "it counts for SQLite's batch and not for the emulator's, and a batch may be smaller than asked for; random \
                 steps ask for one message then",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            if let (Answer::Delivered(found), Answer::Delivered(expected)) = (found, expected)
                && found
                    .iter()
                    .map(|one| &one.body)
                    .take(expected.len())
                    .eq(expected.iter().map(|one| &one.body))
            {
                found.truncate(expected.len());
            }
        }),
        shown: Shown::Queues(true, |queues| Box::pin(shown_queues::batch_of_a_dead_letter(queues))),
    },
    Difference {
        name: "which group comes first",
        reason: "SQS promises an order within a group only; where groups meet, all that waits is taken at once",
        engines: &[Rough, Emulator],
        recognised: Levelled(|found, expected| {
            for answer in [found, expected] {
                answer.messages().sort_by(by_group);
            }
        }),
        shown: Shown::Queues(true, |queues| Box::pin(shown_queues::groups(queues))),
    },
    Difference {
        name: "a receipt that ran out",
        reason: "the emulator takes it, against SQS and the contract; random steps do not use one there",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            if let (Answer::Used(Ok(()), now), Answer::Used(Ok(()), right)) = (&*found, &*expected)
                && (now.waiting, now.in_hand) == (0, 0)
                && (right.waiting, right.in_hand) == (1, 0)
            {
                *found = expected.clone();
            }
        }),
        shown: Shown::Queues(false, |queues| Box::pin(shown_queues::stale(queues))),
    },
    Difference {
        name: "a receipt that is none",
        reason: "SQS says the same of it as of one that ran out, which is ignored; nobody makes up receipts",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            if let (Answer::Told(Ok(())), Answer::Told(Err(QueueError::Invalid(text)))) =
                (&*found, &*expected)
                && text.ends_with("is no receipt")
            {
                *found = expected.clone();
            }
        }),
        shown: Shown::Queues(false, |queues| Box::pin(shown_queues::no_receipt(queues))),
    },
    Difference {
        name: "a part of a second",
        reason: "SQS hides messages for whole seconds, of which a started one counts",
        engines: &[Emulator],
        recognised: Awaited(|found, expected| match (found, expected) {
            (Answer::Resting(found), Answer::Resting(expected)) => found.in_hand > expected.in_hand,
            _ => false,
        }),
        shown: Shown::Queues(false, |queues| Box::pin(shown_queues::part_of_a_second(queues))),
    },
    Difference {
        name: "how often a dead letter was delivered",
        reason: "the emulator counts on where SQLite begins anew; whoever looks at dead letters does not ask",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| {
            for answer in [found, expected] {
                if let Answer::DeadLetters(letters) = answer {
                    letters.iter_mut().for_each(|letter| letter.receives = 1);
                }
            }
        }),
        shown: Shown::Queues(false, |queues| Box::pin(shown_queues::count_of_a_dead_letter(queues))),
    },
    Difference {
        name: "when a dead letter is moved",
        reason: "SQLite moves it when its turn has come, the emulator with the next request for messages, even past one \
                 of its group that is in hand: it waits there no longer, and may come before that one",
        engines: &[Emulator],
        recognised: Levelled(|found, expected| match (found, expected) {
            (Answer::Filled(found, hopeless), Answer::Filled(expected, _)) => {
                let moved = expected.waiting.saturating_sub(found.waiting);
                if moved <= *hopeless {
                    found.waiting += moved;
                }
            }
            (Answer::DeadLetters(found), Answer::DeadLetters(expected)) => {
                for letters in [found, expected] {
                    letters.sort_by(|one, other| one.body.cmp(&other.body));
                }
            }
            _ => {}
        }),
        shown: Shown::Queues(true, |queues| Box::pin(shown_queues::moment_of_a_dead_letter(queues))),
    },
];
