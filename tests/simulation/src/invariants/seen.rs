//! What happened, counted.

use std::collections::BTreeMap;

use desk::event::Event;
use serde_json::Value;

use super::picture::Picture;

/// Kinds of events, steps of clocks, states of tickets and of replies.
pub(super) fn count(picture: &Picture) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    let mut see = |kind: &str, what: &str| *seen.entry(format!("{kind} {what}")).or_default() += 1;
    for case in picture.cases.values() {
        see("ticket", case.head.status.as_str());
        for event in &case.events {
            see("event", &kind(event));
            for change in &event.effects.sla {
                see("clock", &word(&serde_json::to_value(change).unwrap_or_default(), "change"));
            }
        }
    }
    for reply in &picture.replies {
        see("reply", &word(&serde_json::to_value(reply).unwrap_or_default(), "state"));
    }
    seen
}

fn kind(event: &Event) -> String {
    word(&serde_json::to_value(event).unwrap_or_default(), "kind")
}

fn word(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
