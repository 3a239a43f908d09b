//! AWS as it is on a bad day: requests of the functions are dropped, applied without an answer, applied twice, late, or
//! refused as too many. Whatever was acknowledged is there once and in order, and every reply leaves once or is marked.

#![expect(clippy::panic, reason = "what may not be fails the journey, with what was seen")]

mod talk;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use journey::eventually;
use journey::stage::{Stage, Target};
use journey::target::{Emulator, Turn};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::talk::{Place, Talk, repeated};
use crate::files::content;

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
/// How long a request is repeated. A reader needs it, too: a message of which a batch failed comes after a minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long SES waits until it tells of a mail again that nobody heard of.
const TOLD_AGAIN: Duration = Duration::from_secs(5);
/// How long until somebody looks again.
const GLANCE: Duration = Duration::from_millis(250);
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
    let mut days = Vec::new();
    for (seed, rate) in (1..).zip(RATES) {
        // Before anything fails: whoever connects a bot sees that it failed, and does it again.
        let line = stage.connect(json!({})).await;
        let mut places: Vec<_> = (0..CUSTOMERS).map(|number| Place::telegram(&line, number)).collect();
        for number in 0..OTHERS {
            places.push(Place::mail(&stage, emulator, &format!("day{seed}-{number}")).await);
            places.push(Place::chat(&stage).await);
        }
        emulator.strike(rate, seed).await;
        let begun = Instant::now();
        let talks = places.into_iter().enumerate();
        let talks = talks.map(|(number, place)| talk(&stage, emulator, place, format!("day{seed}-{number}")));
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
        days.extend(talks);
    }
    drained(emulator).await;
    let (mut marked, mut waiting) = (0, 0);
    for talk in &days {
        marked += check(&stage, emulator, talk).await;
        waiting += check_files(&stage, talk).await;
    }
    let files: usize = days.iter().map(|talk| talk.files.len()).sum();
    let (_, resting) = emulator.waiting("WorkQueue").await;
    assert!(waiting < files && waiting as u64 <= resting, "{waiting} of {files} files; {resting} rest");
    crate::say(&format!(
        "all drained; {marked} replies are marked as uncertain; of {files} files {waiting} wait to be tried again"
    ));
}

/// One customer writes, and is answered; both repeat what was not acknowledged.
async fn talk(stage: &Stage, emulator: &Emulator, place: Place, name: String) -> Talk {
    let said: Vec<_> = (0..MESSAGES).map(|message| format!("Message {message}")).collect();
    let files: Vec<Bytes> = match place {
        Place::Telegram(..) => Vec::new(),
        Place::Mail(..) | Place::Chat(..) => vec![Bytes::from(format!("{name},a file\r\n").repeat(2000))],
    };
    let writing = async {
        for (number, text) in said.iter().enumerate() {
            place.say(stage, emulator, number, text, files.get(number)).await;
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
    Talk { place, ticket, said, files, replies }
}

/// Waits until every reply left.
async fn all_left(emulator: &Emulator, talks: &[Talk]) {
    let missing = async || {
        for talk in talks {
            if talk.place.arrived(emulator).await.len() < REPLIES {
                return true;
            }
        }
        emulator.waiting("InboundQueue").await != (0, 0)
    };
    while missing().await {
        tokio::time::sleep(GLANCE).await;
    }
}

/// Waits until nothing is left to do, and nothing was given up.
async fn drained(emulator: &Emulator) {
    eventually("the queues drain", DRAINED, async || {
        let inbound = emulator.waiting("InboundQueue").await;
        let outbound = emulator.waiting("OutboundQueue").await;
        // What failed here rests for twelve minutes, and nobody waits for it.
        let (work, _) = emulator.waiting("WorkQueue").await;
        if (inbound, outbound, work) == ((0, 0), (0, 0), 0) { Ok(()) } else { Err((inbound, outbound, work)) }
    })
    .await;
    for letters in [
        "EmailDeadLetters",
        "InboundDeadLetters",
        "OutboundDeadLetters",
        "WorkDeadLetters",
        "RelayDeadLetters",
    ] {
        assert_eq!(emulator.waiting(letters).await, (0, 0), "{letters}");
    }
}

/// Checks one conversation when all is done, and returns how many of its replies are uncertain.
async fn check(stage: &Stage, emulator: &Emulator, talk: &Talk) -> usize {
    assert_eq!(talk.place.tickets(stage).await.len(), 1);
    let deliveries = eventually("every reply is finished", DRAINED, async || {
        stage.tick().await;
        let events = stage.desk.events(&talk.ticket).await;
        let of = |reply: &Value| {
            let event = events.iter().find(|event| event["seq"] == reply["seq"]);
            event.and_then(|event| event["delivery"].as_str()).unwrap_or("missing").to_owned()
        };
        let found: Vec<_> = talk.replies.iter().map(of).collect();
        if found.iter().any(|delivery| delivery == "queued" || delivery == "sending") {
            Err(found)
        } else {
            Ok(found)
        }
    })
    .await;
    assert_eq!(stage.texts_received(&talk.ticket).await, talk.said, "each message once, and in order");

    let sent = talk.place.arrived(emulator).await;
    let mut places = Vec::new();
    for (reply, delivery) in deliveries.iter().enumerate() {
        let text = format!("Reply {reply}");
        let times = sent.iter().filter(|sent| **sent == text).count();
        match delivery.as_str() {
            "sent" | "delivered" | "read" => assert_eq!(times, 1, "{text} of {}: {sent:?}", talk.ticket),
            "uncertain" => assert!(times <= 1, "{text} of {}: {sent:?}", talk.ticket),
            other => panic!("{text} of {} is {other}: {deliveries:?}", talk.ticket),
        }
        places.extend(sent.iter().position(|sent| *sent == text));
    }
    assert!(places.is_sorted(), "replies left in another order: {sent:?}");
    assert_eq!(places.len(), sent.len(), "nothing else was sent: {sent:?}");
    deliveries.iter().filter(|delivery| *delivery == "uncertain").count()
}

/// Checks what was sent along, and returns how many files wait to be tried again.
async fn check_files(stage: &Stage, talk: &Talk) -> usize {
    let events = stage.desk.events_of(&talk.ticket, "message_received").await;
    let found = events.iter().filter_map(|event| event["content"]["attachments"].as_array()).flatten();
    let found: Vec<&Value> = found.collect();
    assert_eq!(found.len(), talk.files.len(), "{found:#?}");
    let mut waiting = 0;
    for (file, sent) in found.into_iter().zip(&talk.files) {
        match file["state"].as_str() {
            Some("stored") => {
                let id = file["id"].as_str().expect("a file has an id");
                assert_eq!(content(&stage.desk, id).await, sent, "the file as it was sent");
            }
            Some("pending") => waiting += 1,
            _ => panic!("a file of {} is lost: {file:#}", talk.ticket),
        }
    }
    waiting
}
