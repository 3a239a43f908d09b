//! Heads are what their events say, and everything leads where it should.

use desk::channel::ThreadKey;
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
        if let Some((before, after)) =
            case.events.iter().zip(case.events.iter().skip(1)).find(|(one, next)| next.at < one.at)
        {
            broken.push(format!("on {id} event {} is earlier than event {}", after.seq, before.seq));
        }
        messages(picture, case, stage, broken);
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
        let copied = || {
            let mut copies = picture.replies.iter().filter(|reply| reply.copy_of.is_some());
            copies.any(|copy| copy.thread == thread.key && copy.ticket == thread.ticket)
        };
        // What a visitor is answered by mail has no ticket of its own, as long as no mail opens one.
        if latest.map_or(!copied(), |case| case.head.id != thread.ticket) {
            broken.push(format!("{} leads to {}, which is not its latest ticket", thread.key, thread.ticket));
        }
    }
}

/// The platform's message leads to its event, by the name that its conversation had at the time.
fn messages(picture: &Picture, case: &Case, stage: &Stage, broken: &mut Vec<String>) {
    for event in &case.events {
        let Fact::MessageReceived(received) = &event.fact else { continue };
        let Some(thread) = case.head.thread_of(event) else { continue };
        let moved = picture.threads.iter().find(|known| known.key == *thread);
        let moved = moved.and_then(|known| known.moved_to.clone());
        let names = [Some(thread.conversation.clone()), moved];
        let leads = names.into_iter().flatten().any(|conversation| {
            let thread = ThreadKey { conversation, ..thread.clone() };
            let platform = channels::platform(thread.channel.as_str());
            let under = platform.map_or_else(|| thread.clone(), |platform| platform.messages_of(&thread));
            let item = stage.cloud.main.item(&keys::platform_message(&under, &received.message));
            let seq = item.and_then(|item| item.body.get("seq").and_then(serde_json::Value::as_u64));
            seq == Some(event.seq)
        });
        if !leads {
            broken.push(format!("the message {} of {} does not lead to it", received.message, case.head.id));
        }
    }
}
