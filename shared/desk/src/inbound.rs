//! What a channel hands in, in one form for all platforms: the message of the inbound queue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::channel::{ChannelClass, ThreadKey};
use crate::correspondence::Letter;
use crate::event::Raw;
use crate::ids::ReplyId;
use crate::message::MessageContent;

/// One thing that happened in a conversation on a platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// The conversation.
    pub thread: ThreadKey,
    /// The class of the channel.
    pub class: ChannelClass,
    /// The platform's key of this delivery, unique in the connection: what a repeated webhook repeats.
    pub key: String,
    /// When it happened, by the platform's clock.
    pub at: Timestamp,
    /// Who did it. Absent for what the platform itself reports.
    pub sender: Option<Sender>,
    /// What happened.
    pub happened: Happened,
    /// The original, kept where we understood less than all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Raw>,
    /// What tells the conversation where the platform keeps none: then [`Inbound::thread`] names a new one, for the
    /// case that the message begins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Box<Letter>>,
    /// The conversation with which this one shares the numbers of its messages, where it has none of its own, such as a
    /// topic of a Telegram group. The very conversation of [`Inbound::thread`], where it may have happened in any of those
    /// that share them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbered_in: Option<String>,
}

impl Inbound {
    /// Messages of one group are taken in one after the other: those of one conversation, or, where only a look into
    /// the table can tell that, those of one author, or about one message.
    pub fn group(&self) -> String {
        match &self.letter {
            Some(letter) => {
                let author = letter.author().unwrap_or(&self.thread.conversation).to_lowercase();
                format!("{}#{author}", self.thread.channel)
            }
            None => match &self.happened {
                // What may be early waits for its message by itself, and holds up nothing.
                Happened::Reaction { id, .. } if self.is_anywhere() => format!("{}#{id}", self.thread),
                _ => self.thread.to_string(),
            },
        }
    }

    /// Whether it may have happened in another conversation of those that share the numbers of their messages: the
    /// message that it is about tells.
    pub fn is_anywhere(&self) -> bool {
        self.numbered_in.as_ref() == Some(&self.thread.conversation)
    }

    /// Where the conversation's messages are found by their ids: in the conversation as the platform calls it now,
    /// because one that gets another id numbers its messages anew; in the one that it shares numbers with; mails in
    /// their whole connection.
    pub fn messages_of(&self) -> ThreadKey {
        match &self.numbered_in {
            _ if self.letter.is_some() => self.thread.whole_connection(),
            Some(conversation) => ThreadKey { conversation: conversation.clone(), ..self.thread.clone() },
            None => self.thread.clone(),
        }
    }
}

impl Happened {
    /// What a message says, where it is one.
    pub fn content(&self) -> Option<&MessageContent> {
        match self {
            Self::Message { content, .. } | Self::Edited { content, .. } => Some(content),
            Self::Undelivered { content, .. } => content.as_deref(),
            _ => None,
        }
    }
}

/// A person as a platform knows them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    /// The kind of address, such as `telegram`, `email` or `phone`; with `address` it makes the identity.
    pub kind: String,
    /// The platform's permanent id of the person.
    pub address: String,
    /// The name that the person shows.
    pub name: Option<String>,
    /// The public handle, which may change.
    pub username: Option<String>,
    /// IETF language tag.
    pub language: Option<String>,
    /// The telephone number that the platform proves to be theirs, where this delivery tells it, as E.164 writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// A reply that a mark of ours names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The conversation that it was sent in.
    pub conversation: String,
    /// The reply.
    pub reply: ReplyId,
}

/// What happened in a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happened {
    /// A message came.
    Message {
        /// The platform's id of the message, unique in the conversation.
        id: String,
        /// What it says.
        content: MessageContent,
        /// Ties the messages of one album together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        album: Option<String>,
    },
    /// The customer opened the conversation without saying anything yet, such as Telegram's `/start`.
    Started {
        /// The platform's id of the message, unique in the conversation.
        id: String,
        /// What the platform shows for it, such as `/start order_1024`.
        text: String,
        /// What the link that was followed carried.
        payload: Option<String>,
    },
    /// A message was changed by its author.
    Edited {
        /// The platform's id of the message.
        id: String,
        /// What it says now.
        content: MessageContent,
    },
    /// Messages were withdrawn by their author.
    Deleted {
        /// The platform's ids of the messages.
        ids: Vec<String>,
    },
    /// Somebody reacted to a message.
    Reaction {
        /// The platform's id of the message.
        id: String,
        /// The reactions that now stand; empty when all were taken back.
        emoji: Vec<String>,
    },
    /// A button under one of our messages was pressed.
    Button {
        /// What must be acknowledged to the platform, if anything.
        callback: String,
        /// The platform's id of the message that carried the button.
        id: Option<String>,
        /// What the button stands for.
        data: String,
    },
    /// The customer can no longer be written to, or can again.
    Reachable {
        /// Whether messages reach the customer from now on.
        reachable: bool,
    },
    /// A message of ours did not reach somebody after all.
    Undelivered {
        /// The platform's ids that the report gives for the message, the most telling first.
        ids: Vec<String>,
        /// The addresses that were not reached.
        addresses: Vec<String>,
        /// Whether another message to these addresses can never arrive either.
        permanent: bool,
        /// A stable word, such as `bounced` or `complained`.
        reason: String,
        /// What the report says.
        detail: String,
        /// Whether the message may still arrive, or has arrived: then the report is only noted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        delayed: bool,
        /// The reply that our own mark in the message names. The platform's ids lead to it only once it is noted as sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<Marked>,
        /// The report as the message that it also is, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Box<MessageContent>>,
    },
    /// The platform moved the conversation to another id.
    Migrated {
        /// The new id.
        to: String,
    },
    /// Authentic, but not understood; the original is in [`Inbound::raw`].
    Unparsed {
        /// Why.
        reason: String,
    },
}
