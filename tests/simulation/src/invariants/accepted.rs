//! What platforms accepted from the desk.

use std::collections::BTreeMap;

use bytes::Bytes;
use desk::reply::Reply;

use crate::history::{Asked, Visit};
use crate::journey::Stage;
use crate::platform::contents;

/// What a platform accepted.
pub(super) struct Accepted {
    /// The channel.
    pub(super) channel: &'static str,
    /// Its id, as a reply knows it.
    pub(super) id: String,
    /// The conversation, where ids are unique only within one.
    pub(super) conversation: Option<String>,
    /// The lines of its text and the names of its files.
    pub(super) pieces: Vec<String>,
}

impl Accepted {
    fn new(channel: &'static str, id: String, text: &str, files: &[(String, Bytes)]) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        let name = |(name, got): &(String, Bytes)| {
            if *got == contents(name) { name.clone() } else { format!("{name}, damaged") }
        };
        let pieces = lines.chain(files.iter().map(name)).collect();
        Self { channel, id, conversation: None, pieces }
    }

    /// Whether an agent wrote all that it says as one answer.
    pub(super) fn is_of(&self, asked: &Asked) -> bool {
        self.pieces.iter().all(|piece| asked.pieces().any(|wrote| wrote.trim() == piece))
    }

    /// Whether it can be what a reply sent.
    pub(super) fn can_be_of(&self, stage: &Stage, reply: &Reply) -> bool {
        self.channel == reply.thread.channel.as_str()
            && self
                .conversation
                .as_ref()
                .is_none_or(|own| *own == original(stage, &reply.thread.conversation))
    }
}

/// Everything that platforms accepted, each in its order, and what visitors were shown.
pub(super) fn accepted(stage: &Stage, visits: &[Visit]) -> Vec<Accepted> {
    let messages = stage.cloud.bots.accepted().into_iter().map(|one| {
        let accepted = Accepted::new("telegram", one.message.to_string(), &one.text, one.file.as_slice());
        Accepted { conversation: Some(stage.cloud.bots.original(one.chat).to_string()), ..accepted }
    });
    let mails = stage
        .cloud
        .post
        .taken()
        .into_iter()
        .map(|mail| Accepted::new("email", format!("<{}>", mail.message_id), &mail.text, &mail.files));
    let shown = visits.iter().flat_map(|visit| {
        visit.whole.iter().filter(|one| !one.own).map(|one| {
            let accepted = Accepted::new("webchat", format!("sent:{}", one.id), &one.text, &one.files);
            Accepted { conversation: Some(visit.conversation.clone()), ..accepted }
        })
    });
    messages.chain(mails).chain(shown).collect()
}

/// The name that a conversation had at first.
fn original(stage: &Stage, conversation: &str) -> String {
    match conversation.parse() {
        Ok(chat) => stage.cloud.bots.original(chat).to_string(),
        Err(_) => conversation.to_owned(),
    }
}

/// How often each piece came on each channel.
pub(super) fn got(accepted: &[Accepted]) -> BTreeMap<(&str, &str), usize> {
    let mut got = BTreeMap::new();
    for (one, piece) in accepted.iter().flat_map(|one| one.pieces.iter().map(move |piece| (one, piece))) {
        *got.entry((one.channel, piece.as_str())).or_default() += 1;
    }
    got
}
