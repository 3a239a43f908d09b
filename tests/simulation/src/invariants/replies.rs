//! A reply reaches the platform exactly once, or at most once and is marked.

use std::collections::{BTreeMap, BTreeSet};

use desk::event::Fact;
use desk::ids::ReplyId;
use desk::reply::{Delivery, Reply};
use jiff::{SignedDuration, Timestamp};

use super::accepted::{Accepted, accepted, got};
use super::picture::Picture;
use super::returned::REPORTED;
use crate::history::Asked;
use crate::journey::Stage;

/// Requests that followed one another at this distance are also sent in this order, however much clocks are off.
const APART: SignedDuration = SignedDuration::from_secs(1);

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    let accepted = accepted(stage, &history.visits);
    let events = events(picture);
    let got = got(&accepted);
    for asked in &history.asked {
        written(picture, asked, &events, broken);
        arrived(picture, asked, &got, &events, broken);
    }
    let known: BTreeSet<&str> = history.asked.iter().flat_map(Asked::pieces).collect();
    for one in &accepted {
        if let Some(piece) = one.pieces.iter().find(|piece| !known.contains(piece.as_str())) {
            broken.push(format!("nobody wrote `{piece}`"));
        }
    }
    for reply in picture.replies.iter().filter(|reply| reply.copy_of.is_none()) {
        let copy = reply
            .copied_to
            .as_ref()
            .map(|to| picture.replies.iter().find(|other| other.id == reply.id && other.thread == *to));
        match copy {
            Some(None) => broken.push(format!("the copy of the reply {} is missing", reply.id)),
            copy => told(reply, copy.flatten(), &events, broken),
        }
    }
    for reply in &picture.replies {
        parts(reply, &history.asked, &accepted, stage, broken);
        confirmed(reply, &events, broken);
    }
    order(picture, stage, &history.asked, &accepted, &events, broken);
    // What was plainly accepted or refused leaves nothing to doubt.
    let (doubts, causes) = (events.uncertain.len() as u64, stage.cloud.faults.doubtful());
    if doubts > causes {
        broken.push(format!("{doubts} replies were doubted, and {causes} faults could be why"));
    }
}

/// What events say of replies.
#[derive(Default)]
struct Events {
    written: BTreeMap<ReplyId, Option<ReplyId>>,
    scheduled: Vec<ReplyId>,
    due: Vec<ReplyId>,
    uncertain: Vec<ReplyId>,
    confirmed: Vec<ReplyId>,
    failed: Vec<ReplyId>,
    /// Of which it was reported that they did not arrive, or that somebody complained of them.
    returned: Vec<ReplyId>,
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
            Fact::ReplyConfirmed { reply, .. } => events.confirmed.push(*reply),
            Fact::ReplyFailed(problem) => {
                events.failed.push(problem.reply);
                if REPORTED.contains(&problem.reason.as_str()) {
                    events.returned.push(problem.reply);
                }
            }
            _ => {}
        }
    }
    events
}

/// The replies that say what an agent wrote, and their copies by mail.
fn saying<'a>(picture: &'a Picture, asked: &'a Asked) -> impl Iterator<Item = &'a Reply> {
    picture.replies.iter().filter(|reply| reply.content.text.as_deref() == Some(asked.text.as_str()))
}

/// A request for an answer is one reply, however often it was repeated.
fn written(picture: &Picture, asked: &Asked, events: &Events, broken: &mut Vec<String>) {
    let short: String = asked.text.chars().take(40).collect();
    let replies = || saying(picture, asked).filter(|reply| reply.copy_of.is_none());
    let first = replies().filter(|reply| events.written.get(&reply.id) == Some(&None)).count();
    if first > 1 || (asked.reply.is_some() && first == 0) {
        broken.push(format!("`{short}` is {first} replies, acknowledged: {:?}", asked.reply));
    }
    let again = replies().count() - first;
    if again > asked.again {
        broken.push(format!("`{short}` was sent again {again} times, asked for {} times", asked.again));
    }
}

/// How often the customer got what an agent wrote, on each channel.
fn arrived(
    picture: &Picture,
    asked: &Asked,
    got: &BTreeMap<(&str, &str), usize>,
    events: &Events,
    broken: &mut Vec<String>,
) {
    let mut bounds: BTreeMap<&str, (usize, usize)> =
        ["telegram", "email", "webchat"].into_iter().map(|channel| (channel, (0, 0))).collect();
    for reply in saying(picture, asked) {
        let sent = match reply.state {
            Delivery::Sent => true,
            // Of a copy this says that the visitor saw it in the chat.
            Delivery::Delivered | Delivery::Read => reply.copy_of.is_none(),
            _ => false,
        };
        let perhaps =
            events.uncertain.contains(&reply.id) || !reply.parts.is_empty() || returned(events, reply);
        let (least, most) = bounds.entry(reply.thread.channel.as_str()).or_default();
        *least += usize::from(sent);
        *most += usize::from(sent || perhaps);
    }
    for piece in asked.pieces() {
        for (channel, (least, most)) in &bounds {
            let count = got.get(&(*channel, piece)).copied().unwrap_or_default();
            if count < *least || count > *most {
                let should = format!("which should be {least} to {most}");
                let of = |reply: &Reply| format!("{} {:?} {:?}", reply.id, reply.state, reply.parts);
                let replies = saying(picture, asked).map(of).collect::<Vec<_>>().join(", ");
                broken.push(format!("`{piece}` arrived {count} times by {channel}, {should}: {replies}"));
                return;
            }
        }
    }
}

