//! The desk's own mail addresses: what comes from one of them is no customer's word.

use desk::channel::Channel;
use desk::correspondence::same_mailbox;

use crate::desk::Desk;
use crate::table::TableError;

/// The channel of mails.
const EMAIL: &str = "email";
/// The setting of a connection that holds its address.
const ADDRESS: &str = "address";

impl Desk {
    /// Whether an address is that of one of the desk's e-mail connections, whatever follows a plus in it.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn is_own_address(&self, address: &str) -> Result<bool, TableError> {
        let is_email = |channel: &Channel| channel.as_str() == EMAIL;
        let connections = self.connections().await?;
        let mut addresses = connections
            .iter()
            .filter(|connection| is_email(&connection.channel))
            .filter_map(|connection| connection.settings.get(ADDRESS)?.as_str());
        Ok(addresses.any(|own| same_mailbox(own, address)))
    }
}
