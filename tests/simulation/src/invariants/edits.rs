//! Each change of a message is told once, where the message stands, and in its turn.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::ids::TicketId;

use super::picture::Picture;
use crate::history::{Edited, Said};
use crate::journey::Stage;

/// Where events stand that say a text.
type Places<'a> = BTreeMap<&'a str, Vec<(TicketId, &'a Event)>>;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let (mut received, mut edited) = (Places::new(), Places::new());
    for (ticket, case) in &picture.cases {
        for event in &case.events {
            let places = match &event.fact {
                Fact::MessageReceived(_) => &mut received,
                Fact::MessageEdited(_) => &mut edited,
                _ => continue,
            };
            let text = event.content.said().and_then(|said| said.message.text.as_deref()).unwrap_or_default();
            places.entry(text.trim()).or_default().push((*ticket, event));
        }
    }
    let history = stage.history.state();
    for edit in &history.edited {
        let told = edited.get(edit.text.as_str()).map_or(&[][..], Vec::as_slice);
        // Where the message itself was among the dead letters, its newest form stands for it.
        let stands_for_it = received.contains_key(edit.text.as_str());
        let least = usize::from(edit.acknowledged && !stands_for_it);
        if told.len() > 1 || told.len() < least {
            let (times, acknowledged) = (told.len(), edit.acknowledged);
            broken.push(format!("`{}` was told {times} times, acknowledged: {acknowledged}", edit.text));
        }
        let (Some(said), [(ticket, event)]) = (history.said.get(edit.said), told) else { continue };
        let message = received.get(said.text.as_str()).or_else(|| received.get(edit.text.as_str()));
        if !message.into_iter().flatten().any(|(on, message)| on == ticket && message.seq < event.seq) {
            broken.push(format!("`{}` does not stand after its message", edit.text));
        }
        // A change that was a dead letter comes late, and nothing in its event tells that it does.
        if stage.cloud.inbound.dead_letters_ever() == 0 {
            order(edit, said, (*ticket, event), &history.said, &received, broken);
        }
    }
    for text in edited.keys() {
        if history.edited.iter().all(|edit| edit.text != *text) {
            broken.push(format!("nobody changed anything to `{text}`"));
        }
    }
}

/// What the same person said later stands later.
fn order(
    edit: &Edited,
    said: &Said,
    (ticket, event): (TicketId, &Event),
    all: &[Said],
    received: &Places<'_>,
    broken: &mut Vec<String>,
) {
    for later in all.iter().skip(edit.after).filter(|later| later.by == said.by) {
        let mut places = received.get(later.text.as_str()).into_iter().flatten();
        if places.any(|(on, message)| *on == ticket && message.seq < event.seq) {
            broken.push(format!("`{}` stands before `{}`", later.text, edit.text));
        }
    }
}