/// Whether it was reported that a reply did not arrive, or that somebody complained of it. Its copy has the same id.
fn returned(events: &Events, reply: &Reply) -> bool {
    reply.thread.channel.as_str() == "email" && events.returned.contains(&reply.id)
}

/// A reply names what the platform accepted of it.
fn parts(reply: &Reply, asked: &[Asked], accepted: &[Accepted], stage: &Stage, broken: &mut Vec<String>) {
    let written = asked.iter().find(|asked| reply.content.text.as_deref() == Some(asked.text.as_str()));
    // Of one that a person confirmed nobody knows the id.
    for part in reply.parts.iter().filter(|part| !part.is_empty()) {
        let mut ours = accepted.iter().filter(|one| one.can_be_of(stage, reply));
        if !ours.any(|one| one.id == *part && written.is_some_and(|asked| one.is_of(asked))) {
            broken.push(format!("the reply {} names the message {part}, which is not of it", reply.id));
        }
    }
}

/// Where a reply names no message, a person confirmed that it arrived: of this reply, or of the one that it sends again.
fn confirmed(reply: &Reply, events: &Events, broken: &mut Vec<String>) {
    let nameless = reply.parts.iter().filter(|part| part.is_empty()).count();
    let before = |id: &ReplyId| events.written.get(id).copied().flatten();
    let said = std::iter::successors(Some(reply.id), before)
        .map(|id| events.confirmed.iter().filter(|confirmed| **confirmed == id).count())
        .sum::<usize>();
    if nameless > said {
        broken.push(format!("{nameless} parts of {} have no id, and {said} were confirmed", reply.id));
    }
}

/// What a reply and its copy say of themselves is true, and their ticket tells what went wrong.
fn told(reply: &Reply, copy: Option<&Reply>, events: &Events, broken: &mut Vec<String>) {
    let id = reply.id;
    if !events.written.contains_key(&id) {
        broken.push(format!("the reply {id} has no event"));
    }
    let due = events.due.iter().filter(|due| **due == id).count();
    if due != usize::from(events.scheduled.contains(&id) && reply.attempts > 0) {
        broken
            .push(format!("the time of the reply {id} came {due} times, after {} attempts", reply.attempts));
    }
    let of_copy = |state| usize::from(copy.is_some_and(|copy| copy.state == state));
    let doubted = events.uncertain.iter().filter(|doubted| **doubted == id).count();
    let failed = events.failed.iter().filter(|failed| **failed == id).count();
    let (Some(doubted), Some(failed)) =
        (doubted.checked_sub(of_copy(Delivery::Uncertain)), failed.checked_sub(of_copy(Delivery::Failed)))
    else {
        broken.push(format!("the ticket does not tell that the copy of {id} did not arrive"));
        return;
    };
    // What was doubted may be known not to have arrived in the end: of the copy, too.
    let doubted = doubted - usize::from(copy.is_some_and(|copy| returned(events, copy)) && doubted > 0);
    let replaced = reply.reason.as_deref() == Some("replaced");
    let as_it_should = match reply.state {
        Delivery::Uncertain => (doubted, failed) == (1, 0),
        Delivery::Failed if returned(events, reply) => doubted <= 1 && failed == 1,
        Delivery::Failed if replaced => doubted + failed == 1,
        Delivery::Failed => (doubted, failed) == (0, 1),
        Delivery::Sent | Delivery::Delivered | Delivery::Read => {
            failed == 0 && doubted <= 1 && (doubted == 1 || !reply.parts.is_empty())
        }
        _ => doubted + failed == 0,
    };
    if !as_it_should {
        let state = reply.state;
        broken.push(format!("the reply {id} is {state:?}, with {doubted} doubts and {failed} failures told"));
    }
}

/// Replies of a conversation leave in the order of their events on a ticket, and in which they were asked for on several,
/// where requests that overlapped have no order; a scheduled one lets others overtake it. The site's chat shows one ticket
/// after the other.
fn order(
    picture: &Picture,
    stage: &Stage,
    asked: &[Asked],
    accepted: &[Accepted],
    events: &Events,
    broken: &mut Vec<String>,
) {
    let mut sent: Vec<(&Asked, Timestamp, &Reply, usize)> = Vec::new();
    for asked in asked {
        let Some((id, told)) = &asked.reply else { continue };
        let reply =
            saying(picture, asked).find(|reply| reply.id.to_string() == *id && reply.copy_of.is_none());
        let Some(reply) = reply.filter(|reply| {
            matches!(reply.state, Delivery::Sent | Delivery::Delivered | Delivery::Read)
                && !events.uncertain.contains(&reply.id)
                && reply.scheduled_for.is_none()
        }) else {
            continue;
        };
        let place = accepted.iter().position(|one| {
            // A group that was moved numbers its messages anew.
            Some(&one.id) == reply.parts.first()
                && one.can_be_of(stage, reply)
                && asked.pieces().any(|piece| one.pieces.iter().any(|got| got == piece))
        });
        sent.extend(place.map(|place| (asked, *told, reply, place)));
    }
    for (_, told, earlier, first) in &sent {
        for (asked, _, later, second) in &sent {
            let before = if earlier.ticket == later.ticket {
                earlier.seq < later.seq
            } else {
                later.thread.channel.as_str() != "webchat" && asked.begun.duration_since(*told) > APART
            };
            if before && earlier.thread == later.thread && first > second {
                broken.push(format!("the reply {} left before {}", later.id, earlier.id));
            }
        }
    }
}
