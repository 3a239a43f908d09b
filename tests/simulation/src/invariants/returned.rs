//! What was reported of mails: exactly those replies did not arrive, those addresses are left alone, and a report is never
//! anything else.

use std::collections::{BTreeMap, BTreeSet};

use desk::channel::Channel;
use desk::event::Fact;
use desk::ids::{ReplyId, TicketId};
use desk::reply::{Delivery, Reply};
use jiff::{SignedDuration, Timestamp};
use store::keys;
use store::suppressions::Suppression;

use super::openings::by_agent;
use super::picture::Picture;
use crate::history::Report;
use crate::journey::Stage;
use crate::platform::Outcome;

/// How long after an address was noted a mail to it may still leave that was on its way: a sender may have stalled.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(1);
/// What the desk calls a mail that did not arrive, and one that was complained about.
pub(super) const REPORTED: [&str; 2] = ["bounced", "complained"];

pub(super) fn check(picture: &Picture, stage: &Stage, broken: &mut Vec<String>) {
    let reports = stage.history.state().reports.clone();
    failures(picture, &reports, broken);
    notes(picture, &reports, broken);
    addresses(picture, stage, &reports, broken);
    tickets(picture, broken);
}

/// The reply that sent a mail, as the mail's name tells, whether the reply knows it or not.
fn about<'a>(picture: &'a Picture, report: &Report) -> Option<&'a Reply> {
    let mut by_mail = picture.replies.iter().filter(|reply| reply.thread.channel.as_str() == "email");
    by_mail.find(|reply| report.mail.starts_with(&name(reply.id)))
}

/// How the Message-ID of a reply's mail begins.
fn name(reply: ReplyId) -> String {
    reply.ulid().to_string().to_lowercase()
}

/// Whether a report says that its mail is not what the customer has to answer.
fn is_final(report: &Report) -> bool {
    report.outcome != Outcome::Delayed
}

/// A reply did not arrive exactly where that was reported, and its ticket tells so once for each report.
fn failures(picture: &Picture, reports: &[Report], broken: &mut Vec<String>) {
    let mut told: BTreeMap<_, usize> = BTreeMap::new();
    for event in picture.cases.values().flat_map(|case| &case.events) {
        if let Fact::ReplyFailed(problem) = &event.fact
            && REPORTED.contains(&problem.reason.as_str())
        {
            *told.entry(problem.reply).or_default() += 1;
        }
    }
    for report in reports.iter().filter(|report| report.acknowledged && is_final(report)) {
        let Some(reply) = about(picture, report) else { continue };
        if reply.state != Delivery::Failed {
            broken.push(format!(
                "{} was reported {:?}, and its reply is {:?}",
                report.mail, report.outcome, reply.state
            ));
        }
        let count = told.get(&reply.id).copied().unwrap_or_default();
        // What was sent again or could not be sent at all was known not to have arrived.
        let known = !REPORTED.contains(&reply.reason.as_deref().unwrap_or_default());
        if count > 1 || (count == 0 && !known) {
            broken.push(format!("{} was reported, which is told {count} times", report.mail));
        }
    }
    for (reply, count) in told {
        let ours = |report: &Report| is_final(report) && report.mail.starts_with(&name(reply));
        if !reports.iter().any(ours) {
            broken.push(format!("the reply {reply} failed {count} times by a report that nobody made"));
        }
    }
}

/// A delay is noted on the ticket of its reply, and nothing else is.
fn notes(picture: &Picture, reports: &[Report], broken: &mut Vec<String>) {
    let mut expected: BTreeMap<TicketId, (usize, usize)> = BTreeMap::new();
    for report in reports.iter().filter(|report| !is_final(report)) {
        let Some(reply) = about(picture, report) else { continue };
        let (least, most) = expected.entry(reply.ticket).or_default();
        *least += usize::from(report.acknowledged);
        *most += 1;
    }
    for (id, case) in &picture.cases {
        let noted = case.events.iter().filter(|event| {
            let text = event.content.said().and_then(|said| said.message.text.as_deref());
            matches!(event.fact, Fact::NoteAdded {})
                && text.is_some_and(|text| text.starts_with("A report about"))
        });
        let noted = noted.count();
        let (least, most) = expected.get(id).copied().unwrap_or_default();
        // What is closed takes no notes.
        let closed =
            case.events.iter().any(|event| event.effects.status.is_some_and(|status| status.is_final()));
        if noted > most || (noted < least && !closed) {
            broken.push(format!("{id} has {noted} notes of delays, which should be {least} to {most}"));
        }
    }
}

/// Exactly the addresses are left alone that will never be reached or complained, and no mail leaves for them any more.
fn addresses(picture: &Picture, stage: &Stage, reports: &[Report], broken: &mut Vec<String>) {
    let Ok(email) = Channel::try_from("email") else { return };
    let gone: BTreeSet<String> = reports
        .iter()
        .filter(|report| report.outcome.is_for_ever())
        .flat_map(|report| report.addresses.iter().map(|address| address.to_lowercase()))
        .collect();
    let partition = keys::suppression_partition(&email);
    let items = stage.cloud.main.items().into_iter().filter(|item| item.key.pk == partition);
    let noted: BTreeMap<String, Timestamp> = items
        .filter_map(|item| item.read::<Suppression>().ok())
        .map(|suppression| (suppression.address.to_lowercase(), suppression.since))
        .collect();
    for address in noted.keys().filter(|address| !gone.contains(*address)) {
        broken.push(format!("{address} is left alone, and nobody said that it should be"));
    }
    for report in reports.iter().filter(|report| report.acknowledged && report.outcome.is_for_ever()) {
        let missing = report.addresses.iter().find(|address| !noted.contains_key(&address.to_lowercase()));
        if let (Some(address), Some(_)) = (missing, about(picture, report)) {
            broken.push(format!("{address} was reported {:?} and is not left alone", report.outcome));
        }
    }
    let now = stage.cloud.hours.now();
    for mail in stage.cloud.post.taken() {
        let ago = SignedDuration::try_from(mail.at.elapsed()).unwrap_or_default();
        let Some(at) = now.checked_sub(ago).ok() else { continue };
        let late = |to: &&String| {
            noted.get(&to.to_lowercase()).is_some_and(|since| at.duration_since(*since) > ON_ITS_WAY)
        };
        if let Some(to) = mail.recipients.iter().find(late) {
            broken.push(format!("`{}` went to {to}, which was to be left alone", mail.text.trim()));
        }
    }
}

/// On every ticket that no agent opened, somebody said something, or asked for something that could not be taken in at
/// first: no report opens one.
fn tickets(picture: &Picture, broken: &mut Vec<String>) {
    for (id, case) in &picture.cases {
        let said = |fact: &Fact| {
            matches!(fact, Fact::MessageReceived(_) | Fact::ButtonPressed(_) | Fact::Gap { asks: true, .. })
        };
        if !case.events.iter().any(|event| said(&event.fact) || by_agent(event)) {
            broken.push(format!("nobody said anything on {id}"));
        }
    }
}
