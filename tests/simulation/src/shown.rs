//! What a run of many seeds has to show.

use std::collections::BTreeMap;

/// From so many seeds on, each of [`SHOWN`] and [`STRUCK`] must have happened.
pub(crate) const MANY: u64 = 1500;
/// What a run of many seeds has to show, so that what holds of it holds of something.
const SHOWN: [&str; 42] = [
    "clock breach",
    "clock retarget",
    "conversation moved",
    "copy failed",
    "copy read",
    "copy sent",
    "copy uncertain",
    "dead letter of email",
    "dead letter of inbound",
    "dead letter of outbound",
    "dead letter of work",
    "event auto_closed",
    "event button_pressed",
    "event followed_up",
    "event gap",
    "event message_edited",
    "event note_added",
    "event reachability_changed",
    "event reacted",
    "event reinterpreted",
    "event reply_confirmed",
    "event reply_due",
    "event sla_recomputed",
    "file stored",
    "push message",
    "push pong",
    "push read",
    "push reload",
    "receipt of inbound expired",
    "receipt of outbound expired",
    "receipt of work expired",
    "repetition after 5 minutes",
    "repetition after 7 days",
    "repetition after a day",
    "repetition at once",
    "reply blocked",
    "reply failed",
    "reply sent",
    "reply sent again",
    "reply uncertain",
    "ticket opened in a conversation",
    "ticket opened in none",
];
/// What must have struck in them.
const STRUCK: [&str; 11] = [
    "acknowledgement lost",
    "conflict",
    "crash after",
    "crash before",
    "crash overdue",
    "late",
    "overdue",
    "refused",
    "stalled",
    "throttled",
    "unreadable",
];

/// What never happened.
pub(crate) fn missing(
    seen: &BTreeMap<String, u64>,
    struck: &BTreeMap<&'static str, u64>,
) -> Vec<&'static str> {
    let shown = SHOWN.into_iter().map(|kind| (kind, seen.get(kind)));
    let struck = STRUCK.into_iter().map(|kind| (kind, struck.get(kind)));
    let never = shown.chain(struck).filter(|(_, times)| times.is_none_or(|times| *times == 0));
    never.map(|(kind, _)| kind).collect()
}
