//! Functions as Lambda gets them, each in a process: how soon they start, how long a warm handler takes where AWS takes
//! no time, and how large they are.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::first::{ADDRESS, First, first_events};
use crate::aws::Operations;
use crate::load::Latencies;
use crate::local::beside;
use crate::rig::{KEY, Rig};
use crate::runtime::Function;
use crate::stored::Stored;
use crate::table::Row;
use crate::{Scale, aws, mails, tell};

/// The least that a function can be.
const HELLO: &str = "hello";
/// Events for a warm handler.
const EVENTS: usize = 400;
/// The first of them still open connections and read what is kept afterwards.
const WARMING: usize = 20;
/// The largest binary, in MB.
const LARGEST: f64 = 12.0;

/// Measures every function, as it has been built beside this program.
///
/// # Errors
/// When one is not built, or does not do what it must.
pub async fn measure(scale: Scale) -> io::Result<Vec<Row>> {
    let operations = Operations::default();
    let telegram = aws::telegram(operations.clone())?;
    let rig = Rig::calling(&format!("http://{telegram}")).await.map_err(io::Error::other)?;
    let said = rig.said_without_routing(EVENTS).await.map_err(io::Error::other)?;
    let stored = Stored::open(&rig.database())?;
    let queued = stored.queued("inbound")?;
    let mail = mails::first_ones(1, ADDRESS).remove(0);
    let firsts = first_events(&rig, &stored, &mail).await.map_err(io::Error::other)?;
    let aws = aws::start(&stored, &KEY, mail.bytes, operations.clone())?;
    tokio::task::spawn_blocking(move || {
        let mut rows = Vec::new();
        let hello = built(HELLO)?;
        let routed: Vec<Value> =
            queued.iter().enumerate().map(|(number, (group, body))| batch(number, group, body)).collect();
        for (name, events) in [("telegram", said), ("router", routed)] {
            let binary = built(&format!("lambdesk-{name}"))?;
            tell(&format!("{} starts of {name} and of {HELLO}", scale.starts));
            rows.push(row(name, cold(name, &binary, &hello, aws, &events, scale.starts)));
            rows.push(row(name, warm(name, &binary, &hello, aws, &events)));
        }
        for First { name, event, asks } in firsts {
            let binary = built(&format!("lambdesk-{name}"))?;
            tell(&format!("{} starts of {name} and of {HELLO}", scale.starts));
            operations.take();
            let measured = cold(name, &binary, &hello, aws, &[event], scale.starts);
            let asked = operations.take();
            let missing = asks.iter().find(|wanted| !asked.contains(**wanted));
            let missing =
                missing.map(|it| io::Error::other(format!("it asked for no {it}, only for {asked:?}")));
            rows.push(row(name, measured.and_then(|row| missing.map_or(Ok(row), Err))));
        }
        Ok(rows)
    })
    .await
    .map_err(io::Error::other)?
}

/// What came of measuring a function: one that fails keeps no other away.
fn row(name: &str, measured: io::Result<Row>) -> Row {
    measured.unwrap_or_else(|error| Row::unmeasured(format!("Lambda: {name}"), &error))
}

/// A function that has been built beside this program.
fn built(name: &str) -> io::Result<PathBuf> {
    let binary = beside(name);
    let missing = || io::Error::other(format!("{name} is not built; tests/bench builds the functions"));
    binary.exists().then_some(binary).ok_or_else(missing)
}

