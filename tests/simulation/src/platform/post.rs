//! A provider that takes mails and gives them to whom they are for.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// A mail that was accepted from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its Message-ID, without brackets.
    pub message_id: String,
    /// Whom it went to.
    pub recipients: Vec<String>,
    /// What it says, without what it repeats.
    pub text: String,
    /// Its subject.
    pub subject: String,
    /// Its files, by their names and what they hold.
    pub files: Vec<(String, Bytes)>,
}

/// The post office.
#[derive(Debug, Default)]
pub struct PostOffice {
    taken: Mutex<Vec<Delivered>>,
}

impl PostOffice {
    /// Takes a mail.
    pub fn take(&self, recipients: &[String], mail: &[u8]) {
        let read = channels::email::read(mail);
        let bytes = |index| channels::email::attachment(mail, index).unwrap_or_default().into();
        let delivered = Delivered {
            files: read.attachments.iter().map(|file| (file.name.clone(), bytes(file.index))).collect(),
            message_id: read.message_id.unwrap_or_default(),
            recipients: recipients.to_vec(),
            text: read.text,
            subject: read.subject,
        };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(delivered);
    }

    /// All mails that were taken, in order.
    pub fn taken(&self) -> Vec<Delivered> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
