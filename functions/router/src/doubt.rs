//! Who a mail really comes from, as far as the desk knows better than the mail.

use desk::correspondence::{Authenticity, Letter, Mailbox, same_mailbox};
use desk::settings::Agent;

use crate::correspondence::Place;

/// The most addresses that a note names.
const MAX_NAMED: usize = 10;
/// The sign of mails that come from the desk itself.
const OWN: &str = "own_loop";

/// Marks a mail that comes from one of the desk's own addresses. It is a question like any other where its domain stands
/// for it and it begins a matter, or goes on with one that the same address began: people of the firm write to one
/// another. Everything else, such as one department's answer with a copy to another, is kept and asks nothing.
pub(crate) fn mark_own(letter: &mut Letter, place: &Place) {
    let proved = letter.head.authenticity == Authenticity::Proved;
    let requester =
        place.thread.as_ref().and_then(|thread| thread.correspondence.as_ref()?.participants.first());
    let asks = match requester {
        Some(requester) => letter.author().is_some_and(|author| requester.is(author)),
        None => letter.answers.is_empty() && letter.tokens.is_empty(),
    };
    if !proved || !asks {
        letter.automatic.get_or_insert_with(|| OWN.to_owned());
    }
}

/// What is to be told about a mail that asks for more than its sender may: whom answers do not go to.
pub(crate) fn kept_out(letter: &Letter, place: &Place) -> Option<String> {
    let talk = place.thread.as_ref()?.correspondence.as_ref()?;
    let unproved = letter.head.authenticity != Authenticity::Proved;
    if letter.automatic.is_some() || !unproved {
        return None;
    }
    let out = talk.kept_out(letter);
    let names: Vec<_> = out.iter().take(MAX_NAMED).map(|Mailbox { address, .. }| address.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Answers do not go to {}, as the mail asks: its sender is not proved, and nobody of the conversation has \
             named that address before.",
            names.join(", ")
        )
    })
}

/// What is to be told about a mail that claims to come from an agent, where its domain does not stand for it.
pub(crate) fn claims_agent(letter: &Letter, agents: &[Agent]) -> Option<String> {
    let author = letter.author().filter(|_| letter.head.authenticity != Authenticity::Proved)?;
    let is_theirs = |agent: &&Agent| agent.email.as_ref().is_some_and(|email| same_mailbox(email, author));
    let agent = agents.iter().find(is_theirs)?;
    Some(format!("The mail claims to be from {}, who works here; nothing proves it.", agent.name))
}