/// Starts a function and the least one in turn, and compares the middle times of both.
fn cold(
    name: &str,
    binary: &Path,
    hello: &Path,
    aws: SocketAddr,
    events: &[Value],
    starts: usize,
) -> io::Result<Row> {
    let (mut ours, mut theirs) = (Starts::default(), Starts::default());
    for number in 0..starts {
        ours.one(binary, aws, &events[number % events.len()])?;
        theirs.one(hello, aws, &json!({}))?;
    }
    let (ours, theirs) = (ours.middle(), theirs.middle());
    let megabytes = std::fs::metadata(binary)?.len() as f64 / 1e6;
    let (poll, event) = (ours.0 / theirs.0, ours.1 / theirs.1);
    Ok(Row::new(
        format!("Lambda: cold start of {name}, to the first poll / answered event; binary"),
        format!(
            "{:.1} / {:.1} ms, hello {:.1} / {:.1} ms: {poll:.2} × / {event:.2} ×; {megabytes:.1} MB",
            ours.0, ours.1, theirs.0, theirs.1
        ),
        "≤ 1.5 × hello; ≤ 12 MB",
        poll <= 1.5 && event <= 1.5 && megabytes <= LARGEST,
    ))
}

#[derive(Debug, Default)]
struct Starts {
    polled: Vec<Duration>,
    answered: Vec<Duration>,
}

impl Starts {
    fn one(&mut self, binary: &Path, aws: SocketAddr, event: &Value) -> io::Result<()> {
        let mut function = Function::start(binary, aws)?;
        self.polled.push(function.polled()?);
        let (_, answered, answer) = function.handles(event)?;
        self.answered.push(answered);
        succeeded(&answer)
    }

    fn middle(self) -> (f64, f64) {
        (Latencies::new(self.polled).at(500), Latencies::new(self.answered).at(500))
    }
}

/// Whether a function did what its event wants.
fn succeeded(answer: &Value) -> io::Result<()> {
    let failed = answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
    let refused = answer.get("statusCode").is_some_and(|status| *status != 200);
    if failed || refused { Err(io::Error::other(format!("a function answers {answer}"))) } else { Ok(()) }
}

/// Hands events to a function that is warm and to the least one in turn, which shows what the machine itself takes.
///
/// # Errors
/// When it fails.
fn warm(name: &str, binary: &Path, hello: &Path, aws: SocketAddr, events: &[Value]) -> io::Result<Row> {
    let limit = if name == "router" { 1.0 } else { 0.3 };
    let (mut ours, mut theirs) = (polling(binary, aws)?, polling(hello, aws)?);
    let mut took = Vec::new();
    for event in events {
        took.push((handling(&mut ours, event)?, handling(&mut theirs, event)?));
    }
    let (ours, theirs): (Vec<_>, Vec<_>) = took.into_iter().skip(WARMING).unzip();
    let (ours, theirs) = (Latencies::new(ours), Latencies::new(theirs));
    let (middle, least) = (ours.at(500), theirs.at(500));
    Ok(Row::new(
        format!("Lambda: warm {name} where AWS takes no time, event to answer, p50 / p99"),
        format!("{middle:.3} / {:.3} ms, hello {least:.3}: {:.1} ×", ours.at(990), middle / least),
        format!("p50 ≤ {limit} ms"),
        middle <= limit,
    ))
}

/// A function that waits for events.
fn polling(binary: &Path, aws: SocketAddr) -> io::Result<Function> {
    let mut function = Function::start(binary, aws)?;
    function.polled()?;
    Ok(function)
}

/// How long a function takes for an event.
fn handling(function: &mut Function, event: &Value) -> io::Result<Duration> {
    let (time, _, answer) = function.handles(event)?;
    succeeded(&answer)?;
    Ok(time)
}

/// A queue's event with one message.
pub fn batch(number: usize, group: &str, body: &str) -> Value {
    json!({"Records": [{
        "messageId": format!("m{number}"), "receiptHandle": "r", "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1795428000000", "MessageGroupId": group,
            "SequenceNumber": "1", "MessageDeduplicationId": "d", "SenderId": "s",
            "ApproximateFirstReceiveTimestamp": "1795428000000"
        },
        "messageAttributes": {}, "md5OfBody": "0", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:1:inbound.fifo", "awsRegion": "us-east-1"
    }]})
}

/// A request as the gateway tells it.
pub fn request(method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Value {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {"requestId": "r", "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"}},
        "body": body, "isBase64Encoded": false
    })
}
