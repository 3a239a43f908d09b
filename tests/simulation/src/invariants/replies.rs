//! A reply reaches the platform exactly once, or at most once and is marked.

use std::collections::{BTreeMap, BTreeSet};

use desk::event::Fact;
use desk::ids::ReplyId;
use desk::reply::{Delivery, Reply};
use jiff::{SignedDuration, Timestamp};

use super::picture::Picture;
use crate::history::Asked;
use crate::journey::Stage;

/// Requests that followed one another at this distance are also sent in this order, however much clocks are off.
const APART: SignedDuration = SignedDuration::from_secs(1);

/// What a platform accepted.
struct Accepted {
    /// Its id, as a reply knows it.
    id: String,
    /// The chat, where ids are unique only within one.
    chat: Option<String>,
    text: String,
}

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let accepted = accepted(stage);
    let events = events(picture);
    let history = stage.history.state();
    let got = got(&accepted);
    for asked in &history.asked {
        written(picture, asked, &events, broken);
        arrived(picture, asked, &got, &events, broken);
    }
    let known: BTreeSet<&str> = history.asked.iter().flat_map(|asked| asked.text.lines()).collect();
    for one in &accepted {
        if !one.text.lines().map(str::trim).all(|line| line.is_empty() || known.contains(line)) {
            broken.push(format!("nobody wrote `{}`", one.text));
        }
    }
    for reply in &picture.replies {
        told(reply, &accepted, &events, broken);
    }
    order(picture, &history.asked, &accepted, &events, broken);
}

fn accepted(stage: &Stage) -> Vec<Accepted> {
    let messages = stage.cloud.bots.accepted().into_iter().map(|one| Accepted {
        id: one.message.to_string(),
        chat: Some(one.chat.to_string()),
        text: one.text,
    });
    let mails = stage.cloud.post.taken().into_iter().map(|mail| Accepted {
        id: format!("<{}>", mail.message_id),
        chat: None,
        text: mail.text,
    });
    messages.chain(mails).collect()
}

/// How often each line came.
fn got(accepted: &[Accepted]) -> BTreeMap<&str, usize> {
    let mut got = BTreeMap::new();
    for line in accepted.iter().flat_map(|one| one.text.lines()) {
        *got.entry(line.trim()).or_default() += 1;
    }
    got
}

/// What events say of replies.
#[derive(Default)]
struct Events {
    written: BTreeMap<ReplyId, Option<ReplyId>>,
    scheduled: Vec<ReplyId>,
    due: Vec<ReplyId>,
    uncertain: Vec<ReplyId>,
    failed: Vec<ReplyId>,
}

fn events(picture: &Picture) -> Events {
    let mut events = Events::default();
    for event in picture.cases.values().flat_map(|case| &case.events) {
        match &event.fact {
            Fact::Replied(replied) => {
                events.written.insert(replied.reply, replied.again);
                events.scheduled.extend(replied.not_before.map(|_| replied.reply));
            }
            Fact::ReplyDue { reply, .. } => events.due.push(*reply),
            Fact::ReplyUncertain(problem) => events.uncertain.push(problem.reply),
            Fact::ReplyFailed(problem) => events.failed.push(problem.reply),
            _ => {}
        }
    }
    events
}

/// The replies that say what an agent wrote.
fn saying<'a>(picture: &'a Picture, asked: &'a Asked) -> impl Iterator<Item = &'a Reply> {
    picture.replies.iter().filter(|reply| reply.content.text.as_deref() == Some(asked.text.as_str()))
}

/// A request for an answer is one reply, however often it was repeated.
fn written(picture: &Picture, asked: &Asked, events: &Events, broken: &mut Vec<String>) {
    let short: String = asked.text.chars().take(40).collect();
    let first = saying(picture, asked).filter(|reply| events.written.get(&reply.id) == Some(&None)).count();
    if first > 1 || (asked.reply.is_some() && first == 0) {
        broken.push(format!("`{short}` is {first} replies, acknowledged: {:?}", asked.reply));
    }
    let again = saying(picture, asked).count() - first;
    if again > asked.again {
        broken.push(format!("`{short}` was sent again {again} times, asked for {} times", asked.again));
    }
}

