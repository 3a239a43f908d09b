//! What a customer did beside writing is noted once, as they did it, on the ticket of the message that it is about, and in
//! its turn.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::ids::TicketId;

use super::picture::Picture;
use crate::history::{Deed, Remark, Said};
use crate::journey::Stage;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    // What comes out of the dead letters comes late, and may have come when nobody was known to have written yet.
    let late = stage.cloud.inbound.dead_letters_ever() > 0;
    let mut noted: BTreeMap<&str, Vec<(TicketId, &Event)>> = BTreeMap::new();
    for (ticket, case) in &picture.cases {
        for event in &case.events {
            if matches!(event.fact, Fact::Reacted(_) | Fact::ReachabilityChanged { .. }) {
                noted.entry(event.cause.as_deref().unwrap_or_default()).or_default().push((*ticket, event));
            }
        }
    }
    let mut latest: BTreeMap<(&str, TicketId), u64> = BTreeMap::new();
    for remark in &history.remarks {
        let found = noted.remove(remark.cause.as_str()).unwrap_or_default();
        let least = usize::from(remark.acknowledged && !late);
        if found.len() > 1 || found.len() < least {
            broken.push(format!("{remark:?} was noted {} times", found.len()));
        }
        let [(ticket, event)] = found.as_slice() else { continue };
        if !says(event, &remark.deed) {
            broken.push(format!("{remark:?} was noted as {:?}", event.fact));
        }
        if late {
            continue;
        }
        if !stands_after_its_message(picture, remark, &history.said, (*ticket, event)) {
            broken.push(format!("{remark:?} does not stand after its message"));
        }
        let before = latest.insert((&remark.by, *ticket), event.seq);
        if before.is_some_and(|before| before > event.seq) {
            broken.push(format!("{remark:?} stands before what was done before it"));
        }
    }
    for cause in noted.keys() {
        broken.push(format!("nobody did what {cause} was noted for"));
    }
}

fn says(event: &Event, deed: &Deed) -> bool {
    match (&event.fact, deed) {
        (Fact::Reacted(about), Deed::Reacts { message, emoji, .. }) => {
            let noted = event.content.said().map(|said| said.emoji.as_slice()).unwrap_or_default();
            about.message == message.to_string() && noted == [*emoji]
        }
        (Fact::ReachabilityChanged { reachable }, Deed::Blocks(blocked)) => *reachable != *blocked,
        _ => false,
    }
}

/// Of the desk's own messages the desk may learn later than the customer who reacts to them.
fn stands_after_its_message(
    picture: &Picture,
    remark: &Remark,
    said: &[Said],
    (ticket, event): (TicketId, &Event),
) -> bool {
    let Deed::Reacts { about: Some(about), .. } = &remark.deed else { return true };
    let text = said.get(*about).map(|said| said.text.as_str());
    let events = picture.cases.get(&ticket).into_iter().flat_map(|case| &case.events);
    let mut before = events.filter(|message| message.seq < event.seq);
    before.any(|message| {
        let said = message.content.said().and_then(|said| said.message.text.as_deref());
        matches!(message.fact, Fact::MessageReceived(_)) && said.map(str::trim) == text
    })
}
