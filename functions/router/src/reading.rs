//! What a delivery says, as events hold it.

use desk::event::{MessageReceived, Said};
use desk::ids::AttachmentId;
use desk::inbound::{Happened, Inbound};
use desk::message::MessageContent;

use crate::Router;

impl Router {
    /// What a delivery says, as the event will hold it. Ids of files are made here, once for all attempts.
    pub(crate) fn read(&self, inbound: &Inbound, late: bool) -> (MessageReceived, Said) {
        let author = inbound
            .sender
            .as_ref()
            .and_then(|sender| sender.name.clone().or_else(|| sender.username.clone()));
        let mut said = Said { author, raw: inbound.raw.clone(), ..Said::default() };
        let mut received = MessageReceived {
            message: String::new(),
            sent_at: inbound.at,
            asks: true,
            album: None,
            attachments: 0,
            late,
            automatic: inbound.letter.as_ref().and_then(|letter| letter.automatic.clone()),
            thread: None,
            new_author: false,
        };
        if let Some(letter) = &inbound.letter {
            received.asks = letter.automatic.is_none();
            said.subject = Some(letter.subject.clone()).filter(|subject| !subject.is_empty());
            said.letter = Some(Box::new(letter.head.clone()));
        }
        match &inbound.happened {
            Happened::Message { id, content, album } => {
                received.message.clone_from(id);
                received.album.clone_from(album);
                said.message = self.identify(content.clone());
            }
            Happened::Started { id, text, payload } => {
                received.message.clone_from(id);
                received.asks = false;
                said.message = MessageContent::text(text.clone());
                said.payload.clone_from(payload);
            }
            Happened::Unparsed { reason } => {
                received.message = format!("raw:{}", inbound.key);
                received.asks = inbound.sender.is_some();
                said.reason = Some(reason.clone());
            }
            _ => {}
        }
        received.attachments = said.message.attachments.len();
        (received, said)
    }

    /// Whether a delivery asks for an answer, as far as it tells by itself.
    pub(crate) fn asks(&self, inbound: &Inbound, late: bool) -> bool {
        match inbound.happened {
            Happened::Message { .. } | Happened::Started { .. } | Happened::Unparsed { .. } => {
                self.read(inbound, late).0.asks
            }
            Happened::Button { .. } => true,
            Happened::Edited { .. }
            | Happened::Deleted { .. }
            | Happened::Reaction { .. }
            | Happened::Reachable { .. }
            | Happened::Undelivered { .. }
            | Happened::Migrated { .. } => false,
        }
    }

    /// Gives each file of a message its id, unless the channel has stored it under one already.
    pub(crate) fn identify(&self, mut content: MessageContent) -> MessageContent {
        for file in &mut content.attachments {
            file.id = file.id.or_else(|| Some(AttachmentId::new(self.desk.environment().ulid())));
        }
        content
    }
}
