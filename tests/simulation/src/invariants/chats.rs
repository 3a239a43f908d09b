//! A visitor of the site is shown their own conversation: everything of it once, and nothing else.

use std::collections::BTreeSet;

use desk::event::{Event, Fact};
use desk::reply::Delivery;

use super::picture::{Case, Picture};
use crate::history::{Shown, Visit};
use crate::journey::Stage;
use crate::platform::contents;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    for visit in &history.visits {
        let expected = expected(picture, visit);
        for (how, shown) in [("page after page", &visit.shown), ("at once", &visit.whole)] {
            let ids: BTreeSet<&str> = shown.iter().map(|one| one.id.as_str()).collect();
            let visitor = &visit.conversation;
            if ids.len() != shown.len() {
                broken.push(format!("{visitor} was shown something twice, {how}: {shown:?}"));
            }
            if let Some(lost) = expected.iter().find(|id| !ids.contains(id.as_str())) {
                broken.push(format!("{visitor} was never shown {lost}, {how}"));
            }
            if let Some(more) = ids.iter().find(|id| !expected.contains(**id)) {
                broken.push(format!("{visitor} was shown {more}, {how}"));
            }
            for damaged in
                shown.iter().filter(|one| one.files.iter().any(|(name, got)| *got != contents(name)))
            {
                broken.push(format!("{visitor} was shown a damaged file, {how}: {damaged:?}"));
            }
        }
        own_order(picture, visit, broken);
    }
}

/// The ids of what a visitor is to be shown.
fn expected(picture: &Picture, visit: &Visit) -> BTreeSet<String> {
    let cases = picture.cases.values().filter(|case| is_of(case, visit));
    let said = cases.flat_map(|case| &case.events).filter_map(said_in_chat).map(str::to_owned);
    let arrived = |state| matches!(state, Delivery::Sent | Delivery::Delivered | Delivery::Read);
    let replies = picture.replies.iter().filter(|reply| reply.thread.conversation == visit.conversation);
    said.chain(replies.filter(|reply| arrived(reply.state)).map(|reply| reply.id.to_string())).collect()
}

fn is_of(case: &Case, visit: &Visit) -> bool {
    case.head.thread.as_ref().is_some_and(|thread| thread.conversation == visit.conversation)
}

/// The widget's id of what an event says, if it was said in the chat.
fn said_in_chat(event: &Event) -> Option<&str> {
    match &event.fact {
        Fact::MessageReceived(received) if received.thread.is_none() => Some(&received.message),
        _ => None,
    }
}

/// What the visitor said is shown in the order in which it stands on the tickets.
fn own_order(picture: &Picture, visit: &Visit, broken: &mut Vec<String>) {
    let own = |shown: &[Shown]| -> Vec<String> {
        shown.iter().filter(|one| one.own).map(|one| one.id.clone()).collect()
    };
    let mut cases: Vec<&Case> = picture.cases.values().filter(|case| is_of(case, visit)).collect();
    cases.sort_by_key(|case| case.head.number);
    let events = cases.iter().flat_map(|case| &case.events);
    let stands: Vec<String> = events.filter_map(|event| said_in_chat(event)).map(str::to_owned).collect();
    for (how, shown) in [("page after page", own(&visit.shown)), ("at once", own(&visit.whole))] {
        if shown != stands {
            broken.push(format!("{} saw {shown:?} {how}, where {stands:?} stands", visit.conversation));
        }
    }
}
