//! The desk behind the listener: which addresses are its own, and how a mail becomes durable.

use async_trait::async_trait;
use channels::email::stamp;
use channels::{Platform, Receiver};
use desk::channel::Channel;
use desk::ids::ConnectionId;
use email::Addresses;
use jiff::tz::TimeZone;
use store::Desk;

use super::{Authenticator, Envelope, Exchange, Unavailable};

/// Takes mail for the addresses of the desk's e-mail connections.
pub(crate) struct Reception {
    desk: Desk,
    platform: &'static dyn Platform,
    receiver: Receiver,
    authenticator: Authenticator,
    host: String,
    addresses: Addresses,
}

impl Reception {
    /// `platform` reads the mails; `host` is our own name.
    pub(crate) fn new(
        desk: Desk,
        platform: &'static dyn Platform,
        receiver: Receiver,
        authenticator: Authenticator,
        host: String,
    ) -> Self {
        let addresses = Addresses::new(desk.clone());
        Self { desk, platform, receiver, authenticator, host, addresses }
    }

    /// What every server on a mail's way writes on top of it
    /// ([RFC 5321, 4.4](https://www.rfc-editor.org/rfc/rfc5321#section-4.4)).
    fn trace(&self, envelope: &Envelope) -> String {
        let now = self.desk.now().to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000");
        let Envelope { helo, client, .. } = envelope;
        format!("Received: from {helo} ([{client}])\r\n by {} with ESMTP; {now}\r\n", self.host)
    }
}

#[async_trait]
impl Exchange for Reception {
    async fn accepts(&self, address: &str) -> Result<Option<ConnectionId>, Unavailable> {
        self.addresses.connection(address).await.map_err(unavailable)
    }

    /// Hands the mail to every connection that it is for. When one of them fails, the sender comes again, and the
    /// others recognise what they have.
    async fn deliver(&self, envelope: Envelope, mut mail: Vec<u8>) -> Result<(), Unavailable> {
        let channel = Channel::try_from(self.platform.name()).map_err(unavailable)?;
        let arrival = self.authenticator.examine(&envelope, &mail).await;
        mail.splice(0..0, self.trace(&envelope).into_bytes());
        let mut connections: Vec<ConnectionId> =
            envelope.recipients.iter().map(|recipient| recipient.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        for connection in connections {
            let known =
                self.receiver.directory.connection(&channel, connection).await.map_err(unavailable)?;
            // It was deleted since its address was named. The sender comes again, and is told so.
            let Some(known) = known else { return Err(Unavailable("a connection is gone".to_owned())) };
            let ours = envelope.recipients.iter().filter(|recipient| recipient.connection == connection);
            let mut arrival = arrival.clone();
            arrival.recipients = ours.map(|recipient| recipient.address.clone()).collect();
            let stamped = stamp(&mail, &arrival);
            self.receiver.receive(self.platform, &known.open, &stamped).await.map_err(unavailable)?;
        }
        Ok(())
    }
}

fn unavailable(error: impl std::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}
