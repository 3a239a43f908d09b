//! How much an event holds of what comes from outside: whoever writes decides how much they write, and an item of the
//! table takes 400 KB.

use crate::inbound::{Happened, Inbound};
use crate::message::{Attachment, MessageContent};

/// The longest text, in bytes: ten thousand characters, which the site chat takes, of four bytes each.
const MAX_TEXT: usize = 40_000;
/// The longest text that stands beside it, such as the quoted one, in bytes.
const MAX_BESIDE: usize = 16 * 1024;
/// The longest name, kind or id, in bytes.
const MAX_NAME: usize = 512;
/// The most files of a message, and the most reactions to one.
const MAX_MANY: usize = 100;
/// The most messages that a report may be about.
const MAX_REPORTED: usize = 50;

/// What stands where a text was cut.
const CUT: char = '…';

impl Inbound {
    /// Cuts whatever would make an event too large, and tells whether anything was cut: then the original has to be kept.
    /// A cut text can be had whole as a file of the message.
    ///
    /// What a conversation and its messages are called by is not cut: channels take no such id that is too long.
    pub fn fit(&mut self) -> bool {
        let shown = self.sender.iter_mut().flat_map(|sender| {
            [&mut sender.name, &mut sender.username, &mut sender.language].into_iter().flatten()
        });
        let sender = shorten(shown, MAX_NAME);
        sender | self.happened.fit()
    }
}

impl Happened {
    fn fit(&mut self) -> bool {
        match self {
            Self::Message { content, album, .. } => shorten(album, MAX_NAME) | content.fit(),
            Self::Started { text, payload, .. } => shorten([text], MAX_TEXT) | shorten(payload, MAX_NAME),
            Self::Edited { content, .. } => content.fit(),
            Self::Reaction { emoji, .. } => leave_out(emoji, MAX_MANY) | shorten(emoji, MAX_NAME),
            Self::Button { callback, data, .. } => {
                shorten([callback], MAX_NAME) | shorten([data], MAX_BESIDE)
            }
            Self::Undelivered { ids, detail, content, .. } => {
                let about = leave_out(ids, MAX_REPORTED) | shorten([detail], MAX_BESIDE);
                about | content.as_deref_mut().is_some_and(MessageContent::fit)
            }
            Self::Unparsed { reason } => shorten([reason], MAX_BESIDE),
            Self::Deleted { .. } | Self::Reachable { .. } | Self::Migrated { .. } => false,
        }
    }
}

impl MessageContent {
    /// Whether this is the same text, but for what was cut off.
    pub fn is_cut_from(&self, whole: &str) -> bool {
        self.text.as_deref().is_some_and(|text| whole.starts_with(text.strip_suffix(CUT).unwrap_or(text)))
    }

    fn fit(&mut self) -> bool {
        let size = self.text.as_ref().map_or(0, String::len);
        let mut cut = shorten(&mut self.text, MAX_TEXT);
        if cut {
            self.attachments.insert(0, Attachment::whole_text(size));
        }
        cut |= leave_out(&mut self.attachments, MAX_MANY);
        for file in &mut self.attachments {
            let told = [&mut file.name, &mut file.content_type, &mut file.source];
            cut |= shorten(told.into_iter().flatten(), MAX_NAME);
        }
        if let Some(place) = &mut self.location {
            cut |= shorten([&mut place.title, &mut place.address].into_iter().flatten(), MAX_NAME);
        }
        if let Some(card) = &mut self.card {
            cut |= shorten([&mut card.name].into_iter().chain(&mut card.phone), MAX_NAME);
        }
        if let Some(quote) = &mut self.reply_to {
            cut |= shorten([&mut quote.message], MAX_NAME) | shorten(&mut quote.text, MAX_BESIDE);
        }
        let other = [&mut self.forwarded_from, &mut self.unsupported];
        cut | shorten(other.into_iter().flatten(), MAX_NAME)
    }
}

/// Cuts texts that are longer than `most` bytes, and tells whether one was.
fn shorten<'t>(texts: impl IntoIterator<Item = &'t mut String>, most: usize) -> bool {
    let mut cut = false;
    for text in texts {
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most - CUT.len_utf8()));
            text.push(CUT);
            cut = true;
        }
    }
    cut
}

