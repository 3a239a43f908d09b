//! A visitor of the site is shown their own conversation: everything of it once, and nothing else.

use std::collections::BTreeSet;

use desk::event::Fact;
use desk::reply::Delivery;

use super::picture::Picture;
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
        own_order(visit, broken);
    }
}

/// The ids of what a visitor is to be shown.
fn expected(picture: &Picture, visit: &Visit) -> BTreeSet<String> {
    let mut expected = BTreeSet::new();
    for case in picture.cases.values() {
        let of_visit =
            case.head.thread.as_ref().is_some_and(|thread| thread.conversation == visit.conversation);
        for event in case.events.iter().filter(|_| of_visit) {
            match &event.fact {
                Fact::MessageReceived(received) if received.thread.is_none() => {
                    expected.insert(received.message.clone());
                }
                _ => {}
            }
        }
    }
    let arrived = |state| matches!(state, Delivery::Sent | Delivery::Delivered | Delivery::Read);
    let replies = picture.replies.iter().filter(|reply| reply.thread.conversation == visit.conversation);
    expected.extend(replies.filter(|reply| arrived(reply.state)).map(|reply| reply.id.to_string()));
    expected
}

/// What the visitor said is shown in the order in which it was said, but for what came out of the dead letters.
fn own_order(visit: &Visit, broken: &mut Vec<String>) {
    let own = |shown: &[Shown]| -> Vec<String> {
        shown.iter().filter(|one| one.own).map(|one| one.id.clone()).collect()
    };
    let (paged, whole) = (own(&visit.shown), own(&visit.whole));
    if paged != whole {
        broken.push(format!("{} saw {paged:?} page after page, and {whole:?} at once", visit.conversation));
    }
}
