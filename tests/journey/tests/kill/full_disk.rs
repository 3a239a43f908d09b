//! A disk that is full: files cannot grow beyond a limit.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use journey::desk::SOON;
use journey::eventually;
use journey::mail::{Letter, MailServer, Office};
use journey::stage::{Line, Stage};
use journey::target::{Confinement, Receiving};
use journey::telegram::{Customer, SECRET_HEADER};
use serde_json::{Value, json};

/// Less than SQLite collects in the log of the database before it folds it into the file, and more than starting and
/// connecting leave there: the log gets full, and no other file.
const LOG_FULL: u64 = 2 * 1024 * 1024;
/// So much that the log of the database is folded into its file several times before that is full.
const FILE_FULL: u64 = 8 * 1024 * 1024;
/// How long messages are sent until the disk must be full.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many refusals in a row show that the disk is full.
const ENOUGH: usize = 10;
/// How many customers write at once.
const CUSTOMERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_log_acknowledges_nothing_and_passes() {
    is_full_and_passes(LOG_FULL, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_acknowledges_nothing_and_passes() {
    is_full_and_passes(FILE_FULL, 20_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_that_cannot_be_written_ends_nothing() {
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    stage.process().kill().await;
    stage.process().confine(Some(Confinement::FileSize(FILE_FULL)));
    stage.process().lengthen_log(FILE_FULL);
    let full = stage.log().len();
    stage.process().restart().await;
    let (_, ticket) = stage.asked(&line, "Anna", "Hello?").await;
    let reply = stage.desk.reply(&ticket, "Hello!").await;
    stage.desk.await_delivery(&ticket, &reply, "sent").await;
    assert_eq!(stage.log().len(), full, "there was something to say and no room for it");
}

/// Fills the disk with messages that are `length` longer than they need be.
async fn is_full_and_passes(limit: u64, length: usize) {
    let mut stage = Stage::local(Receiving::Webhook).await;
    let line = stage.connect(json!({})).await;
    let server = MailServer::start().await;
    let office = Office::open(&stage, &server, "support@shop.example", json!({})).await;
    stage.process().kill().await;
    stage.process().confine(Some(Confinement::FileSize(limit)));
    stage.process().restart().await;

    let customers: Vec<_> =
        (0..CUSTOMERS).map(|number| line.bot.customer(&format!("Customer {number}"))).collect();
    let told =
        join_all(customers.iter().map(async |customer| writes(&stage, &line, customer, length).await)).await;
    let acknowledged: usize = told.iter().map(Vec::len).sum();
    assert!(acknowledged > CUSTOMERS, "there was some room at first: {acknowledged}");

    // It says so wherever somebody may look, and goes on reading.
    let client = journey::client();
    let health = eventually("a change was not stored, however small", SOON, async || {
        let health = client.get(format!("{}/health", stage.desk.base())).send().await;
        let health = health.expect("the desk answers");
        if health.status() == 503 { Ok(health) } else { Err(health) }
    })
    .await;
    assert_eq!(health.headers()["content-type"], "application/problem+json");
    let problem: Value = health.json().await.expect("a problem");
    assert_eq!(problem["code"], "storage_unavailable");
    eventually("the doctor says it", SOON, async || {
        let (code, out, _) = stage.command(stage.desk.token(), &["doctor"]).await;
        let said = out.contains("FAIL storage: The latest change could not be stored:");
        if code == Some(1) && said && out.contains("Make room on the disk") { Ok(()) } else { Err(out) }
    })
    .await;
    assert!(stage.log().contains("changes could not be stored"), "the log says it");
    let mut answers = Vec::new();
    for ticket in stage.desk.list("/tickets").await {
        let id = ticket["id"].as_str().expect("a ticket has an id").to_owned();
        assert!(stage.desk.ticket(&id).await["status"].is_string());
        // An answer is small enough to find the last room.
        let (path, body) = (format!("/tickets/{id}/replies"), json!({"text": "One moment."}));
        let mut accepted = 0;
        while stage.desk.ask(Method::POST, &path, Some(&body), &[]).await.status != 503 {
            accepted += 1;
            assert!(accepted < 1000, "nothing is refused");
        }
        answers.push((id, accepted));
    }
    let large = "A mail whose original needs room of its own. ".repeat(60_000);
    let letter = Letter::new("ann@example.org", &office.address, "Lamp", &large);
    assert_eq!(office.hand_in(letter.bytes()).await, 503);

    // Whatever it was doing then, it did not fall.
    assert!(!stage.log().contains("panicked"));
    stage.process().kill().await;
    stage.process().confine(None);
    stage.process().restart().await;
    eventually("the desk has recovered", SOON, async || {
        let (code, out, _) = stage.command(stage.desk.token(), &["doctor"]).await;
        let well = out.lines().any(|line| line.starts_with("ok   storage:"));
        if well { Ok(()) } else { Err((code, out)) }
    })
    .await;
    for (customer, told) in customers.iter().zip(&told) {
        let ticket = stage.ticket_of(&line, customer).await;
        let received = stage.received(&ticket, told.len()).await;
        // A message of which nobody heard whether it was taken may be there, too; an acknowledged one must be.
        assert_eq!(received.get(..told.len()), Some(told.as_slice()));
        assert!(received.len() <= told.len() + 1, "{} of {}", received.len(), told.len());
        customer.says("Are you back?").await;
        let received = stage.received(&ticket, received.len() + 1).await;
        assert_eq!(received.last().map(String::as_str), Some("Are you back?"));
    }
    for (ticket, accepted) in answers {
        let stored = stage.desk.events_of(&ticket, "replied").await.len();
        assert!((accepted..=accepted + 1).contains(&stored), "{stored} of {accepted} answers");
    }
    office.deliver(&letter).await;
    office.await_tickets(&stage, 1).await;
    assert_eq!(stage.desk.list("/dead-letters").await, Vec::<Value>::new());
    assert!(!stage.log().contains("panicked"));
}

/// A customer writes until nothing is taken several times in a row: small changes find room for a while. What was
/// acknowledged.
async fn writes(stage: &Stage, line: &Line, customer: &Customer, length: usize) -> Vec<String> {
    let webhook = line.bot.webhook().expect("the desk set a webhook");
    let url = format!("{}/webhooks/telegram/{}", stage.desk.base(), line.id);
    let client = journey::client();
    let mut told = Vec::new();
    let mut refusals = 0;
    let begun = tokio::time::Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "the disk must be full: {} messages", told.len());
        let text = format!("{} {}", told.len(), "x".repeat(length.min(4000)));
        let mut update = customer.text(&text).body;
        // The platform sends more than the text, and the desk keeps it all.
        update["message"]["padding"] = json!("y".repeat(length));
        let request = client.post(&url).json(&update);
        let request = request.header(SECRET_HEADER, webhook.secret_token.as_deref().expect("a secret"));
        let answer = request.send().await.expect("the desk answers");
        match answer.status().as_u16() {
            200 => {
                told.push(text);
                refusals = 0;
            }
            refused => {
                assert_eq!(refused, 503);
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                let problem: Value = answer.json().await.expect("a problem");
                assert_eq!((&problem["status"], &problem["code"]), (&json!(503), &json!("unavailable")));
                refusals += 1;
                if refusals == ENOUGH {
                    return told;
                }
            }
        }
    }
}
