//! A mail goes to those who wrote on its ticket, and to nobody else. Of a ticket that knows only that somebody wrote
//! something, it goes to somebody who wrote at all.

use std::collections::BTreeSet;

use desk::ids::TicketId;

use super::picture::Picture;
use crate::history::Said;
use crate::journey::Stage;

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let history = stage.history.state();
    for mail in stage.cloud.post.taken() {
        let Some(line) = mail.text.lines().map(str::trim).find(|line| !line.is_empty()) else { continue };
        let replies = picture.replies.iter().filter(|reply| reply.thread.channel.as_str() == "email");
        let saying = replies.filter(|reply| {
            reply.content.text.as_deref().is_some_and(|text| text.lines().any(|one| one.trim() == line))
        });
        let people = people(picture, saying.map(|reply| reply.ticket).collect(), &history.said);
        let addresses: BTreeSet<&str> = history
            .said
            .iter()
            .filter(|said| people.is_empty() || people.contains(said.by.as_str()))
            .filter_map(|said| said.address.as_deref())
            .collect();
        if mail.recipients.is_empty() || mail.recipients.iter().any(|to| !addresses.contains(to.as_str())) {
            broken.push(format!("`{line}` went to {:?}, for {addresses:?}", mail.recipients));
        }
    }
}

/// Who wrote on some tickets.
fn people<'a>(picture: &Picture, tickets: BTreeSet<TicketId>, said: &'a [Said]) -> BTreeSet<&'a str> {
    let cases = tickets.iter().filter_map(|ticket| picture.cases.get(ticket));
    let texts: BTreeSet<&str> = cases
        .flat_map(|case| &case.events)
        .filter_map(|event| event.content.said()?.message.text.as_deref())
        .map(str::trim)
        .collect();
    said.iter().filter(|said| texts.contains(said.text.as_str())).map(|said| said.by.as_str()).collect()
}
