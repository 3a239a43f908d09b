//! The doctor: whether all is well with the desk, and what to do.

use axum::Json;
use axum::extract::State;
use channels::directory::unseal;
use channels::platform::{Instruments, Outlets};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;
use store::allowances::UsedUp;
use store::connections::{Health, StoredConnection};
use store::heartbeat;
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, Operations};
use crate::address::Address;
use crate::connections::{PUBLIC_URL, Receives, webhook_url};
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// How long the clock may be silent; it is started every minute.
const SILENCE: SignedDuration = SignedDuration::from_mins(3);
/// How many messages may wait in a queue before something must be wrong.
const MANY_WAITING: u64 = 100;
/// Fewer executions at once than this make functions wait for each other.
const FEW_EXECUTIONS: u32 = 50;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(examine))
}

/// What the doctor found.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// Whether all is well.
    ok: bool,
    /// Everything that was looked at.
    findings: Vec<Finding>,
}

/// One thing that the doctor looked at.
#[derive(Debug, Serialize, ToSchema)]
struct Finding {
    /// Whether it is well.
    ok: bool,
    /// What it belongs to, such as `clock`, `queue inbound`, `connection cnx_…`.
    area: String,
    /// What was found.
    what: String,
    /// What to do.
    advice: Option<String>,
}

impl Finding {
    fn good(area: impl Into<String>, what: impl Into<String>) -> Self {
        Self { ok: true, area: area.into(), what: what.into(), advice: None }
    }

    fn bad(area: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { ok: false, area: area.into(), what: what.into(), advice: Some(advice.into()) }
    }
}

/// Looks at everything that the desk depends on.
#[utoipa::path(
    get, path = "/doctor", operation_id = "examine", tag = "operations",
    responses((status = OK, body = Report)),
    security(("token" = ["operations"])),
)]
async fn examine(
    State(api): State<Shared>,
    _: Access<Operations>,
    address: Address,
) -> Result<Json<Report>, Problem> {
    let mut findings = vec![public_url(&address), clock(&api).await?];
    findings.extend(storage(&api));
    findings.push(time_zone(&api).await?);
    let connections = api.desk.connections().await?;
    for stored in &connections {
        findings.extend(connection(&api, stored, &connections).await);
    }
    findings.extend(queues(&api).await);
    findings.extend(dead_letters(&api).await);
    findings.extend(limits(&api).await);
    Ok(Json(Report { ok: findings.iter().all(|finding| finding.ok), findings }))
}

fn public_url(address: &Address) -> Finding {
    if address.public {
        return Finding::good("public url", format!("The desk is reached under {}.", address.url));
    }
    Finding {
        ok: true,
        area: "public url".to_owned(),
        what: format!(
            "The desk is known under {} only: it asks the platforms that can be asked for news.",
            address.url
        ),
        advice: Some("Set a public URL for those that have to reach it.".to_owned()),
    }
}

async fn clock(api: &Shared) -> Result<Finding, Problem> {
    let Some(latest) = heartbeat::latest(&*api.index).await? else {
        return Ok(Finding::bad(
            "clock",
            "The clock has never run.",
            "Check what starts the clock every minute.",
        ));
    };
    let silent = api.desk.now().duration_since(latest.at);
    if silent > SILENCE {
        let what = format!("The clock last ran at {}.", latest.at);
        return Ok(Finding::bad("clock", what, "Check what starts the clock every minute."));
    }
    if latest.unfinished {
        let advice = "Look again in some minutes; if it stays, give the clock more time.";
        return Ok(Finding::bad("clock", "The clock did not get through all that was due.", advice));
    }
    Ok(Finding::good("clock", format!("The clock last ran at {}.", latest.at)))
}

fn storage(api: &Shared) -> Option<Finding> {
    let area = "storage";
    Some(match api.storage.as_ref()?.trouble() {
        None => Finding::good(area, "The latest change was stored."),
        Some(trouble) => Finding::bad(
            area,
            format!("The latest change could not be stored: {trouble}."),
            "Make room on the disk of the data folder, and let the desk's user write there. Nothing needs a restart: \
             platforms send again what was not acknowledged.",
        ),
    })
}

/// UTC is what a desk starts with when nobody says otherwise, and hardly ever where a firm works.
async fn time_zone(api: &Shared) -> Result<Finding, Problem> {
    let settings = api.desk.reload_settings().await?;
    let Some(calendar) = settings.calendars.iter().min_by_key(|calendar| calendar.id()) else {
        return Ok(Finding::good("calendar", "There is no calendar; all promises count around the clock."));
    };
    let zone = calendar.schedule().time_zone.as_str();
    let what = format!("The hours of \"{}\" are read in the time zone {zone}.", calendar.schedule().name);
    if matches!(zone, "UTC" | "Etc/UTC") {
        return Ok(Finding {
            ok: true,
            area: "calendar".to_owned(),
            what,
            advice: Some("If the firm works elsewhere, set the calendar's time zone.".to_owned()),
        });
    }
    Ok(Finding::good("calendar", what))
}

