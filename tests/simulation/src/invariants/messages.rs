//! Nothing that was acknowledged is lost, nothing is doubled, and order is kept.

use std::collections::BTreeMap;

use desk::event::{Event, Fact};
use desk::ids::TicketId;

use super::picture::Picture;
use crate::history::Said;
use crate::journey::{CHANGED, Stage};

/// Where a message stands.
struct Place<'a> {
    ticket: TicketId,
    /// The ticket's number, which tells the tickets of a conversation in their order.
    number: u64,
    conversation: Option<String>,
    event: &'a Event,
    late: bool,
}

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    // Nothing tells of a press that it comes out of the dead letters.
    let dead_letters = stage.cloud.inbound.dead_letters_ever() > 0;
    let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (ticket, case) in &picture.cases {
        for event in &case.events {
            let Some(said) = event.content.said() else { continue };
            // What was understood only later stands where its original does.
            let (text, late, event) = match &event.fact {
                Fact::MessageReceived(_) if said.reason.is_some() => continue,
                Fact::MessageReceived(received) => (&said.message.text, received.late, event),
                Fact::ButtonPressed(_) => (&said.payload, dead_letters, event),
                Fact::Reinterpreted { of, moved_to: None } => {
                    let Some(original) = case.events.iter().find(|event| event.seq == *of) else { continue };
                    let late = matches!(&original.fact, Fact::MessageReceived(received) if received.late);
                    (&said.message.text, late, original)
                }
                _ => continue,
            };
            let text = text.as_deref().unwrap_or_default();
            // Where a message is among the dead letters, its newest form stands for it; sent again it is a repetition.
            let newest = text.trim().strip_suffix(CHANGED);
            let text = newest.unwrap_or(text.trim());
            if late && !dead_letters {
                broken.push(format!("`{text}` counts as late, and nothing was ever among the dead letters"));
            }
            let head = &case.head;
            let place = Place {
                ticket: *ticket,
                number: head.number,
                conversation: head.thread_of(event).map(ToString::to_string),
                event,
                late: late || newest.is_some(),
            };
            places.entry(text).or_default().push(place);
        }
    }
    for said in &history.said {
        let found = places.get(said.text.as_str()).map_or(0, Vec::len);
        if found > 1 || (said.acknowledged && found == 0) {
            broken.push(format!("`{}` is {found} messages, acknowledged: {}", said.text, said.acknowledged));
        }
    }
    for text in places.keys() {
        if history.said.iter().all(|said| said.text != *text) {
            broken.push(format!("nobody said `{text}`"));
        }
    }
    order(&history.said, &places, dead_letters, broken);
    together(&history.said, &places, broken);
    belonging(picture, &history.said, &places, broken);
}

/// What one person says in one conversation stays in order, across its tickets, but for what came out of the dead letters:
/// sent again by the owner, or delivered once more by the platform while it lay there. What is said under another id of a
/// group comes in a line of its own, which may overtake the old one.
fn order(
    said: &[Said],
    places: &BTreeMap<&str, Vec<Place<'_>>>,
    dead_letters: bool,
    broken: &mut Vec<String>,
) {
    /// A ticket's number and an event of it, and what was said by that.
    type Stands<'s> = ((u64, u64), &'s str);
    let mut latest: BTreeMap<(&str, Option<&str>, bool), Stands<'_>> = BTreeMap::new();
    for said in said.iter().filter(|said| !(dead_letters && said.repeated.is_some())) {
        for place in places.get(said.text.as_str()).into_iter().flatten().filter(|place| !place.late) {
            let by = (said.by.as_str(), place.conversation.as_deref(), said.moved);
            let stands = (place.number, place.event.seq);
            if let Some((latest, before)) = latest.get(&by)
                && *latest > stands
            {
                broken.push(format!("`{}` stands before `{before}` on {}", said.text, place.ticket));
            }
            latest.insert(by, (stands, &said.text));
        }
    }
}

/// What one person says in a chat stands in one conversation, and nobody else's does. Mails, and groups that got another
/// id, have several.
fn together(said: &[Said], places: &BTreeMap<&str, Vec<Place<'_>>>, broken: &mut Vec<String>) {
    let mut of_people: BTreeMap<&str, &str> = BTreeMap::new();
    let mut of_conversations: BTreeMap<&str, &str> = BTreeMap::new();
    for said in said.iter().filter(|said| !said.by.contains('@') && !said.by.contains('-')) {
        for place in places.get(said.text.as_str()).into_iter().flatten() {
            let Some(conversation) = place.conversation.as_deref() else { continue };
            let own = *of_people.entry(&said.by).or_insert(conversation);
            let by = *of_conversations.entry(conversation).or_insert(&said.by);
            if own != conversation || by != said.by {
                broken.push(format!("`{}` of {} stands in {conversation} of {by}", said.text, said.by));
            }
        }
    }
}

/// A mail that answers one of ours stands in the conversation of ours.
fn belonging(
    picture: &Picture,
    said: &[Said],
    places: &BTreeMap<&str, Vec<Place<'_>>>,
    broken: &mut Vec<String>,
) {
    for said in said {
        let Some(answers) = &said.answers else { continue };
        let asked = picture
            .replies
            .iter()
            .filter(|reply| reply.thread.channel.as_str() == "email")
            .find(|reply| reply.content.text.as_deref().is_some_and(|text| text.trim() == answers));
        let Some(asked) = asked else {
            broken.push(format!("a mail said `{answers}`, which no reply says"));
            continue;
        };
        for place in places.get(said.text.as_str()).into_iter().flatten() {
            if place.conversation.as_deref() != Some(&*asked.thread.to_string()) {
                broken.push(format!(
                    "`{}` answers `{answers}` and stands elsewhere, on {}",
                    said.text, place.ticket
                ));
            }
        }
    }
}
