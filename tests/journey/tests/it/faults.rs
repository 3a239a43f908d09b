//! AWS as it is on a bad day: requests of the functions are dropped, applied without an answer, applied twice, late, or
//! refused as too many. Whatever was acknowledged is there once and in order, and every reply leaves once or is marked.

#![expect(clippy::panic, reason = "what may not be fails the journey, with what was seen")]

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use journey::stage::{Line, Stage, Target};
use journey::target::{Emulator, Turn};
use journey::telegram::{Customer, Delivered};
use journey::{desk::Answer, eventually};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How many of the functions' requests are struck.
const RATES: [f64; 3] = [0.01, 0.05, 0.2];
/// How a request may be struck.
const FAULTS: [&str; 5] = ["drop", "lose_answer", "repeat", "delay", "throttle"];
/// From which rate on each kind strikes, among the many hundred requests of a day.
const HARSH: f64 = 0.2;
const CUSTOMERS: usize = 8;
const MESSAGES: usize = 5;
const REPLIES: usize = 4;
/// How long a request is repeated. A reader needs it, too: a message of which a batch failed comes after a minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long a day goes on for what is still on its way when all is said.
const EVENING: Duration = Duration::from_secs(40);
/// How long all may take once nothing fails any more: a claim runs out after three minutes, and the clock looks each
/// minute.
const DRAINED: Duration = Duration::from_secs(270);

/// What one customer and their agent did, and what was acknowledged to them.
struct Talk {
    customer: Customer,
    ticket: String,
    said: Vec<String>,
    /// What was created for each reply.
    replies: Vec<Value>,
}

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
        emulator.strike(rate, seed).await;
        let begun = Instant::now();
        let talks = join_all((0..CUSTOMERS).map(|number| talk(&stage, &line, number))).await;
        let left = tokio::time::timeout(EVENING, all_left(emulator, &line, &talks)).await.is_ok();
        let struck = emulator.strike(0.0, 0).await;
        crate::say(&format!(
            "at {rate}: {CUSTOMERS} conversations in {:.0?}, all replies left: {left}; {} requests, struck: {}",
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
        days.push((line, talks));
    }
    drained(emulator).await;
    let mut marked = 0;
    for (line, talks) in &days {
        for talk in talks {
            marked += check(&stage, line, talk).await;
        }
    }
    crate::say(&format!("all drained; {marked} replies are marked as uncertain"));
}

/// One customer writes, and is answered; both repeat what was not acknowledged.
async fn talk(stage: &Stage, line: &Line, number: usize) -> Talk {
    let customer = line.bot.customer(&format!("Customer {number}"));
    let said: Vec<_> = (0..MESSAGES).map(|message| format!("Message {message}")).collect();
    let writing = async {
        for (message, text) in said.iter().enumerate() {
            let update = customer.text(text);
            assert!(matches!(line.bot.deliver(&update).await, Delivered::ToWebhook(_)));
            // The platform repeats what it saw no answer to, even if the answer was on its way.
            if message % 2 == 0 {
                line.bot.deliver(&update).await;
            }
        }
    };
    let answering = async {
        let ticket = ticket_of(stage, line, &customer).await;
        let mut replies = Vec::new();
        for reply in 0..REPLIES {
            let path = format!("/tickets/{ticket}/replies");
            let body = json!({"text": format!("Reply {reply}")});
            let key = format!("{}-{number}-{reply}", line.id);
            let created =
                repeated(stage, Method::POST, &path, Some(&body), &[("idempotency-key", &key)]).await;
            // An agent who was told nothing presses the button again.
            let again = repeated(stage, Method::POST, &path, Some(&body), &[("idempotency-key", &key)]).await;
            assert_eq!((&again["id"], &again["seq"]), (&created["id"], &created["seq"]));
            replies.push(created);
        }
        (ticket, replies)
    };
    let ((), (ticket, replies)) = tokio::join!(writing, answering);
    Talk { customer, ticket, said, replies }
}

/// Waits for the conversation's ticket.
async fn ticket_of(stage: &Stage, line: &Line, customer: &Customer) -> String {
    let conversation = customer.chat().to_string();
    eventually("the conversation has a ticket", PATIENCE, async || {
        let page = repeated(stage, Method::GET, "/tickets?channel=telegram&limit=100", None, &[]).await;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let here =
            |ticket: &&Value| ticket["connection"] == line.id && ticket["conversation"] == conversation;
        let found = items.iter().find(here).and_then(|ticket| ticket["id"].as_str());
        found.map(str::to_owned).ok_or(items.len())
    })
    .await
}

/// Makes a request until it is answered by success; a refusal that repeating does not mend fails the journey.
async fn repeated(
    stage: &Stage,
    method: Method,
    path: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Value {
    eventually(&format!("{method} {path}"), PATIENCE, async || {
        match stage.desk.attempt(method.clone(), path, body, headers).await {
            Ok(Answer { status: 200..300, body, .. }) => Ok(body),
            Ok(Answer { status: status @ (409 | 429 | 500..), body, .. }) => Err(format!("{status} {body}")),
            Ok(answer) => panic!("{method} {path}: {answer:#?}"),
            Err(error) => Err(format!("{error:?}")),
        }
    })
    .await
}

/// Waits until every reply left.
async fn all_left(emulator: &Emulator, line: &Line, talks: &[Talk]) {
    let sent = || talks.iter().map(|talk| line.bot.texts(talk.customer.chat()).len()).sum::<usize>();
    while sent() < CUSTOMERS * REPLIES || emulator.waiting("InboundQueue").await != (0, 0) {
        tokio::time::sleep(Duration::from_millis(250)).await;
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
    for letters in ["InboundDeadLetters", "OutboundDeadLetters", "WorkDeadLetters", "RelayDeadLetters"] {
        assert_eq!(emulator.waiting(letters).await, (0, 0), "{letters}");
    }
}

/// Checks one conversation when all is done, and returns how many of its replies are uncertain.
async fn check(stage: &Stage, line: &Line, talk: &Talk) -> usize {
    assert_eq!(stage.tickets_of(line, &talk.customer).await.len(), 1);
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

    let sent = line.bot.texts(talk.customer.chat());
    let mut places = Vec::new();
    for (reply, delivery) in deliveries.iter().enumerate() {
        let text = format!("Reply {reply}");
        let times = sent.iter().filter(|sent| **sent == text).count();
        match delivery.as_str() {
            "sent" => assert_eq!(times, 1, "{text} of {}: {sent:?}", talk.ticket),
            "uncertain" => assert!(times <= 1, "{text} of {}: {sent:?}", talk.ticket),
            other => panic!("{text} of {} is {other}: {deliveries:?}", talk.ticket),
        }
        places.extend(sent.iter().position(|sent| *sent == text));
    }
    assert!(places.is_sorted(), "replies left in another order: {sent:?}");
    assert_eq!(places.len(), sent.len(), "nothing else was sent: {sent:?}");
    deliveries.iter().filter(|delivery| *delivery == "uncertain").count()
}
