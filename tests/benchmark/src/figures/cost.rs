//! What a million chat messages cost: counted requests, units and bytes of logs, at list prices.
//!
//! Three things are assumed, and printed. Nothing is batched: each message is a receive, an invocation and a delete of its
//! own, although a busy desk shares them. A call of AWS takes five milliseconds, a transaction ten. And a handler takes
//! as long as the target of its figure allows.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::counting::Asked;
use crate::figures::units::Units;
use crate::rig::Wrong;
use crate::table::Row;

const PRICES: &str = include_str!("../../../template/prices.json");
/// Dollars for a million messages, and for an idle month.
const TARGET: f64 = 12.0;
const IDLE_TARGET: f64 = 1.0;

/// Milliseconds that a call takes, and a transaction.
const CALL: f64 = 5.0;
const TRANSACTION: f64 = 10.0;
/// Milliseconds of a handler beside its calls: receiver, router, relay.
const HANDLERS: [f64; 3] = [0.3, 1.0, 1.0];
/// GB of memory of these functions. Of the receivers of chats that of the site's chat has most.
const MEMORY: [f64; 3] = [0.5, 0.25, 0.25];
/// Bytes of a line of the gateway's access log, with what CloudWatch adds.
const ACCESS_LOG: usize = 400;

/// Computes both.
///
/// # Errors
/// When something cannot be counted.
pub async fn measure() -> io::Result<Vec<Row>> {
    let written = listen();
    let counted = Units::count_with(|| written.load(Ordering::Relaxed)).await;
    let (units, logged) = counted.map_err(io::Error::other)?;
    let bill = Bill::of(&units, logged).map_err(io::Error::other)?;
    let million = bill.total() * 1e6;
    let mut rows = vec![Row::new(
        "cost of a million inbound chat messages, us-east-1 list prices, arm64",
        format!("${million:.2}: {}", bill.told()),
        format!("≤ ${TARGET}"),
        million <= TARGET,
    )];
    let of_each = |of: [f64; 3]| of.map(|one| one.to_string()).join(" / ");
    rows.push(Row::note(
        "what that cost assumes",
        format!(
            "nothing is batched; {CALL} ms a call, {TRANSACTION} ms a transaction; beside them {} ms in receiver, router, \
             relay, of {} GB; {ACCESS_LOG} bytes of access log",
            of_each(HANDLERS),
            of_each(MEMORY)
        ),
    ));
    rows.push(match idle_month() {
        Some(dollars) => Row::new(
            "cost of an idle month (tests/template/cost.py)",
            format!("${dollars:.3}"),
            format!("≤ ${IDLE_TARGET}"),
            dollars <= IDLE_TARGET,
        ),
        None => {
            let error = io::Error::other("tests/template/cost.py could not be run");
            Row::unmeasured("cost of an idle month", &error)
        }
    });
    Ok(rows)
}

/// The lines of the bill for one message.
struct Bill(Vec<(&'static str, f64)>);

impl Bill {
    fn of(units: &Units, log_bytes: usize) -> Result<Self, Wrong> {
        let prices: Value = serde_json::from_str(PRICES)?;
        let price = |pointer: &str| {
            prices.pointer(pointer).and_then(Value::as_f64).ok_or_else(|| format!("no price {pointer}"))
        };
        let waits = |asked: &Asked| {
            let transactions = asked.transactions.len();
            CALL * (asked.calls() - transactions) as f64 + TRANSACTION * transactions as f64
        };
        let [receiver, router, relay] = HANDLERS;
        let billed = [receiver + CALL, router + waits(&units.existing), relay + waits(&units.relayed)];
        let gb_seconds: f64 =
            billed.iter().zip(MEMORY).map(|(time, memory)| time.ceil() / 1000.0 * memory).sum();
        let asked = units.existing.clone().and(units.relayed.clone());
        let logged = ACCESS_LOG + log_bytes;
        Ok(Self(vec![
            ("gateway", price("/http_api_request")?),
            ("3 invocations", 3.0 * price("/lambda_request")?),
            ("their time", gb_seconds * price("/lambda_gb_second/arm64")?),
            ("SQS send, receive, delete", 3.0 * price("/sqs_fifo_request")?),
            ("DynamoDB writes", asked.write_units as f64 * price("/dynamodb_write_unit")?),
            ("reads", asked.read_units * price("/dynamodb_read_unit")?),
            ("logs", logged as f64 / 1e9 * price("/log_gb")?),
        ]))
    }

    fn total(&self) -> f64 {
        self.0.iter().map(|(_, dollars)| dollars).sum()
    }

    fn told(&self) -> String {
        let lines: Vec<String> =
            self.0.iter().map(|(what, dollars)| format!("{what} {:.2}", dollars * 1e6)).collect();
        lines.join(", ")
    }
}

/// Counts the bytes that handlers log from here on, as functions log: JSON, from INFO.
fn listen() -> &'static AtomicUsize {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    struct Scale;
    impl io::Write for Scale {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            WRITTEN.fetch_add(bytes.len(), Ordering::Relaxed);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(|| Scale);
    // It fails when somebody listens already: then nothing more is to be counted.
    drop(log.try_init());
    &WRITTEN
}

fn idle_month() -> Option<f64> {
    let output = Command::new(".venv/bin/python").arg("tests/template/cost.py").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.strip_prefix("An idle month: $"))?.trim().parse().ok()
}
