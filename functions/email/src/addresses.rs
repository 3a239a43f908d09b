//! Which connection an address belongs to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use channels::Platform as _;
use channels::email::Email;
use channels::email::compose::deliverable;
use desk::ids::ConnectionId;
use jiff::{SignedDuration, Timestamp};
use store::Desk;
use store::table::TableError;

/// How long the addresses are believed. One that is not among them is looked for at once: it may have been connected
/// just now, and its mail does not come again.
const TRUST: SignedDuration = SignedDuration::from_secs(2);

/// The addresses of a desk's e-mail connections.
#[derive(Debug)]
pub struct Addresses {
    desk: Desk,
    known: Mutex<Known>,
}

/// The connections by their addresses in the form of [`mailbox`].
#[derive(Debug, Default)]
struct Known {
    read_at: Option<Timestamp>,
    connections: Arc<HashMap<String, ConnectionId>>,
}

impl Addresses {
    /// The addresses of this desk.
    pub fn new(desk: Desk) -> Self {
        Self { desk, known: Mutex::default() }
    }

    /// The connection that mail for an address belongs to, plus-addresses included. Of two connections with one
    /// address the older one takes the mail.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn connection(&self, address: &str) -> Result<Option<ConnectionId>, TableError> {
        let Some(address) = mailbox(address) else { return Ok(None) };
        if let Some(connection) = self.believed(&address) {
            return Ok(Some(connection));
        }
        Ok(self.read().await?.get(&address).copied())
    }

    /// The connection of an address, as far as what was read of late tells.
    fn believed(&self, address: &str) -> Option<ConnectionId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let age = self.desk.now().duration_since(known.read_at?).abs();
        if age < TRUST { known.connections.get(address).copied() } else { None }
    }

    async fn read(&self) -> Result<Arc<HashMap<String, ConnectionId>>, TableError> {
        let now = self.desk.now();
        let mut connections = self.desk.connections().await?;
        connections.sort_by_key(|connection| connection.id);
        let mut by_address = HashMap::new();
        for connection in connections.iter().filter(|connection| connection.channel.as_str() == Email.name())
        {
            let address = connection.settings.get("address").and_then(|address| address.as_str());
            if let Some(address) = address.and_then(mailbox) {
                by_address.entry(address).or_insert(connection.id);
            }
        }
        let connections = Arc::new(by_address);
        let fresh = Known { read_at: Some(now), connections: Arc::clone(&connections) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(connections)
    }
}

/// An address as connections are found by it: in lower case, without what follows a plus.
fn mailbox(address: &str) -> Option<String> {
    let address = deliverable(address).ok()?.to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    (!local.is_empty()).then(|| format!("{local}@{domain}"))
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
