//! What must hold, at every write and in the end.

mod accepted;
mod chats;
mod edits;
mod files;
mod messages;
mod openings;
mod picture;
mod pushed;
mod recipients;
mod refused;
mod remarks;
mod replies;
mod returned;
mod seen;
mod sla;
mod tickets;
mod watch;

use std::collections::BTreeMap;

use self::picture::Picture;
pub use self::watch::Watch;
use crate::journey::Stage;

/// Everything that does not hold once nothing goes wrong any more and everything was given time to finish.
pub async fn broken(stage: &Stage) -> Vec<String> {
    let picture = match Picture::of(&stage.cloud.main.items()) {
        Ok(picture) => picture,
        Err(unreadable) => return vec![unreadable],
    };
    let mut broken = stage.cloud.complaints();
    messages::check(&picture, stage, &mut broken);
    edits::check(&picture, stage, &mut broken);
    files::check(&picture, stage, &mut broken).await;
    replies::check(&picture, stage, &mut broken);
    returned::check(&picture, stage, &mut broken);
    recipients::check(&picture, stage, &mut broken);
    refused::check(&picture, stage, &mut broken);
    remarks::check(&picture, stage, &mut broken);
    chats::check(&picture, stage, &mut broken);
    pushed::check(&picture, stage, &mut broken);
    openings::check(&picture, stage, &mut broken);
    tickets::check(&picture, stage, &mut broken);
    sla::check(&picture, stage, &mut broken);
    broken
}

/// How often each kind of thing happened: a run in which little happens shows little.
pub fn seen(stage: &Stage) -> BTreeMap<String, u64> {
    let picture = Picture::of(&stage.cloud.main.items());
    let history = stage.history.state();
    let mut seen = picture.map(|picture| seen::count(&picture, &history.said)).unwrap_or_default();
    seen.extend(pushed::count(stage));
    for (name, queue) in stage.cloud.with_dead_letters() {
        seen.insert(format!("receipt of {name} expired"), queue.expired());
        seen.insert(format!("dead letter of {name}"), queue.dead_letters_ever());
    }
    seen
}

/// What is still unfinished: nothing, once the desk was given time.
pub fn unfinished(stage: &Stage) -> Option<String> {
    if !stage.cloud.is_quiet() {
        return Some("a queue or the stream is not empty".to_owned());
    }
    let picture = match Picture::of(&stage.cloud.main.items()) {
        Ok(picture) => picture,
        Err(unreadable) => return Some(unreadable),
    };
    let now = stage.cloud.hours.now();
    // A reply whose time has not come yet is waited for: what becomes of it must be looked at too.
    if let Some(reply) = picture.replies.iter().find(|reply| reply.state.is_unfinished()) {
        return Some(format!("the reply {} is {:?}", reply.id, reply.state));
    }
    // The clocks of all tickets follow what the owner changed: some time after that they must have.
    if picture.due.iter().any(|(_, key)| key.starts_with("S#")) {
        return Some("tickets are still brought in line with what the owner changed".to_owned());
    }
    let overdue = picture.due.iter().find(|(at, _)| at.as_str() <= format!("{now:.3}").as_str());
    overdue.map(|(at, key)| format!("{key} is due since {at}"))
}
