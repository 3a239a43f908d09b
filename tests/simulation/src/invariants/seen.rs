//! What happened, counted.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use serde_json::Value;

use super::openings::by_agent;
use super::picture::Picture;
use crate::history::Said;

/// Kinds of events, steps of clocks, states of tickets and of replies.
pub(super) fn count(picture: &Picture, said: &[Said]) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    let mut see = |kind: &str, what: &str| *seen.entry(format!("{kind} {what}")).or_default() += 1;
    for after in said.iter().filter_map(|said| said.repeated) {
        see("repetition", days(after));
    }
    for case in picture.cases.values() {
        see("ticket", case.head.status.as_str());
        for event in &case.events {
            see("event", &kind(event));
            if by_agent(event) {
                see(
                    "ticket opened",
                    if case.head.thread.is_some() { "in a conversation" } else { "in none" },
                );
            }
            if let (Fact::MessageReceived(_), Some(thread)) = (&event.fact, case.head.thread_of(event)) {
                see("message by", thread.channel.as_str());
            }
            for change in &event.effects.sla {
                see("clock", &word(&serde_json::to_value(change).unwrap_or_default(), "change"));
            }
        }
    }
    for reply in &picture.replies {
        let kind = if reply.copy_of.is_some() { "copy" } else { "reply" };
        see(kind, &word(&serde_json::to_value(reply).unwrap_or_default(), "state"));
        see("reply by", reply.thread.channel.as_str());
        match reply.reason.as_deref() {
            Some("replaced") => see("reply", "sent again"),
            Some("blocked") => see("reply", "blocked"),
            _ => {}
        }
    }
    for file in &picture.files {
        see("file", &word(&serde_json::to_value(file).unwrap_or_default(), "state"));
    }
    for thread in &picture.threads {
        if thread.moved_to.is_some() {
            see("conversation", "moved");
        }
    }
    seen
}

/// What the repetition after so many seconds meets: the queue's memory, a window of idempotency, or none of them.
const fn days(seconds: u64) -> &'static str {
    match seconds {
        0..300 => "at once",
        300..86_400 => "after 5 minutes",
        86_400..604_800 => "after a day",
        _ => "after 7 days",
    }
}

fn kind(event: &Event) -> String {
    word(&serde_json::to_value(event).unwrap_or_default(), "kind")
}

fn word(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
