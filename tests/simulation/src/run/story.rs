//! Short stories for the plans of crashes. Between them they touch every kind of effect but those of bounces and complaints,
//! which seeds have.

mod chats;
mod owner;
mod steps;

use std::collections::BTreeMap;

use self::steps::Teller;
use super::{Outcome, close, open, unopened};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::fault::{Fate, Plan, Port};
use crate::journey::{Promise, windows};

const PROMISE: Promise =
    Promise { first_response: Some(1800), next_response: Some(1800), resolution: Some(36_000) };

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Two customers, an agent, a deadline that is missed.
    Order,
    /// A visitor of the site, who sends a file, leaves an address, goes on by mail, which SES receives, and comes back.
    Visit,
    /// A group of Telegram with files and a button, which becomes a supergroup.
    Family,
    /// A question that is changed, noted on, answered later and at length, and asked anew when all was over for long.
    Return,
    /// A desk whose messages become dead letters, whose customer cannot be reached, and whose token is revoked.
    Trouble,
    /// An owner who promises one thing and another: as the clock comes, while nobody works, and just before it comes.
    Promises,
}

impl Story {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Order, Self::Visit, Self::Family, Self::Return, Self::Trouble, Self::Promises];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Visit => "visit",
            Self::Family => "family",
            Self::Return => "return",
            Self::Trouble => "trouble",
            Self::Promises => "promises",
        }
    }

    async fn tell(self, teller: &Teller) {
        match self {
            Self::Order => order(teller).await,
            Self::Visit => visit(teller).await,
            Self::Family => family(teller).await,
            Self::Return => comes_back(teller).await,
            Self::Trouble => trouble(teller).await,
            Self::Promises => promises(teller).await,
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
    teller.later(60).await;
    teller.solves("telegram").await;
    teller.opens("telegram", "The other half of the order").await;
    teller.answers("telegram", "The other half comes tomorrow.", None).await;
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
    let window = windows::connect(&teller.0, visit).await;
    teller.says(visit, "Thank you.", None, None).await;
    teller.answers("webchat", "You are welcome.", None).await;
    teller.looks(visit).await;
    if let Some(window) = window {
        windows::says_so(&teller.0, &window).await;
        windows::disconnect(&teller.0, &window, true).await;
    }
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
    teller.reacts(GROUP, None, "👍").await;
    teller.later(60).await;
    teller.solves("telegram").await;
    teller.later(600).await;
}

async fn comes_back(teller: &Teller) {
    const CHAT: i64 = 71;
    let question = teller.writes(CHAT, "Do you have the red one?", None).await;
    teller.changes(CHAT, &question, "Do you have the red one, or a blue one?").await;
    teller.reacts(CHAT, Some(&question), "🤔").await;
    teller.later(60).await;
    teller.notes("telegram", "The store knows.").await;
    teller.answers_later("telegram", "The red one is here.", 600).await;
    teller.later(900).await;
    teller.answers_at_length("These are all that we have", 3).await;
    teller.later(60).await;
    teller.writes_too_early(CHAT, "Not one in between?").await;
    teller.later(60).await;
    teller.reads_again().await;
    teller.solves("telegram").await;
    teller.repeats(&question, 8 * 86_400).await;
    teller.later(60).await;
    teller.writes(CHAT, "And the green one?", None).await;
    teller.later(60).await;
    teller.answers("telegram", "Not before spring.", None).await;
    teller.later(600).await;
}

async fn trouble(teller: &Teller) {
    const CHAT: i64 = 72;
    teller.writes(CHAT, "Is this the right size?", None).await;
    teller.later(60).await;
    teller.is_out(Port::Messages, 500);
    teller.writes(CHAT, "Or is that?", None).await;
    teller.later(560).await;
    teller.redrives("inbound").await;
    teller.later(60).await;
    teller.blocks(CHAT, true).await;
    teller.answers("telegram", "This is.", None).await;
    teller.blocks(CHAT, false).await;
    teller.sends_again("telegram", "This is.").await;
    teller.revokes_the_token();
    teller.answers("telegram", "That is too large.", None).await;
    teller.later(400).await;
    teller.replaces_the_token().await;
    teller.later(600).await;
}

async fn promises(teller: &Teller) {
    const CHAT: i64 = 73;
    teller.writes(CHAT, "How long does a repair take?", None).await;
    teller.later(60).await;
    teller.promises(Some(600), None, Some(7200)).await;
    teller.clock_comes().await;
    teller.answers("telegram", "Two days.", None).await;
    teller.writes(CHAT, "And the right one?", None).await;
    teller.promises(Some(600), Some(900), None).await;
    // As the clock brings the tickets in line with that, it is already something else.
    teller.clock_comes().await;
    teller.promises(Some(300), Some(1200), Some(3600)).await;
    teller.later(300).await;
    teller.solves("telegram").await;
    teller.promises(Some(300), Some(600), Some(5400)).await;
    teller.later(300).await;
    teller.clock_is_near().await;
    teller.writes(CHAT, "Two days for both?", None).await;
    teller.promises(Some(600), Some(700), Some(7200)).await;
    // The clock has been, and the router still goes by what was promised before.
    teller.later(6).await;
    teller.mails("ben@people.example", "How long does mine take?", None, false).await;
    teller.later(600).await;
}