/// How often the customer got what an agent wrote.
fn arrived(
    picture: &Picture,
    asked: &Asked,
    got: &BTreeMap<&str, usize>,
    events: &Events,
    broken: &mut Vec<String>,
) {
    let (mut least, mut most) = (0, 0);
    for reply in saying(picture, asked) {
        let sent = reply.state == Delivery::Sent;
        least += usize::from(sent);
        let perhaps = events.uncertain.contains(&reply.id) || !reply.parts.is_empty();
        most += usize::from(sent || perhaps);
    }
    for line in asked.text.lines() {
        let count = got.get(line).copied().unwrap_or_default();
        if count < least || count > most {
            broken.push(format!("`{line}` arrived {count} times, which should be {least} to {most}"));
            return;
        }
    }
}

/// What a reply says of itself is true, and its ticket tells what went wrong.
fn told(reply: &Reply, accepted: &[Accepted], events: &Events, broken: &mut Vec<String>) {
    let id = reply.id;
    if !events.written.contains_key(&id) {
        broken.push(format!("the reply {id} has no event"));
    }
    let ours = |one: &&Accepted| one.chat.as_ref().is_none_or(|chat| *chat == reply.thread.conversation);
    for part in &reply.parts {
        if !accepted.iter().filter(ours).any(|one| one.id == *part) {
            broken.push(format!("the reply {id} names the message {part}, which nobody accepted"));
        }
    }
    let due = events.due.iter().filter(|due| **due == id).count();
    if due != usize::from(events.scheduled.contains(&id) && reply.attempts > 0) {
        broken
            .push(format!("the time of the reply {id} came {due} times, after {} attempts", reply.attempts));
    }
    let doubted = events.uncertain.iter().filter(|doubted| **doubted == id).count();
    let failed = events.failed.iter().filter(|failed| **failed == id).count();
    let replaced = reply.reason.as_deref() == Some("replaced");
    let as_it_should = match reply.state {
        Delivery::Uncertain => (doubted, failed) == (1, 0),
        Delivery::Failed if replaced => doubted + failed == 1,
        Delivery::Failed => (doubted, failed) == (0, 1),
        Delivery::Sent => failed == 0 && doubted <= 1 && (doubted == 1 || !reply.parts.is_empty()),
        _ => doubted + failed == 0,
    };
    if !as_it_should {
        let state = reply.state;
        broken.push(format!("the reply {id} is {state:?}, with {doubted} doubts and {failed} failures told"));
    }
}

/// Replies of a conversation leave in the order of their events on a ticket, and in which they were asked for on several,
/// where requests that overlapped have no order; a scheduled one lets others overtake it.
fn order(
    picture: &Picture,
    asked: &[Asked],
    accepted: &[Accepted],
    events: &Events,
    broken: &mut Vec<String>,
) {
    let mut sent: Vec<(&Asked, Timestamp, &Reply, usize)> = Vec::new();
    for asked in asked {
        let Some((id, told)) = &asked.reply else { continue };
        let reply = saying(picture, asked).find(|reply| reply.id.to_string() == *id);
        let Some(reply) = reply.filter(|reply| {
            reply.state == Delivery::Sent
                && !events.uncertain.contains(&reply.id)
                && reply.scheduled_for.is_none()
        }) else {
            continue;
        };
        let place = accepted.iter().position(|one| {
            Some(&one.id) == reply.parts.first()
                && one.chat.as_ref().is_none_or(|chat| *chat == reply.thread.conversation)
        });
        sent.extend(place.map(|place| (asked, *told, reply, place)));
    }
    for (_, told, earlier, first) in &sent {
        for (asked, _, later, second) in &sent {
            let before = if earlier.ticket == later.ticket {
                earlier.seq < later.seq
            } else {
                asked.begun.duration_since(*told) > APART
            };
            if before && earlier.thread == later.thread && first > second {
                broken.push(format!("the reply {} left before {}", later.id, earlier.id));
            }
        }
    }
}
