//! Customers.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::writers::{Letter, mail, webhook};
use super::{Stage, pause};
use crate::chance::Chance;

/// How long after its delivery something is delivered once more: at once, when the queue has forgotten it, and when
/// nobody remembers.
const REPEATED_AFTER: [u64; 4] = [0, 6 * 60, 26 * 3600, 7 * 86_400 + 60];

/// After so long a solved ticket is closed for good.
const OVER: Duration = Duration::from_hours(8 * 24);

/// What customers add when they change a message.
pub const CHANGED: &str = ", changed";

/// What customers are used to.
#[derive(Debug, Clone)]
pub struct Habits {
    /// How many messages each writes.
    pub messages: u64,
    /// Seconds between two of them.
    pub pauses: Vec<u64>,
    /// How many of 1000 deliveries come again.
    pub repeated: u64,
    /// How many of 1000 messages are changed afterwards.
    pub edited: u64,
    /// Whether they block the desk for a while.
    pub blocks: bool,
    /// Whether the last message comes when everything was over for long.
    pub returns: bool,
}

/// A customer who writes in a chat. Returns the deliveries that are still to be repeated.
pub async fn write_messages(
    stage: Stage,
    chat: i64,
    habits: Habits,
    chance: Arc<Chance>,
) -> Vec<JoinHandle<()>> {
    let (by, bots) = (format!("telegram {chat}"), Arc::clone(&stage.cloud.bots));
    let mut repetitions = Vec::new();
    for number in 1..=habits.messages {
        pause(&chance, &habits.pauses).await;
        if habits.returns && number == habits.messages {
            tokio::time::sleep(OVER).await;
        }
        let text = format!("Question {number} of chat {chat}");
        let second = stage.cloud.hours.now().as_second();
        let (message, update) = bots.written(chat, &text, second);
        let place = stage.history.say(&text, &by, None);
        let update = update.to_string();
        repetitions.extend(bring(&stage, &chance, habits.repeated, Brought::Update(update), place).await);
        if chance.happens(habits.edited) {
            let text = format!("{text}{CHANGED}");
            let update = bots.edited(chat, message, &text, second + 5).to_string();
            let edit = stage.history.edit(place, &text);
            // Sometimes it comes twice, as long as the desk remembers deliveries.
            for _ in 0..=u64::from(chance.happens(habits.repeated)) {
                if webhook(&stage, &update).await {
                    stage.history.edit_acknowledged(edit);
                }
            }
        }
        if habits.blocks && chance.happens(300) {
            bots.set_blocked(chat, true);
            pause(&chance, &[60, 7200]).await;
            bots.set_blocked(chat, false);
        }
    }
    repetitions
}

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
        let mut got = stage.cloud.post.taken().into_iter().filter(|mail| mail.recipients.contains(&from));
        let latest = got.next_back().filter(|_| chance.happens(800));
        let answers = latest.as_ref().map(|mail| mail.text.trim().to_owned());
        let place = stage.history.say(&text, &from, answers);
        let subject = match &latest {
            Some(mail) => mail.subject.clone(),
            None => format!("Order {customer}.{number}"),
        };
        let letter = Letter {
            from: &from,
            id: &format!("{customer}.{number}@people.example"),
            subject: &subject,
            answers: latest.as_ref().map(|mail| mail.message_id.as_str()),
            text: &text,
        };
        let written = letter.write(&stage);
        repetitions.extend(bring(&stage, &chance, habits.repeated, Brought::Mail(written), place).await);
    }
    repetitions
}

/// What is brought to the desk.
#[derive(Debug, Clone)]
enum Brought {
    Update(String),
    Mail(String),
}

impl Brought {
    async fn bring(&self, stage: &Stage) -> bool {
        match self {
            Self::Update(update) => webhook(stage, update).await,
            Self::Mail(text) => mail(stage, text).await,
        }
    }
}

/// Brings something until it is acknowledged, and perhaps once more later, though it was.
async fn bring(
    stage: &Stage,
    chance: &Chance,
    repeated: u64,
    brought: Brought,
    place: usize,
) -> Option<JoinHandle<()>> {
    if brought.bring(stage).await {
        stage.history.acknowledged(place);
    }
    if !chance.happens(repeated) {
        return None;
    }
    let after = chance.pick(&REPEATED_AFTER).copied().unwrap_or_default();
    let stage = stage.clone();
    Some(tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(after)).await;
        stage.cloud.trace.note("a delivery is repeated");
        brought.bring(&stage).await;
    }))
}
