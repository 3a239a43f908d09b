//! What follows from a failed call: <https://core.telegram.org/bots/api#making-requests>. Telegram tells errors apart
//! by their descriptions alone, which it may change; an unknown one falls to the rule of its code.

use std::time::Duration;

use super::api::{CallError, Refusal};
use crate::http::Reached;
use crate::platform::{ConnectError, FetchError, SendError, SendFailure};

/// The pause where Telegram does not name one.
const PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that is believed. Whoever asks again after it is told anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Descriptions that say that the customer cannot be reached, each with our word for it.
const UNREACHABLE: &[(&str, &str)] = &[
    ("bot was blocked", "blocked"),
    ("user is deactivated", "deactivated"),
    ("group is deactivated", "deactivated"),
    ("bot was kicked", "kicked"),
    ("bot is not a member", "kicked"),
    ("bot can't initiate conversation", "not_started"),
    ("can't send messages to bots", "unreachable"),
    ("chat not found", "chat_not_found"),
    ("user not found", "chat_not_found"),
    ("peer_id_invalid", "chat_not_found"),
    ("not enough rights to send", "no_rights"),
    ("have no rights to send", "no_rights"),
    ("chat_write_forbidden", "no_rights"),
];

/// What became of a message that was not accepted.
///
/// Certain is only what Telegram itself refused and what was never sent. An answer that says "ok" and names no
/// message counts as uncertain: the customer has the message, but nothing later could be matched with it.
pub(super) fn send_error(error: CallError) -> SendError {
    let detail = detail(&error);
    let (class, reason) = match &error {
        CallError::Settings { reason, .. } => (SendFailure::Unauthorized, *reason),
        CallError::Http(error) if error.reached == Reached::No => (SendFailure::Transient, error.reason),
        CallError::Http(error) => (SendFailure::Uncertain, error.reason),
        CallError::Garbled => (SendFailure::Uncertain, "unreadable_answer"),
        CallError::Refused(refusal) => refused(refusal),
        // Something in between that knows the address as little as the token.
        CallError::Foreign { status: 401 | 404 } => (SendFailure::Transient, "foreign_answer"),
        CallError::Foreign { status } => by_code(*status, None, (SendFailure::Transient, "foreign_answer")),
    };
    SendError { class, reason, detail }
}

fn refused(refusal: &Refusal) -> (SendFailure, &'static str) {
    if let Some(chat) = refusal.migrate_to_chat_id {
        return (SendFailure::Moved { conversation: chat.to_string() }, "moved");
    }
    // The words come before the code: "bot was blocked" has been seen with 400, 401 and 403.
    if let Some((_, reason)) = UNREACHABLE.iter().find(|(phrase, _)| refusal.says(phrase)) {
        return (SendFailure::Unreachable, reason);
    }
    let pause = refusal.retry_after.map(Duration::from_secs);
    by_code(refusal.code, pause, (SendFailure::Unreachable, "unreachable"))
}

/// The rule of a status. A 403 means one thing from Telegram and another from a firewall in between.
fn by_code(
    code: u16,
    pause: Option<Duration>,
    forbidden: (SendFailure, &'static str),
) -> (SendFailure, &'static str) {
    match code {
        401 | 404 => (SendFailure::Unauthorized, "bad_token"),
        403 => forbidden,
        408 => (SendFailure::Transient, "unavailable"),
        409 => (SendFailure::Transient, "conflict"),
        413 => (SendFailure::Rejected, "too_large"),
        429 => (SendFailure::Throttled(bounded(pause)), "throttled"),
        300..=399 => (SendFailure::Transient, "redirected"),
        400..=499 => (SendFailure::Rejected, "rejected"),
        500 | 502 | 503 => (SendFailure::Transient, "unavailable"),
        _ => (SendFailure::Uncertain, "unavailable"),
    }
}

fn bounded(pause: Option<Duration>) -> Duration {
    pause.unwrap_or(PAUSE).clamp(Duration::from_secs(1), LONGEST_PAUSE)
}

/// Why a file was not fetched. Final is only what Telegram says of it, and where the desk must not go: a token may be
/// replaced, a setting mended, and a firewall in between opened.
pub(super) fn fetch_error(error: CallError) -> FetchError {
    let detail = detail(&error);
    let (transient, reason) = match &error {
        CallError::Refused(refusal) if refusal.says("file is too big") => (false, "too_large"),
        CallError::Refused(refusal) if refusal.says("temporarily unavailable") => (true, "unavailable"),
        CallError::Refused(Refusal { code: 400, .. }) => (false, "gone"),
        CallError::Http(error) if error.reason == "too_large" => (false, "too_large"),
        CallError::Refused(_) | CallError::Http(_) => general(&error),
        CallError::Foreign { status: 400..=499 } => (true, "foreign_answer"),
        error => (true, general(error).1),
    };
    FetchError { transient, reason, detail }
}

/// Why a connection could not be set up or asked.
pub(super) fn connect_error(error: CallError) -> ConnectError {
    let (transient, reason) = general(&error);
    let detail = match reason {
        "bad_token" => "Telegram does not know the bot's token. Copy it anew from @BotFather.".to_owned(),
        "conflict" => {
            "Telegram gives a bot's updates to one taker only: a webhook is set, or another process polls \
                       with the same token."
                .to_owned()
        }
        _ => detail(&error),
    };
    // A token does not become good by waiting, and a person is there to give another one.
    ConnectError { transient: transient && reason != "bad_token", reason, detail }
}

/// Whether another try may succeed, and our word for the failure, wherever nothing depends on what was asked.
fn general(error: &CallError) -> (bool, &'static str) {
    let status = match error {
        CallError::Settings { reason, .. } => return (false, reason),
        CallError::Http(error) => return (error.reason != "forbidden_address", error.reason),
        CallError::Garbled => return (true, "unreadable_answer"),
        CallError::Refused(refusal) => refusal.code,
        CallError::Foreign { status } => *status,
    };
    match status {
        401 | 404 => (true, "bad_token"),
        409 => (true, "conflict"),
        429 => (true, "throttled"),
        400..=499 => (false, "refused"),
        _ => (true, "unavailable"),
    }
}

fn detail(error: &CallError) -> String {
    match error {
        CallError::Settings { detail, .. } => (*detail).to_owned(),
        CallError::Http(error) => error.detail.clone(),
        CallError::Refused(refusal) => refusal.description.clone(),
        CallError::Foreign { status } => {
            format!("something that is not the Bot API answered with status {status}")
        }
        CallError::Garbled => "the answer cannot be read".to_owned(),
    }
}