/// Leaves out what comes after the first `most`, and tells whether anything does.
fn leave_out<T>(list: &mut Vec<T>, most: usize) -> bool {
    let cut = list.len() > most;
    list.truncate(most);
    cut
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::channel::{Channel, ChannelClass, ThreadKey};
    use crate::event::Said;
    use crate::ids::{ConnectionId, Ulid};
    use crate::inbound::Sender;
    use crate::message::{AttachmentKind, ContactCard, Location, Quote};

    /// What would not fit into an item by itself, in letters of two bytes.
    fn huge() -> String {
        "ж".repeat(300_000)
    }

    fn everything() -> MessageContent {
        let file = Attachment {
            id: None,
            kind: AttachmentKind::File,
            name: Some(huge()),
            content_type: Some(huge()),
            size: Some(1),
            duration: None,
            source: Some(huge()),
        };
        MessageContent {
            text: Some(huge()),
            attachments: vec![file; 200],
            location: Some(Location {
                latitude: 1.0,
                longitude: 1.0,
                title: Some(huge()),
                address: Some(huge()),
            }),
            card: Some(ContactCard { name: huge(), phone: Some(huge()), own: true }),
            reply_to: Some(Quote { message: huge(), text: Some(huge()) }),
            forwarded_from: Some(huge()),
            unsupported: Some(huge()),
        }
    }

    fn inbound(happened: Happened) -> Inbound {
        let sender = Sender {
            kind: "telegram".to_owned(),
            address: "42".to_owned(),
            name: Some(huge()),
            username: Some(huge()),
            language: Some(huge()),
            phone: None,
        };
        Inbound {
            thread: ThreadKey {
                channel: Channel::try_from("telegram".to_owned()).unwrap(),
                connection: ConnectionId::new(Ulid::nil()),
                conversation: "42".to_owned(),
            },
            class: ChannelClass::Messenger,
            key: "update:1".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            sender: Some(sender),
            happened,
            raw: None,
            letter: None,
            numbered_in: None,
        }
    }

    #[test]
    fn whatever_comes_fits_beside_a_letterhead_into_an_item() {
        let id = || "1".to_owned();
        for happened in [
            Happened::Message { id: id(), content: everything(), album: Some(huge()) },
            Happened::Started { id: id(), text: huge(), payload: Some(huge()) },
            Happened::Edited { id: id(), content: everything() },
            Happened::Reaction { id: id(), emoji: vec![huge(); 200] },
            Happened::Button { callback: huge(), id: None, data: huge() },
            Happened::Undelivered {
                ids: vec![id(); 200],
                addresses: Vec::new(),
                permanent: true,
                reason: "bounced".to_owned(),
                detail: huge(),
                delayed: false,
                reply: None,
                content: Some(Box::new(everything())),
            },
            Happened::Unparsed { reason: huge() },
        ] {
            let mut inbound = inbound(happened);
            assert!(inbound.fit());
            let size = serde_json::to_string(&inbound).unwrap().len();
            assert!(size < 250 * 1024, "{size} bytes");
            assert!(!inbound.fit(), "what fits stays as it is");
        }
    }

    #[test]
    fn a_cut_text_is_a_file_besides() {
        let mut content = MessageContent::text(huge());
        assert!(content.fit());
        let text = content.text.as_deref().unwrap();
        assert!(text.len() <= MAX_TEXT && text.ends_with("ж…"));
        let [file] = content.attachments.as_slice() else { panic!("one file") };
        assert!(file.is_whole_text());
        assert_eq!(file.size, Some(600_000));
        assert!(content.is_cut_from(&huge()) && !content.is_cut_from("Hello"));
        let said = Said { message: content, ..Said::default() };
        assert!(serde_json::to_string(&said).unwrap().contains("message.txt"));

        let mut short = MessageContent::text("ж".repeat(MAX_TEXT / 2));
        assert!(!short.fit(), "as long as may be");
        assert_eq!(short, MessageContent::text("ж".repeat(MAX_TEXT / 2)));
    }
}