async fn connection(api: &Shared, stored: &StoredConnection, all: &[StoredConnection]) -> Vec<Finding> {
    let area = format!("connection {}", stored.id);
    let Ok(open) = unseal(stored, &api.key) else {
        let what = "Its secrets were sealed with another key than this installation's.";
        return vec![Finding::bad(area, what, "Bring the key back, or give the secrets anew with PATCH.")];
    };
    let mut findings = Vec::new();
    match &stored.health {
        Health::Ok => {
            findings.push(Finding::good(&area, format!("\"{}\" works as far as is known.", stored.name)));
        }
        Health::Broken { reason, detail, since } => {
            let what = format!("\"{}\" has not worked since {since}: {reason}: {detail}", stored.name);
            findings.push(Finding::bad(
                &area,
                what,
                "Give good credentials with PATCH; replies wait until then.",
            ));
        }
    }
    match api.desk.used_up(stored.id).await {
        Ok(None) => {}
        Ok(Some(UsedUp { what, times, at })) => findings.push(Finding::bad(
            &area,
            format!("Until {at} more mails came than are acknowledged of {what}: at most {times}."),
            "Look whether a machine writes to the desk. The mails themselves are all there.",
        )),
        Err(error) => {
            findings.push(Finding::bad(&area, error.to_string(), "Check that the table can be read."));
        }
    }
    let Some(platform) = channels::platform(stored.channel.as_str()) else {
        findings.push(Finding::bad(
            &area,
            "This version does not speak the channel.",
            "Update, or delete it.",
        ));
        return findings;
    };
    if let Some(account) = platform.account(&open) {
        let shares = |other: &&StoredConnection| {
            other.id != stored.id
                && other.channel == stored.channel
                && unseal(other, &api.key).is_ok_and(|other| platform.account(&other) == Some(account))
        };
        if let Some(other) = all.iter().find(shares) {
            let what = format!(
                "\"{}\" is connected to the same account; only one of the two gets messages.",
                other.name
            );
            findings.push(Finding::bad(&area, what, "Delete one of them."));
        }
    }
    let base = stored.settings.get(PUBLIC_URL).and_then(Value::as_str);
    let webhook = base
        .filter(|_| Receives::of(stored) == Receives::Webhook)
        .map(|base| webhook_url(base, &stored.channel, stored.id));
    let outlets = Outlets { http: api.http.clone(), mailer: api.mailer.clone() };
    let instruments = Instruments { outlets, dns: api.dns.clone() };
    for found in platform.examine(&instruments, &open, webhook.as_deref()).await {
        findings.push(Finding { ok: found.ok, area: area.clone(), what: found.what, advice: found.advice });
    }
    findings
}

async fn queues(api: &Shared) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, queue) in &api.queues {
        let area = format!("queue {name}");
        findings.push(match queue.depth().await {
            Ok(depth) => {
                let what = format!("{} messages wait, {} are in hand.", depth.waiting, depth.in_hand);
                if depth.waiting > MANY_WAITING {
                    Finding::bad(
                        area,
                        what,
                        "They come faster than they are done: look at the function's errors.",
                    )
                } else {
                    Finding::good(area, what)
                }
            }
            Err(error) => {
                Finding::bad(area, error.to_string(), "Check that the queue is there and can be read.")
            }
        });
    }
    findings
}

async fn dead_letters(api: &Shared) -> Vec<Finding> {
    let mut findings = Vec::new();
    for queue in &api.dead_letters {
        let area = format!("dead letters {}", queue.name);
        findings.push(match queue.dead.depth().await {
            Ok(depth) if depth.waiting + depth.in_hand > 0 => {
                let what = format!("{} messages could not be processed.", depth.waiting + depth.in_hand);
                Finding::bad(area, what, "See them with `lambdesk dead-letters list`.")
            }
            Ok(_) => Finding::good(area, "None."),
            Err(error) => {
                Finding::bad(area, error.to_string(), "Check that the queue is there and can be read.")
            }
        });
    }
    findings
}

async fn limits(api: &Shared) -> Option<Finding> {
    let area = "account";
    Some(match api.limits.as_ref()?.concurrent_executions().await {
        Ok(None) => return None,
        Ok(Some(limit)) if limit < FEW_EXECUTIONS => Finding {
            ok: true,
            area: area.to_owned(),
            what: format!("The account may run {limit} functions at once."),
            advice: Some(
                "Ask AWS for more in Service Quotas (Lambda, concurrent executions); it is free.".to_owned(),
            ),
        },
        Ok(Some(limit)) => Finding::good(area, format!("The account may run {limit} functions at once.")),
        Err(error) => Finding::bad(area, error, "Check that the function may read the account's settings."),
    })
}
