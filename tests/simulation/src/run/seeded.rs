//! A run in which the seed decides: who writes what when, how the services behave, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Outcome, close, open, unopened};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::fault::{Outage, Plan, Port, Rates};
use crate::journey::{
    Agent, Habits, Promise, Stage, change_promises, lose_the_token, read_again_now_and_then, report_mails,
    send_letters_again, visit, work, write_mails, write_messages,
};

/// Paces of a conversation, in seconds between two acts.
const PACES: [&[u64]; 4] = [&[1, 3, 20], &[5, 60, 300], &[60, 900, 4000], &[600, 9000, 90_000]];

pub(super) async fn run(seed: u64, keep_trace: bool) -> Outcome {
    let chance = Chance::new(seed);
    let cloud = Cloud::new(&chance, true, keep_trace);
    let stage = match open(cloud, Promise::drawn(&chance)).await {
        Ok(stage) => stage,
        Err(error) => return unopened(error),
    };
    let life = Life::of(&chance);
    let troubles = troubles(&chance, &life);
    let nothing_works_until = troubles.outages.iter().map(|outage| outage.from + outage.lasts).max();
    let plan = Plan::Chance { chance: Arc::new(chance.fork("faults")), rates: troubles.rates };
    stage.cloud.faults.follow(plan);
    for outage in troubles.outages {
        stage.cloud.faults.suffer(outage);
    }
    let until = nothing_works_until.map_or(life.until, |until| until.max(life.until));
    let owner = tokio::spawn(send_letters_again(stage.clone(), until, chance.fork("letters")));
    stage.cloud.post.trouble(chance.fork("post"), life.habits.returned);
    let postmaster = report_mails(stage.clone(), life.habits.by_ses, until, chance.fork("postmaster"));
    let postmaster = tokio::spawn(postmaster);
    let repetitions = live(&stage, &chance, life).await;
    if let Err(error) = owner.await {
        stage.cloud.complain(format!("the owner ended: {error}"));
    }
    if let Err(error) = postmaster.await {
        stage.cloud.complain(format!("the postmaster ended: {error}"));
    }
    let mut outcome = close(&stage).await;
    if !repetitions.is_empty() {
        for repetition in repetitions {
            // A repetition that panicked would be the simulation's own fault, and is told as such.
            if let Err(error) = repetition.await {
                outcome.broken.push(error.to_string());
            }
        }
        outcome = outcome.followed_by(close(&stage).await);
    }
    outcome
}

/// How people live in a run.
struct Life {
    pace: &'static [u64],
    habits: Habits,
    /// Until when agents work.
    until: Instant,
}

impl Life {
    fn of(chance: &Chance) -> Self {
        let pace = chance.pick(&PACES).copied().unwrap_or(&[60]);
        let habits = Habits {
            messages: chance.between(1, 4),
            pauses: pace.to_vec(),
            repeated: *chance.pick(&[0, 100, 400]).unwrap_or(&0),
            edited: *chance.pick(&[0, 150]).unwrap_or(&0),
            files: *chance.pick(&[0, 300]).unwrap_or(&0),
            presses: *chance.pick(&[0, 0, 400]).unwrap_or(&0),
            kept: *chance.pick(&[0, 0, 0, 250]).unwrap_or(&0),
            reactions: *chance.pick(&[0, 0, 400]).unwrap_or(&0),
            blocks: chance.happens(150),
            moves: chance.happens(500),
            by_ses: chance.happens(400),
            returned: *chance.pick(&[0, 0, 100, 400]).unwrap_or(&0),
            watches: chance.happens(500),
            leaves_address: chance.happens(500),
            returns: chance.happens(150),
        };
        let slowest = pace.iter().max().copied().unwrap_or_default();
        let until = Instant::now() + Duration::from_secs(slowest * (habits.messages + 1) + 60);
        Self { pace, habits, until }
    }
}

/// What goes wrong in a run.
struct Troubles {
    rates: Rates,
    outages: Vec<Outage>,
}

fn troubles(chance: &Chance, life: &Life) -> Troubles {
    let rates = if chance.happens(100) { Rates::default() } else { Rates::of(chance) };
    let mut outages = Vec::new();
    if chance.happens(150) {
        outages.push(Outage {
            port: *chance
                .pick(&[Port::Table, Port::Queue, Port::Objects, Port::Platform, Port::Live])
                .unwrap_or(&Port::Table),
            from: Instant::now() + Duration::from_secs(chance.between(10, 4000)),
            lasts: Duration::from_secs(*chance.pick(&[20, 240, 1200]).unwrap_or(&20)),
        });
    }
    if chance.happens(150) {
        // While people write, and for so long that messages become dead letters, of which their tickets can tell.
        let life = life.until.duration_since(Instant::now()).as_secs();
        outages.push(Outage {
            port: Port::Messages,
            from: Instant::now() + Duration::from_secs(chance.below(life)),
            lasts: Duration::from_secs(*chance.pick(&[400, 1200, 3000]).unwrap_or(&400)),
        });
    }
    Troubles { rates, outages }
}

/// Everybody acts. Returns the deliveries that will be repeated once everybody has long gone home.
async fn live(stage: &Stage, chance: &Chance, life: Life) -> Vec<JoinHandle<()>> {
    let Life { pace, habits, until } = life;
    let mut customers = Vec::new();
    for chat in 1..=chance.between(1, 3) {
        let chat = 7000 + i64::try_from(chat).unwrap_or_default();
        let own = Arc::new(chance.fork("chat"));
        customers.push(tokio::spawn(write_messages(stage.clone(), chat, habits.clone(), own)));
    }
    if chance.happens(200) {
        let own = Arc::new(chance.fork("group"));
        customers.push(tokio::spawn(write_messages(stage.clone(), -5001, habits.clone(), own)));
    }
    for visitor in 1..=chance.between(0, 2) {
        let own = Arc::new(chance.fork("visitor"));
        customers.push(tokio::spawn(visit(stage.clone(), visitor, habits.clone(), own)));
    }
    for customer in 1..=chance.between(0, 2) {
        let own = Arc::new(chance.fork("mail"));
        customers.push(tokio::spawn(write_mails(stage.clone(), customer, habits.clone(), own)));
    }
    let mut staff = Vec::new();
    for number in 1..=chance.between(1, 2) {
        let agent = Agent { number, pauses: pace.iter().map(|seconds| seconds + 2).collect(), until };
        staff.push(tokio::spawn(work(stage.clone(), agent, Arc::new(chance.fork("agent")))));
    }
    if chance.happens(300) {
        staff.push(tokio::spawn(change_promises(stage.clone(), chance.fork("promises"))));
    }
    if habits.kept > 0 {
        let own = chance.fork("originals");
        staff.push(tokio::spawn(read_again_now_and_then(stage.clone(), until, own)));
    }
    if chance.happens(120) {
        staff.push(tokio::spawn(lose_the_token(stage.clone(), chance.fork("owner"))));
    }
    let mut repetitions = Vec::new();
    for customer in customers {
        match customer.await {
            Ok(later) => repetitions.extend(later),
            Err(error) => stage.cloud.complain(format!("a customer ended: {error}")),
        }
    }
    for person in staff {
        if let Err(error) = person.await {
            stage.cloud.complain(format!("somebody of the firm ended: {error}"));
        }
    }
    repetitions
}
