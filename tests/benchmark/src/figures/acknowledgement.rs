//! How soon a webhook is acknowledged, at a steady rate, by a desk that routes everything meanwhile; and how much memory
//! that takes.

use std::io;

use chance::Chance;
use journey::telegram::{Bot, Customer, SECRET_HEADER, Telegram};
use serde_json::json;
use tempfile::TempDir;

use crate::load::{Asked, Latencies, at_a_rate};
use crate::local::{self, Local};
use crate::stored::Stored;
use crate::table::Row;
use crate::web::request;
use crate::{Scale, fill, tell};

/// Webhooks a second.
const RATE: u32 = 500;
/// Customers who write.
const CUSTOMERS: usize = 2000;

/// Measures on an empty desk, and on one with many tickets.
///
/// # Errors
/// When the desk does not do what it must.
pub async fn measure(scale: Scale) -> io::Result<Vec<Row>> {
    tell(&format!("webhooks for {} s on an empty desk", scale.seconds));
    let empty = run(local::folder()?, scale).await?;
    tell(&format!("storing {} tickets", scale.tickets));
    let folder = local::folder()?;
    fill::tickets(&local::database(folder.path()), scale.tickets).await?;
    tell(&format!("webhooks for {} s on that desk", scale.seconds));
    let full = run(folder, scale).await?;

    let milliseconds = |latencies: &Latencies| {
        format!("{:.2} / {:.2} / {:.2} ms", latencies.at(500), latencies.at(990), latencies.at(999))
    };
    let (p99, full_p99) = (empty.latencies.at(990), full.latencies.at(990));
    let (ratio, middle) = (full_p99 / p99, full.latencies.at(500) / empty.latencies.at(500));
    let most = empty.peak.max(full.peak);
    Ok(vec![
        Row::new(
            format!("local: webhook acknowledged, {RATE}/s open loop, p50 / p99 / p99.9"),
            milliseconds(&empty.latencies),
            "p99 ≤ 5 ms",
            p99 <= 5.0,
        ),
        Row::new(
            format!("local: the same with {} tickets stored", scale.tickets),
            format!("{}; {middle:.2} × p50, {ratio:.2} × p99", milliseconds(&full.latencies)),
            "p99 ≤ 1.3 × the empty desk",
            ratio <= 1.3,
        ),
        Row::new(
            "local: resident memory at most under that load: empty desk, full desk",
            format!("{:.0} MB, {:.0} MB", empty.peak, full.peak),
            "≤ 100 MB",
            most <= 100.0,
        ),
        Row::new(
            "local: resident memory idle: empty desk, full desk",
            format!("{:.0} MB, {:.0} MB", empty.idle, full.idle),
            "≤ 40 MB",
            empty.idle.max(full.idle) <= 40.0,
        ),
    ])
}

struct Run {
    latencies: Latencies,
    /// MB after the start.
    idle: f64,
    /// MB at most.
    peak: f64,
}

async fn run(folder: TempDir, scale: Scale) -> io::Result<Run> {
    let telegram = Telegram::start().await;
    let bot = telegram.bot();
    let settings = json!({"token": bot.token(), "api_url": telegram.url()});
    tokio::task::spawn_blocking(move || {
        let desk = Local::start(folder)?;
        let stored = Stored::open(&desk.database())?;
        stored.await_quiet()?;
        let (idle, _) = desk.memory()?;
        let body = json!({"channel": "telegram", "name": "Bot", "settings": settings});
        let connection = desk.api("POST", "/connections", &body)?;
        let id = connection["id"].as_str().unwrap_or_default();
        let requests = requests(id, &bot, scale.seconds as usize * RATE as usize);
        let before = stored.messages()?;
        let good = requests.iter().filter(|asked| asked.status == 200).count();
        let latencies = at_a_rate(desk.http, RATE, requests)?;
        stored.await_routed()?;
        let came = stored.messages()? - before;
        // What is malformed and authentic is kept, too, as a message that was not understood.
        if came != good {
            return Err(io::Error::other(format!("{came} messages of {good} webhooks")));
        }
        let (_, peak) = desk.memory()?;
        Ok(Run { latencies, idle, peak })
    })
    .await
    .map_err(io::Error::other)?
}

/// Webhooks of many customers: of each hundred one is malformed and one has the wrong secret.
fn requests(connection: &str, bot: &Bot, count: usize) -> Vec<Asked> {
    let customers: Vec<Customer> =
        (0..CUSTOMERS).map(|number| bot.customer(&format!("Customer {number}"))).collect();
    let secret = bot.webhook().and_then(|webhook| webhook.secret_token).unwrap_or_default();
    let path = format!("/webhooks/telegram/{connection}");
    let mut chance = Chance::new(7);
    (0..count)
        .map(|number| {
            let customer = &customers[chance.place(CUSTOMERS)];
            let body = customer.text(&format!("Message {number}: where is my parcel?")).body.to_string();
            let (secret, body, status) = match number % 100 {
                33 => (secret.as_str(), &body[..body.len() / 2], 200),
                66 => ("wrong", body.as_str(), 401),
                _ => (secret.as_str(), body.as_str(), 200),
            };
            let headers = [("Content-Type", "application/json"), (SECRET_HEADER, secret)];
            Asked { request: request("POST", &path, &headers, body.as_bytes()), status }
        })
        .collect()
}
