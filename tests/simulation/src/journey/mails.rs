//! Customers who write mails.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::customers::{Brought, Habits, bring};
use super::writers::Letter;
use super::{Stage, pause};
use crate::chance::Chance;
use crate::history::Said;
use crate::platform::Delivered;

/// A customer who writes mails: new ones, and answers to the desk's. Returns the deliveries still to be repeated.
pub async fn write_mails(
    stage: Stage,
    customer: u64,
    habits: Habits,
    chance: Arc<Chance>,
) -> Vec<JoinHandle<()>> {
    let from = format!("customer{customer}@people.example");
    let mut repetitions = Vec::new();
    for number in 1..=habits.messages {
        pause(&chance, &habits.pauses).await;
        let text = format!("Question {number} of mail customer {customer}");
        let latest = latest_to(&stage, &from).filter(|_| chance.happens(800));
        let id = format!("{customer}.{number}@people.example");
        let written = write(&stage, &chance, &habits, &text, &from, &id, latest.as_ref());
        repetitions.extend(written.await);
    }
    repetitions
}

/// The latest mail of the desk that arrived at an address.
pub(crate) fn latest_to(stage: &Stage, address: &str) -> Option<Delivered> {
    let mut got = stage.cloud.post.taken().into_iter();
    got.rfind(|mail| mail.outcome.arrives() && mail.recipients.iter().any(|recipient| recipient == address))
}

/// Writes a mail, perhaps with a file, that answers one of the desk's or begins something.
pub(super) async fn write(
    stage: &Stage,
    chance: &Chance,
    habits: &Habits,
    text: &str,
    from: &str,
    id: &str,
    latest: Option<&Delivered>,
) -> Option<JoinHandle<()>> {
    let file = chance.happens(habits.files).then(|| format!("{text}.txt"));
    let answers = latest.map(|mail| mail.text.trim().to_owned());
    // What comes by SES may overtake what came before.
    let by = if habits.by_ses { format!("{from}, {id}") } else { from.to_owned() };
    let place = stage.history.say(Said {
        answers,
        file: file.clone(),
        address: Some(from.to_owned()),
        ..Said::new(text, &by)
    });
    let subject = latest.map_or_else(|| format!("About {text}"), |mail| mail.subject.clone());
    let answers = latest.map(|mail| mail.message_id.as_str());
    let letter = Letter { from, id, subject: &subject, answers, text, file: file.as_deref() };
    let written = letter.write(stage);
    let brought = match habits.by_ses {
        true => Brought::Ses(from.to_owned(), id.replace('@', "."), written),
        false => Brought::Mail(written),
    };
    bring(stage, chance, habits.repeated, brought, place).await
}
