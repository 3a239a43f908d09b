//! The desk behind the listener: which addresses are its own, and how a mail becomes durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use channels::email::compose::deliverable;
use channels::email::stamp;
use channels::{Platform, Receiver};
use desk::channel::Channel;
use desk::ids::ConnectionId;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::Desk;

use super::{Authenticator, Envelope, Exchange, Unavailable};

/// The channel whose connections take mail.
pub(crate) const CHANNEL: &str = "email";
/// How long the addresses are believed. A new one is looked for at once, though not more often than this.
const TRUST: SignedDuration = SignedDuration::from_secs(2);

/// Takes mail for the addresses of the desk's e-mail connections.
pub(crate) struct Reception {
    desk: Desk,
    platform: &'static dyn Platform,
    receiver: Receiver,
    authenticator: Authenticator,
    host: String,
    addresses: Mutex<Addresses>,
}

/// The connections by their addresses in the form of [`mailbox`].
#[derive(Default)]
struct Addresses {
    read_at: Option<Timestamp>,
    connections: Arc<HashMap<String, ConnectionId>>,
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
        Self { desk, platform, receiver, authenticator, host, addresses: Mutex::default() }
    }

    /// What every server on a mail's way writes on top of it
    /// ([RFC 5321, 4.4](https://www.rfc-editor.org/rfc/rfc5321#section-4.4)).
    fn trace(&self, envelope: &Envelope) -> String {
        let now = self.desk.now().to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000");
        let Envelope { helo, client, .. } = envelope;
        format!("Received: from {helo} ([{client}])\r\n by {} with ESMTP; {now}\r\n", self.host)
    }

    async fn addresses(&self) -> Result<Arc<HashMap<String, ConnectionId>>, Unavailable> {
        let now = self.desk.now();
        {
            let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if addresses.read_at.is_some_and(|at| now.duration_since(at).abs() < TRUST) {
                return Ok(Arc::clone(&addresses.connections));
            }
        }
        let connections = self.desk.connections().await.map_err(unavailable)?;
        let mut by_address = HashMap::new();
        for connection in connections.into_iter().filter(|connection| connection.channel.as_str() == CHANNEL)
        {
            let address = connection.settings.get("address").and_then(|address| address.as_str());
            if let Some(address) = address.and_then(mailbox) {
                // Of two connections with one address the older one takes the mail.
                by_address.entry(address).or_insert(connection.id);
            }
        }
        let connections = Arc::new(by_address);
        let fresh = Addresses { read_at: Some(now), connections: Arc::clone(&connections) };
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(connections)
    }
}

#[async_trait]
impl Exchange for Reception {
    async fn accepts(&self, address: &str) -> Result<Option<ConnectionId>, Unavailable> {
        let Some(address) = mailbox(address) else { return Ok(None) };
        Ok(self.addresses().await?.get(&address).copied())
    }

    /// Hands the mail to every connection that it is for. When one of them fails, the sender comes again, and the
    /// others recognise what they have.
    async fn deliver(&self, envelope: Envelope, mut mail: Vec<u8>) -> Result<(), Unavailable> {
        let channel = Channel::try_from(CHANNEL).map_err(unavailable)?;
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

/// An address as connections are found by it: in lower case, without what follows a plus.
fn mailbox(address: &str) -> Option<String> {
    let address = deliverable(address).ok()?.to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    (!local.is_empty()).then(|| format!("{local}@{domain}"))
}

fn unavailable(error: impl std::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn a_mailbox_is_found_by_every_address_of_it() {
        for address in ["support@shop.example", "Support@Shop.Example", "support+a+b@shop.example"] {
            assert_eq!(mailbox(address).as_deref(), Some("support@shop.example"));
        }
        assert_eq!(mailbox("hi@почта.рф").as_deref(), Some("hi@xn--80a1acny.xn--p1ai"));
        for nobody in ["", "support", "+a@shop.example", "\"support\"@shop.example", "иван@shop.example"]
        {
            assert_eq!(mailbox(nobody), None, "{nobody}");
        }
    }
}
