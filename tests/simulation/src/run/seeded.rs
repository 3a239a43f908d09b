//! A run in which the seed decides: who writes what when, how the services behave, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Outcome, close, open, unopened};
use crate::chance::Chance;
use crate::cloud::Cloud;
use crate::fault::{Outage, Plan, Port, Rates};
use crate::journey::{Agent, Habits, Promise, Stage, lose_the_token, work, write_mails, write_messages};

/// Paces of a conversation, in seconds between two acts.
const PACES: [&[u64]; 4] = [&[1, 3, 20], &[5, 60, 300], &[60, 900, 4000], &[600, 9000, 90_000]];

pub(super) async fn run(seed: u64, keep_trace: bool) -> Outcome {
    let chance = Chance::new(seed);
    let cloud = Cloud::new(&chance, true, keep_trace);
    let promise = Promise {
        first_response: chance.between(5, 60) * 60,
        next_response: chance.between(5, 120) * 60,
        resolution: chance.between(1, 12) * 3600,
        warn_percent: 50,
    };
    let stage = match open(cloud, promise).await {
        Ok(stage) => stage,
        Err(error) => return unopened(error),
    };
    stage.cloud.faults.follow(troubles(&chance));
    let repetitions = live(&stage, &chance).await;
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

fn troubles(chance: &Chance) -> Plan {
    let rates = if chance.happens(100) { Rates::default() } else { Rates::of(chance) };
    let mut outages = Vec::new();
    if chance.happens(150) {
        outages.push(Outage {
            port: *chance
                .pick(&[Port::Table, Port::Queue, Port::Objects, Port::Platform])
                .unwrap_or(&Port::Table),
            from: Instant::now() + Duration::from_secs(chance.between(10, 4000)),
            lasts: Duration::from_secs(*chance.pick(&[20, 240, 1200]).unwrap_or(&20)),
        });
    }
    Plan::Chance { chance: Arc::new(chance.fork("faults")), rates, outages }
}

/// Everybody acts. Returns the deliveries that will be repeated once everybody has long gone home.
async fn live(stage: &Stage, chance: &Chance) -> Vec<JoinHandle<()>> {
    let pace = chance.pick(&PACES).copied().unwrap_or(&[60]);
    let habits = Habits {
        messages: chance.between(1, 4),
        pauses: pace.to_vec(),
        repeated: *chance.pick(&[0, 100, 400]).unwrap_or(&0),
        edited: *chance.pick(&[0, 150]).unwrap_or(&0),
        blocks: chance.happens(150),
        returns: chance.happens(150),
    };
    let mut customers = Vec::new();
    for chat in 1..=chance.between(1, 3) {
        let chat = 7000 + i64::try_from(chat).unwrap_or_default();
        let own = Arc::new(chance.fork("chat"));
        customers.push(tokio::spawn(write_messages(stage.clone(), chat, habits.clone(), own)));
    }
    for customer in 1..=chance.between(0, 2) {
        let own = Arc::new(chance.fork("mail"));
        customers.push(tokio::spawn(write_mails(stage.clone(), customer, habits.clone(), own)));
    }
    let slowest = pace.iter().max().copied().unwrap_or_default();
    let until = Instant::now() + Duration::from_secs(slowest * (habits.messages + 1) + 60);
    let mut staff = Vec::new();
    for number in 1..=chance.between(1, 2) {
        let agent = Agent { number, pauses: pace.iter().map(|seconds| seconds + 2).collect(), until };
        staff.push(tokio::spawn(work(stage.clone(), agent, Arc::new(chance.fork("agent")))));
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
