//! What all customers have in common.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::Stage;
use super::visitors::submit;
use super::writers::{mail, webhook, webhook_of};
use crate::chance::Chance;
use crate::cloud::Door;

/// How long after its delivery something is delivered once more: at once, when the queue has forgotten it, and when
/// nobody remembers.
const REPEATED_AFTER: [u64; 4] = [0, 6 * 60, 26 * 3600, 7 * 86_400 + 60];

/// After so long a solved ticket is closed for good.
pub(super) const OVER: Duration = Duration::from_hours(8 * 24);

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
    /// How many of 1000 messages have a file.
    pub files: u64,
    /// How many of 1000 messages are followed by the press of a button.
    pub presses: u64,
    /// How many of 1000 messages come to a version that does not understand them.
    pub kept: u64,
    /// How many of 1000 messages are followed by a reaction: to it, or to the desk's latest one.
    pub reactions: u64,
    /// Whether they block the desk for a while.
    pub blocks: bool,
    /// Whether their group becomes a supergroup.
    pub moves: bool,
    /// Whether mails come by SES, which keeps no order among them.
    pub by_ses: bool,
    /// How many of 1000 mails to them do not simply arrive.
    pub returned: u64,
    /// Whether visitors of the site have a window open, to which the desk pushes.
    pub watches: bool,
    /// Whether visitors of the site leave an address.
    pub leaves_address: bool,
    /// Whether the last message comes when everything was over for long.
    pub returns: bool,
}

/// What is brought to the desk.
#[derive(Debug, Clone)]
pub(super) enum Brought {
    /// An update of Telegram.
    Update(String),
    /// One that comes to a version that does not understand it.
    Kept(String),
    /// A mail, handed in over HTTP.
    Mail(String),
    /// A mail with its author and an id, received by SES.
    Ses(String, String, String),
    /// What a visitor of the site writes.
    Submission { visit: usize, body: Value },
}

impl Brought {
    async fn bring(&self, stage: &Stage) -> bool {
        match self {
            Self::Update(update) => webhook(stage, update).await,
            Self::Kept(update) => webhook_of(stage, Door::Older, update).await,
            Self::Mail(text) => mail(stage, text).await,
            Self::Ses(from, id, text) => {
                stage.cloud.receive_mail(from, id, text.clone().into()).await;
                true
            }
            Self::Submission { visit, body } => submit(stage, *visit, body).await,
        }
    }
}

/// Brings something until it is acknowledged, and perhaps once more later, though it was.
pub(super) async fn bring(
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
    stage.history.repeated(place, after);
    let stage = stage.clone();
    Some(tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(after)).await;
        stage.cloud.trace.note("a delivery is repeated");
        brought.bring(&stage).await;
    }))
}
