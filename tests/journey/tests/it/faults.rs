//! AWS as it is on a bad day: requests of the functions are dropped, applied without an answer, applied twice, late, or
//! refused as too many. Whatever was acknowledged is there once and in order, and every reply leaves once or is marked.

#![expect(clippy::panic, reason = "what may not be fails the journey, with what was seen")]

mod mails;
mod outcome;
mod talk;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use journey::eventually;
use journey::stage::{Stage, Target};
use journey::target::{Emulator, Turn};
use serde_json::json;
use tokio::time::Instant;

use self::outcome::{check, drained, finished};
use self::talk::{Place, Talk, repeated};

/// How many of the functions' requests are struck.
const RATES: [f64; 3] = [0.01, 0.05, 0.2];
/// How a request may be struck.
const FAULTS: [&str; 5] = ["drop", "lose_answer", "repeat", "delay", "throttle"];
/// From which rate on each kind strikes, among the many hundred requests of a day.
const HARSH: f64 = 0.2;
/// How many write to a bot, and how many mails and in the chat of the site.
const CUSTOMERS: usize = 6;
const OTHERS: usize = 2;
const MESSAGES: usize = 5;
const REPLIES: usize = 4;
/// Of how many replies one may be uncertain in the end.
const UNCERTAIN: usize = 10;
/// How long a request is repeated. A reader needs it, too: a message of which a batch failed comes after a minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long until somebody looks again.
const GLANCE: Duration = Duration::from_millis(250);
/// How long work that failed rests here, on the work queue. By the template that is minutes, because work may take as
/// long; here it takes seconds. Nothing else differs, and all that it changes is for how long this waits.
const REST: Duration = Duration::from_secs(60);
/// How long a day goes on for what is still on its way when all is said.
const EVENING: Duration = Duration::from_secs(40);
/// How long all may take once nothing fails any more: a claim runs out after three minutes, and the clock looks each
/// minute.
const DRAINED: Duration = Duration::from_secs(270);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled() {
    if !crate::runs("faults") {
        return;
    }
    let stage = Stage::emulator(Turn::Alone).await;
    let Target::Emulator(emulator) = &stage.target else { return };
    let usual = emulator.hide_for("WorkQueue", REST).await;
    crate::say(&format!(
        "work that failed rests for {REST:?}, by the template for {usual:?}: only the waiting is shorter"
    ));
    let mut talks = Vec::new();
    for (seed, rate) in (1..).zip(RATES) {
        talks.extend(day(&stage, emulator, seed, rate).await);
    }
    // The table's stream is one sequence here: when what was appended last is handed on, so is all before it.
    let last = Place::chat(&stage, emulator, "last").await;
    talks.push(talk(&stage, emulator, last, "last".to_owned()).await);
    finished(&stage, &talks).await;
    drained(emulator).await;
    let mut marked = 0;
    for talk in &talks {
        marked += check(&stage, emulator, talk).await;
    }
    // To mark what could be known is to lose it, too.
    let replies = REPLIES * talks.len();
    assert!(marked * UNCERTAIN <= replies, "{marked} of {replies} replies are marked as uncertain");
    let files: usize = talks.iter().map(|talk| talk.files.len()).sum();
    crate::say(&format!(
        "all drained; {files} files are stored; of {replies} replies {marked} are marked as uncertain"
    ));
}

/// Customers and agents talk while one request in `1 / rate` is struck.
async fn day(stage: &Stage, emulator: &Emulator, seed: u64, rate: f64) -> Vec<Talk> {
    let name = |number| format!("day{seed}n{number}");
    // Before anything fails: whoever connects a bot sees that it failed, and does it again.
    let line = stage.connect(json!({})).await;
    let mut places: Vec<_> =
        (0..CUSTOMERS).map(|number| (name(number), Place::telegram(&line, &name(number)))).collect();
    for number in (CUSTOMERS..).step_by(2).take(OTHERS) {
        let (mail, chat) = (name(number), name(number + 1));
        places.push((mail.clone(), Place::mail(stage, emulator, &mail).await));
        places.push((chat.clone(), Place::chat(stage, emulator, &chat).await));
    }
    emulator.strike(rate, seed).await;
    let begun = Instant::now();
    let talks = places.into_iter().map(|(name, place)| talk(stage, emulator, place, name));
    let talks = join_all(talks).await;
    let left = tokio::time::timeout(EVENING, all_left(emulator, &talks)).await.is_ok();
    let struck = emulator.strike(0.0, 0).await;
    crate::say(&format!(
        "at {rate}: {} conversations in {:.0?}, all replies left: {left}; {} requests, struck: {}",
        talks.len(),
        begun.elapsed(),
        struck["requests"],
        struck["struck"]
    ));
    let times = |fault: &str| struck["struck"][fault].as_u64().unwrap_or_default();
    assert!(FAULTS.iter().map(|fault| times(fault)).sum::<u64>() > 0, "nothing failed: {struck:#}");
    if rate >= HARSH {
        let never: Vec<_> = FAULTS.iter().filter(|fault| times(fault) == 0).collect();
        assert!(never.is_empty(), "{never:?} never struck: {struck:#}");
    }
    talks
}

/// One customer writes, and is answered; both repeat what was not acknowledged.
async fn talk(stage: &Stage, emulator: &Emulator, place: Place, name: String) -> Talk {
    let said: Vec<_> = (0..MESSAGES).map(|message| format!("Message {message}")).collect();
    let files = vec![Bytes::from(format!("{name},a file\r\n").repeat(2000))];
    let writing = async {
        for (number, text) in said.iter().enumerate() {
            place.say(stage, emulator, &name, (number, text), files.get(number)).await;
        }
    };
    let answering = async {
        let ticket = eventually("the conversation has a ticket", PATIENCE, async || {
            let tickets = place.tickets(stage).await;
            tickets.first().and_then(|ticket| ticket["id"].as_str()).map(str::to_owned).ok_or(())
        })
        .await;
        let mut replies = Vec::new();
        for reply in 0..REPLIES {
            let path = format!("/tickets/{ticket}/replies");
            let body = json!({"text": format!("Reply {reply}")});
            let key = format!("{name}-{reply}");
            let headers = [("idempotency-key", key.as_str())];
            let ask = || stage.desk.attempt(Method::POST, &path, Some(&body), &headers);
            let created = repeated("a reply", ask).await;
            // An agent who was told nothing presses the button again.
            let again = repeated("a reply", ask).await;
            assert_eq!((&again["id"], &again["seq"]), (&created["id"], &created["seq"]));
            replies.push(created);
        }
        (ticket, replies)
    };
    let ((), (ticket, replies)) = tokio::join!(writing, answering);
    Talk { place, name, ticket, said, files, replies }
}

/// Waits until every reply left, and its copy.
async fn all_left(emulator: &Emulator, talks: &[Talk]) {
    let missing = async || {
        for talk in talks {
            let copies = talk.place.copies(emulator).await;
            if talk.place.arrived(emulator).await.len() < REPLIES
                || copies.is_some_and(|copies| copies.len() < REPLIES)
            {
                return true;
            }
        }
        emulator.waiting("InboundQueue").await != (0, 0)
    };
    while missing().await {
        tokio::time::sleep(GLANCE).await;
    }
}
