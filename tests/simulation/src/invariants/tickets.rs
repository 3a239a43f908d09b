//! Heads are what their events say, and everything leads where it should.

use desk::event::Fact;
use desk::ticket::Ticket;
use store::keys;

use super::picture::{Case, Picture};
use crate::journey::Stage;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    for (id, case) in &picture.cases {
        if Ticket::fold(&case.events).as_ref() != Some(&case.head) {
            broken.push(format!("the head of {id} is not what its events say"));
        }
        if let Some((at, event)) = (1..).zip(&case.events).find(|(at, event)| event.seq != *at) {
            broken.push(format!("{id} has event {} in place {at}", event.seq));
        }
        messages(case, stage, broken);
        let number = keys::number(case.head.number);
        if stage.cloud.main.item(&number).is_none() {
            broken.push(format!("the number of {id} leads nowhere"));
        }
    }
    for thread in &picture.threads {
        let latest = picture
            .cases
            .values()
            .filter(|case| case.head.thread.as_ref() == Some(&thread.key))
            .max_by_key(|case| case.head.number);
        if latest.map(|case| case.head.id) != Some(thread.ticket) {
            broken.push(format!("{} leads to {}, which is not its latest ticket", thread.key, thread.ticket));
        }
    }
}

/// The platform's message leads to its event.
fn messages(case: &Case, stage: &Stage, broken: &mut Vec<String>) {
    let Some(thread) = &case.head.thread else { return };
    let platform = channels::platform(thread.channel.as_str());
    let under = platform.map_or_else(|| thread.clone(), |platform| platform.messages_of(thread));
    for event in &case.events {
        let Fact::MessageReceived(received) = &event.fact else { continue };
        let item = stage.cloud.main.item(&keys::platform_message(&under, &received.message));
        let seq = item.and_then(|item| item.body.get("seq").and_then(serde_json::Value::as_u64));
        if seq != Some(event.seq) {
            broken.push(format!("the message {} of {} does not lead to it", received.message, case.head.id));
        }
    }
}
