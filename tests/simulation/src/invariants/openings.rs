//! A ticket that an agent opened is there once, with its note, where they opened it; and nothing is where they were refused.

use desk::event::{Actor, Event, Fact};

use super::picture::{Case, Picture};
use crate::history::{Answered, Opening};
use crate::journey::Stage;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    let of_subject = |subject: &str| -> Vec<&Opening> {
        history.openings.iter().filter(|opening| opening.subject == subject).collect()
    };
    for opening in &history.openings {
        let cases: Vec<&Case> =
            picture.cases.values().filter(|case| case.head.subject == opening.subject).collect();
        // The same request may have been made again, and be the one that was answered.
        let answers = of_subject(&opening.subject);
        let opened = answers.iter().any(|one| matches!(one.answered, Answered::Opened(_)));
        let refused = answers.iter().all(|one| one.answered == Answered::Refused);
        if cases.len() > usize::from(!refused) || cases.len() < usize::from(opened) {
            broken.push(format!("{opening:?} is {} tickets", cases.len()));
        }
        for case in cases {
            as_asked(case, opening, stage, broken);
        }
    }
    for (id, case) in &picture.cases {
        if case.events.first().is_some_and(by_agent) && of_subject(&case.head.subject).is_empty() {
            broken.push(format!("no agent opened {id}"));
        }
    }
}

/// Whether an agent opened a ticket by its first event.
pub(super) fn by_agent(event: &Event) -> bool {
    matches!(event.fact, Fact::Opened(_)) && matches!(event.actor, Actor::Agent { .. } | Actor::Token { .. })
}

fn as_asked(case: &Case, opening: &Opening, stage: &Stage, broken: &mut Vec<String>) {
    let id = case.head.id;
    if matches!(&opening.answered, Answered::Opened(answered) if *answered != id.to_string()) {
        broken.push(format!("{opening:?} is the ticket {id}"));
    }
    let notes = case.events.iter().filter(|event| {
        let text = event.content.said().and_then(|said| said.message.text.as_deref());
        matches!(event.fact, Fact::NoteAdded {}) && text == Some(opening.note.as_str())
    });
    if notes.count() != 1 {
        broken.push(format!("{id} does not have its first note once"));
    }
    // A group may have got another id since.
    let original = |conversation: &str| match conversation.parse() {
        Ok(chat) => stage.cloud.bots.original(chat).to_string(),
        Err(_) => conversation.to_owned(),
    };
    let stands = case.head.thread.as_ref().map(|thread| original(&thread.conversation));
    if stands != opening.conversation.as_deref().map(original) {
        broken.push(format!("{id} stands in {stands:?}, for {opening:?}"));
    }
}
