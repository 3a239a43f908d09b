//! Setting up a connection and looking after it: <https://core.telegram.org/bots/api#setwebhook>.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::ALLOWED_UPDATES;
use super::api::{Api, CallError, TEXT_TIMEOUT};
use super::errors::connect_error;
use crate::Connection;
use crate::http::{Body, Http};
use crate::platform::{ConnectError, Finding};

/// How many updates may wait before something must be wrong.
const MANY_PENDING: u64 = 100;

/// How many requests Telegram may have open to a webhook at a time; its own default.
const MAX_CONNECTIONS: u8 = 40;

/// Checks the token, sets or takes back the webhook, and tells who the bot is.
pub(super) async fn connect(
    http: &Http,
    connection: &Connection,
    webhook_url: Option<&str>,
) -> Result<Map<String, Value>, ConnectError> {
    let api = Api::new(http, connection).map_err(connect_error)?;
    let secret =
        connection.secret("secret_token").filter(|secret| is_secret_token(secret)).ok_or_else(|| {
            let detail = "`secret_token` must have 1 to 256 letters, digits, `_` or `-`.".to_owned();
            ConnectError { transient: false, reason: "bad_secret_token", detail }
        })?;
    let bot = get_me(&api).await.map_err(connect_error)?;
    match webhook_url {
        Some(url) => {
            let webhook = json!({
                "url": url,
                "secret_token": secret,
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": MAX_CONNECTIONS,
                "drop_pending_updates": false,
            });
            let set = api.call::<IgnoredAny>("setWebhook", Body::Json(webhook), TEXT_TIMEOUT).await;
            set.map_err(connect_error)?;
        }
        // Telegram lets nobody poll as long as a webhook is set.
        None => delete_webhook(&api).await.map_err(connect_error)?,
    }
    let mut settings = Map::new();
    settings.insert("bot_id".to_owned(), bot.id.to_string().into());
    settings.insert("bot_name".to_owned(), bot.first_name.into());
    settings.insert("bot_username".to_owned(), bot.username.into());
    Ok(settings)
}

/// Takes the webhook back. With a dead token there is none any more.
pub(super) async fn disconnect(http: &Http, connection: &Connection) -> Result<(), ConnectError> {
    let api = Api::new(http, connection).map_err(connect_error)?;
    match delete_webhook(&api).await.map_err(connect_error) {
        Err(error) if error.reason == "bad_token" => Ok(()),
        done => done,
    }
}

/// Whether the token is good and updates come the way that they should.
pub(super) async fn examine(http: &Http, connection: &Connection, webhook_url: Option<&str>) -> Vec<Finding> {
    let asked = async {
        let api = Api::new(http, connection)?;
        let bot = get_me(&api).await?;
        let webhook: WebhookInfo = api.call("getWebhookInfo", Body::Empty, TEXT_TIMEOUT).await?;
        Ok::<_, CallError>((bot, webhook))
    };
    let (bot, webhook) = match asked.await.map_err(connect_error) {
        Ok(answers) => answers,
        Err(error) => {
            return vec![Finding {
                ok: false,
                what: "The bot does not answer.".to_owned(),
                advice: Some(error.detail),
            }];
        }
    };
    let mut findings = vec![Finding {
        ok: true,
        what: format!("The bot is @{}.", bot.username.as_deref().unwrap_or(&bot.first_name)),
        advice: None,
    }];
    findings.push(right_webhook(&webhook, webhook_url));
    findings.push(delivery(&webhook));
    if webhook_url.is_some() {
        let asks = |kind: &&&str| !webhook.allowed_updates.iter().any(|asked| asked == **kind);
        let missing: Vec<&str> = ALLOWED_UPDATES.iter().filter(asks).copied().collect();
        findings.push(Finding {
            ok: missing.is_empty(),
            what: if missing.is_empty() {
                "Telegram sends every kind of update that the desk reads.".to_owned()
            } else {
                "Telegram does not send every kind of update that the desk reads.".to_owned()
            },
            advice: advice(!missing.is_empty(), || {
                format!("Connect the bot again; missing: {}.", missing.join(", "))
            }),
        });
    }
    if connection.flag("groups") {
        let ok = bot.can_read_all_group_messages;
        findings.push(Finding {
            ok,
            what: if ok {
                "The bot may read what is written in groups.".to_owned()
            } else {
                "The bot may read what is written in groups only where it is an admin.".to_owned()
            },
            advice: advice(!ok, || {
                "Turn privacy off with /setprivacy at @BotFather, or make it an admin.".to_owned()
            }),
        });
    }
    findings
}

fn right_webhook(webhook: &WebhookInfo, expected: Option<&str>) -> Finding {
    let ok = webhook.url == expected.unwrap_or_default();
    let what = match expected {
        Some(url) if ok => format!("The webhook is {url}."),
        Some(url) => format!("The webhook is not {url}."),
        None if ok => "No webhook is set, so that updates can be polled.".to_owned(),
        None => "A webhook is set, so that updates cannot be polled.".to_owned(),
    };
    let found = if webhook.url.is_empty() { "none" } else { webhook.url.as_str() };
    Finding { ok, what, advice: advice(!ok, || format!("Telegram has {found}. Connect the bot again.")) }
}

/// Telegram remembers the last failure for ever; it matters as long as updates wait.
fn delivery(webhook: &WebhookInfo) -> Finding {
    let failure = webhook.last_error_message.as_deref().map(|message| {
        let date = webhook.last_error_date.and_then(|second| Timestamp::from_second(second).ok());
        date.map_or_else(|| message.to_owned(), |date| format!("{message} ({date})"))
    });
    let waiting = webhook.pending_update_count;
    let ok = waiting == 0 || (failure.is_none() && waiting < MANY_PENDING);
    let what = format!("{waiting} updates wait to be delivered.");
    let problem = failure.unwrap_or_else(|| "they are not taken fast enough".to_owned());
    Finding { ok, what, advice: advice(!ok, || format!("Telegram's last problem: {problem}.")) }
}

fn advice(needed: bool, text: impl FnOnce() -> String) -> Option<String> {
    needed.then(text)
}

async fn get_me(api: &Api<'_>) -> Result<Bot, CallError> {
    api.call("getMe", Body::Empty, TEXT_TIMEOUT).await
}

async fn delete_webhook(api: &Api<'_>) -> Result<(), CallError> {
    let body = Body::Json(json!({ "drop_pending_updates": false }));
    api.call::<IgnoredAny>("deleteWebhook", body, TEXT_TIMEOUT).await.map(|_| ())
}

fn is_secret_token(secret: &str) -> bool {
    let letters = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    letters && (1..=256).contains(&secret.len())
}

/// What `getMe` tells: <https://core.telegram.org/bots/api#getme>.
#[derive(Deserialize)]
struct Bot {
    id: i64,
    #[serde(default)]
    first_name: String,
    username: Option<String>,
    #[serde(default)]
    can_read_all_group_messages: bool,
}

/// <https://core.telegram.org/bots/api#webhookinfo>
#[derive(Deserialize)]
struct WebhookInfo {
    #[serde(default)]
    url: String,
    #[serde(default)]
    pending_update_count: u64,
    last_error_date: Option<i64>,
    last_error_message: Option<String>,
    #[serde(default)]
    allowed_updates: Vec<String>,
}
