//! What must hold of every single write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use desk::channel::ThreadKey;
use serde_json::Value;
use store::keys;
use store::table::Item;

use crate::engine::Change;

/// The states of a ticket that is still to be worked on.
const ACTIVE: [&str; 4] = ["new", "open", "waiting_customer", "waiting_third_party"];

/// What a reply's state may be followed by. A state may follow itself.
const FOLLOWING: [(&str, &[&str]); 6] = [
    // A copy is read when its visitor has read the answer itself.
    ("queued", &["sending", "failed", "uncertain", "read"]),
    ("sending", &["queued", "sent", "failed", "uncertain"]),
    ("uncertain", &["sent", "failed"]),
    ("sent", &["delivered", "read"]),
    ("delivered", &["read"]),
    ("failed", &[]),
];

/// The open tickets of conversations, each under the key of its item.
#[derive(Debug, Default)]
struct Open {
    tickets: BTreeMap<String, BTreeSet<String>>,
    /// All conversations.
    known: BTreeSet<String>,
    /// What a conversation was called before the platform moved it, by what it is called since.
    moved: BTreeMap<String, String>,
}

impl Open {
    /// Notes a conversation, and where the platform moved it: from then on both names lead to it, unless people talked
    /// under the new one before.
    fn began(&mut self, key: &ThreadKey, moved_to: Option<&str>) {
        let name = |key: &ThreadKey| keys::thread(key).pk;
        if let Some(to) = moved_to {
            let after = name(&ThreadKey { conversation: to.to_owned(), ..key.clone() });
            if !self.known.contains(&after) {
                self.moved.insert(after, name(key));
            }
        }
        self.known.insert(name(key));
    }
}

/// Looks at writes.
#[derive(Debug)]
pub struct Watch {
    open: Mutex<Open>,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    /// Complains there.
    pub fn new(complaints: Arc<Mutex<Vec<String>>>) -> Self {
        Self { open: Mutex::default(), complaints }
    }

    /// Looks at one transaction.
    pub fn look(&self, changes: &[Change<'_>]) {
        for change in changes {
            let found = match (change.before, change.after) {
                (Some(before), None) => removed(before),
                (Some(before), Some(after)) => replaced(before, after, changes),
                (None, Some(_)) | (None, None) => None,
            };
            if let Some(what) = found {
                self.complain(what);
            }
        }
        self.count_active(changes);
    }

    fn count_active(&self, changes: &[Change<'_>]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let written = || changes.iter().filter_map(|change| change.after);
        for (key, thread) in written().filter_map(|item| Some((conversation(item, "key")?, item))) {
            open.began(&key, thread.body.get("moved_to").and_then(Value::as_str));
        }
        let mut looked_at = BTreeSet::new();
        for head in written().filter(|item| is_head(item)) {
            let Some(thread) = conversation(head, "thread") else { continue };
            let mut thread = keys::thread(&thread).pk;
            while let Some(before) = open.moved.get(&thread) {
                thread.clone_from(before);
            }
            let tickets = open.tickets.entry(thread.clone()).or_default();
            if ACTIVE.contains(&text(head, "status")) {
                tickets.insert(head.key.pk.clone());
            } else {
                tickets.remove(&head.key.pk);
            }
            looked_at.insert(thread);
        }
        for thread in looked_at {
            if let Some(tickets) = open.tickets.get(&thread)
                && tickets.len() > 1
            {
                self.complain(format!("the conversation {thread} has several open tickets: {tickets:?}"));
            }
        }
    }

    fn complain(&self, what: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

fn conversation(item: &Item, name: &str) -> Option<ThreadKey> {
    serde_json::from_value(item.body.get(name)?.clone()).ok()
}

fn removed(before: &Item) -> Option<String> {
    let kept = ["T#", "X#", "M#", "C#", "I#", "N#"].iter().any(|kind| before.key.pk.starts_with(kind));
    kept.then(|| format!("{} / {} was removed", before.key.pk, before.key.sk))
}

fn replaced(before: &Item, after: &Item, changes: &[Change<'_>]) -> Option<String> {
    let name = format!("{} / {}", after.key.pk, after.key.sk);
    if after.key.pk.starts_with("T#") && after.key.sk.starts_with("E#") {
        return Some(format!("the event {name} was written twice"));
    }
    let (was, is) = (number(before, "version"), number(after, "version"));
    if let Some(was) = was
        && is != Some(was + 1)
    {
        return Some(format!("{name} went from version {was} to {is:?}"));
    }
    if is_head(after) {
        let (was, is) = (number(before, "seq").unwrap_or_default(), number(after, "seq").unwrap_or_default());
        let event = format!("E#{is:010}");
        let written = changes.iter().any(|change| {
            change.before.is_none()
                && change.after.is_some_and(|item| item.key.pk == after.key.pk && item.key.sk == event)
        });
        if is != was + 1 || !written {
            return Some(format!("the head of {name} went from event {was} to {is} without that event"));
        }
    }
    if after.key.sk.starts_with("R#") {
        let (was, is) = (text(before, "state"), text(after, "state"));
        let allowed = FOLLOWING.iter().find(|(state, _)| *state == was).map_or(&[][..], |(_, next)| next);
        // A mail that was sent may turn out not to have arrived.
        let returned = after.key.pk.starts_with("X#email#") && (was, is) == ("sent", "failed");
        // Somebody knows that a part arrived, and the rest goes on.
        let confirmed = (was, is) == ("uncertain", "queued") && parts(after) == parts(before) + 1;
        if was != is && !returned && !confirmed && !allowed.contains(&is) {
            return Some(format!("the reply {name} went from {was} to {is}"));
        }
    }
    None
}

/// How many parts of a reply arrived.
fn parts(reply: &Item) -> usize {
    reply.body.get("parts").and_then(Value::as_array).map_or(0, Vec::len)
}

fn is_head(item: &Item) -> bool {
    item.key.pk.starts_with("T#") && item.key.sk == "@"
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> Option<u64> {
    item.body.get(name).and_then(Value::as_u64)
}
