//! Who a mail really comes from, as far as the desk knows better than the mail.

use desk::correspondence::{Authenticity, Letter};

use crate::correspondence::Place;

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
