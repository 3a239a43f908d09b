//! Short stories that between them touch every kind of effect, for the plans of crashes.

mod steps;

use std::collections::BTreeMap;

use self::steps::Teller;
use super::{Outcome, close, open, unopened};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::fault::{Fate, Plan};
use crate::journey::Promise;

const PROMISE: Promise =
    Promise { first_response: 1800, next_response: 1800, resolution: 36_000, warn_percent: 50 };

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Two customers, an agent, a deadline that is missed.
    Order,
    /// A visitor of the site, who sends a file, leaves an address, goes on by mail, which SES receives, and comes back.
    Visit,
    /// A group of Telegram with files and a button, which becomes a supergroup.
    Family,
}

impl Story {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Order, Self::Visit, Self::Family];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Visit => "visit",
            Self::Family => "family",
        }
    }

    async fn tell(self, teller: &Teller) {
        match self {
            Self::Order => order(teller).await,
            Self::Visit => visit(teller).await,
            Self::Family => family(teller).await,
        }
    }
}

pub(super) async fn run(story: Story, struck: BTreeMap<u64, Fate>, keep_trace: bool) -> Outcome {
    let cloud = Cloud::new(&Chance::new(1), false, keep_trace);
    let stage = match open(cloud, PROMISE).await {
        Ok(stage) => stage,
        Err(error) => return unopened(error),
    };
    stage.cloud.faults.follow(Plan::Exactly(struck));
    let teller = Teller(stage);
    story.tell(&teller).await;
    close(&teller.0).await
}

async fn order(teller: &Teller) {
    teller.writes(70, "Where is my order?", None).await;
    teller.writes(70, "It is number 5.", None).await;
    teller.later(60).await;
    teller.answers("telegram", "It left this morning.", None).await;
    teller.mails("customer@people.example", "My parcel is broken.", None, false).await;
    teller.later(2400).await;
    teller.answers("email", "We send another one.", None).await;
    teller.later(60).await;
    teller.solves("telegram").await;
    teller.writes(70, "It came, thanks.", None).await;
    teller.later(3 * 3600).await;
}

async fn visit(teller: &Teller) {
    const ANN: &str = "ann@people.example";
    let Some(visit) = teller.comes().await else { return };
    teller.says(visit, "Is this one mine?", Some("picture.txt"), Some(ANN)).await;
    teller.later(60).await;
    teller.answers("webchat", "It is, see here.", Some("label.txt")).await;
    // Nobody looks, so that it goes on by mail.
    teller.later(300).await;
    teller.mails(ANN, "And this one?", Some("other.txt"), true).await;
    teller.later(60).await;
    teller.answers("webchat", "That one is not.", None).await;
    teller.later(300).await;
    teller.says(visit, "Thank you.", None, None).await;
    teller.answers("webchat", "You are welcome.", None).await;
    teller.looks(visit).await;
    teller.later(600).await;
}

async fn family(teller: &Teller) {
    const GROUP: i64 = -70;
    teller.writes(GROUP, "Which of these?", Some("both.txt")).await;
    teller.later(60).await;
    teller.answers("telegram", "The left one.", Some("left.txt")).await;
    teller.presses(GROUP, "The button of the left one").await;
    let moved = teller.moves(GROUP);
    teller.answers("telegram", "It is yours.", None).await;
    teller.tells(&moved).await;
    teller.later(60).await;
    teller.writes(GROUP, "All of us thank you.", None).await;
    teller.later(60).await;
    teller.solves("telegram").await;
    teller.later(600).await;
}
