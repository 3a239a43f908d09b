//! From SES's topic into the inbound queue.

use channels::email::{Email, marked_reply, stamp};
use channels::receiver::ReceiveError;
use channels::{Platform as _, Receiver};
use desk::channel::{Channel, ChannelClass, InvalidChannel};
use desk::ids::ConnectionId;
use desk::inbound::{Happened, Inbound};
use store::Desk;
use store::blobs::BlobError;
use store::envelope::Envelope;
use store::table::TableError;

use crate::addresses::Addresses;
use crate::ses::{self, Received, Told, Undelivered};

/// Takes in what SES tells.
pub struct Post {
    desk: Desk,
    receiver: Receiver,
    addresses: Addresses,
    /// What follows the `@` in the Message-IDs that SES gives.
    host: String,
}

/// Why something that SES told is not durable: it must be told again.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The mail could not be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The queue did not take it.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// Never.
    #[error(transparent)]
    Channel(#[from] InvalidChannel),
}

impl Post {
    /// A post on a desk; `host` is what follows the `@` in the Message-IDs that SES gives in this region.
    pub fn new(desk: Desk, receiver: Receiver, host: String) -> Self {
        Self { addresses: Addresses::new(desk.clone()), desk, receiver, host }
    }

    /// Takes in one message of SES's topic.
    ///
    /// # Errors
    /// When it is not durable.
    pub async fn take(&self, message: &str) -> Result<(), PostError> {
        match ses::read(message) {
            Ok(Told::Received(received)) => self.received(received).await,
            Ok(Told::Undelivered(report)) => self.undelivered(report).await,
            Ok(Told::Other(kind)) => {
                tracing::info!(kind, "a message of SES that changes nothing");
                Ok(())
            }
            Err(error) => {
                // Told again it would be no better; SES greets a new topic in plain words.
                tracing::warn!(%error, "a message of the mail topic was ignored");
                Ok(())
            }
        }
    }

    /// Hands a mail to every connection that it is for. Those that had it before recognise it.
    async fn received(&self, Received { key, arrival }: Received) -> Result<(), PostError> {
        let mail = self.receiver.blobs.get(&key).await?;
        let mut taken: Vec<(ConnectionId, Vec<String>)> = Vec::new();
        for address in &arrival.recipients {
            match self.addresses.connection(address).await? {
                Some(id) => match taken.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, addresses)) => addresses.push(address.clone()),
                    None => taken.push((id, vec![address.clone()])),
                },
                None => tracing::warn!(
                    key,
                    "a mail is for an address that is not connected; it stays in the store"
                ),
            }
        }
        let channel = Channel::try_from(Email.name())?;
        for (id, recipients) in taken {
            let known = self.receiver.directory.connection(&channel, id).await.map_err(ReceiveError::from)?;
            let Some(known) = known else { continue };
            let stamped = stamp(&mail, &channels::email::Arrival { recipients, ..arrival.clone() });
            self.receiver.receive(&Email, &known.open, &stamped).await?;
        }
        Ok(())
    }

    async fn undelivered(&self, report: Undelivered) -> Result<(), PostError> {
        let Some(id) = self.addresses.connection(&report.source).await? else {
            tracing::warn!("a report is about an address that is not connected");
            return Ok(());
        };
        let channel = Channel::try_from(Email.name())?;
        let known = self.receiver.directory.connection(&channel, id).await.map_err(ReceiveError::from)?;
        let marked =
            known.zip(report.message_id.as_ref()).and_then(|(known, id)| marked_reply(&known.open, id));
        let outside = format!("{}@{}", report.mail, self.host);
        let mut inbound = Inbound {
            thread: desk::channel::ThreadKey { channel, connection: id, conversation: outside.clone() },
            class: ChannelClass::Email,
            key: format!("ses:{}", report.id),
            at: self.desk.now(),
            sender: None,
            happened: Happened::Undelivered {
                ids: std::iter::once(outside).chain(report.message_id).collect(),
                addresses: report.addresses,
                permanent: report.permanent,
                reason: report.reason.to_owned(),
                detail: report.detail,
                delayed: report.delayed,
                reply: marked,
                content: None,
            },
            raw: None,
            letter: None,
            numbered_in: None,
        };
        inbound.fit();
        let packed = Envelope::pack(inbound, &self.receiver.blobs).await?;
        self.receiver.inbound.send(vec![packed]).await.map_err(ReceiveError::from)?;
        Ok(())
    }
}
