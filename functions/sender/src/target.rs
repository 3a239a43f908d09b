//! Whom a reply goes to, as the table knows it now.

use desk::correspondence::Correspondence;
use desk::reply::Reply;

use crate::{Sender, SenderError};

/// Whom a reply goes to.
#[derive(Debug)]
pub(crate) struct Target {
    /// The conversation's present id on the platform.
    pub(crate) address: String,
    /// What is remembered of it where the platform keeps no conversations: only addresses that can be reached.
    pub(crate) correspondence: Option<Correspondence>,
    /// The ticket's number for people.
    pub(crate) number: u64,
}

/// Why a reply goes to nobody.
#[derive(Debug)]
pub(crate) struct Nobody {
    /// A stable word.
    pub(crate) reason: &'static str,
    /// What to tell the agent.
    pub(crate) detail: String,
}

impl Sender {
    /// Whom a reply goes to; or whom it cannot go to, when none of its addresses can be reached any more.
    pub(crate) async fn target(&self, reply: &Reply) -> Result<Result<Target, Nobody>, SenderError> {
        let thread = self.desk.thread(&reply.thread).await?;
        let address = thread
            .as_ref()
            .map_or_else(|| reply.thread.conversation.clone(), |thread| thread.address().to_owned());
        let Some(mut correspondence) = thread.and_then(|thread| thread.correspondence) else {
            return Ok(Ok(Target { address, correspondence: None, number: 0 }));
        };
        if correspondence.references.is_empty() {
            // Nobody has written here yet: the desk began it.
            let earlier = self.desk.earlier_mails(&reply.thread).await?;
            let bare = |id: &String| Some(id.strip_prefix('<')?.strip_suffix('>')?.to_owned());
            correspondence.references = earlier.iter().filter_map(bare).collect();
        }
        let number = self.desk.ticket(reply.ticket).await?.map_or(0, |ticket| ticket.number);
        let named = correspondence.answer_to.iter().chain(&correspondence.copies);
        let addresses: Vec<String> = named.map(|mailbox| mailbox.address.clone()).collect();
        let gone = self.desk.suppressed(&reply.thread.channel, &addresses).await?;
        if !gone.is_empty() {
            let reached = |address: &str| !gone.iter().any(|gone| gone.address.eq_ignore_ascii_case(address));
            correspondence.answer_to.retain(|mailbox| reached(&mailbox.address));
            correspondence.copies.retain(|mailbox| reached(&mailbox.address));
        }
        if correspondence.answer_to.is_empty() {
            // Somebody with a copy can be reached; without the one who asked it would be an answer to nobody.
            let words: Vec<_> =
                gone.iter().map(|gone| format!("{}: {}", gone.address, gone.reason)).collect();
            return Ok(Err(if words.is_empty() {
                Nobody { reason: "no_address", detail: "The mail had no author to answer.".to_owned() }
            } else {
                Nobody { reason: "suppressed", detail: words.join("; ") }
            }));
        }
        Ok(Ok(Target { address, correspondence: Some(correspondence), number }))
    }
}
