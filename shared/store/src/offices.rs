//! The desk's own mail addresses: what comes from one of them is no customer's word.

use desk::channel::Channel;
use desk::correspondence::same_mailbox;
use serde_json::Value;

use crate::connections::StoredConnection;
use crate::desk::Desk;
use crate::keys;
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
        let Ok(email) = Channel::try_from(EMAIL) else { return Ok(false) };
        let ids = self.connections_of(&email).await?;
        // No others: who asks may not read them all.
        let keys: Vec<_> = ids.into_iter().map(|id| keys::connection(&email, id)).collect();
        for item in self.table.get_many(&keys).await? {
            let connection: StoredConnection = item.read()?;
            let own = connection.settings.get(ADDRESS).and_then(Value::as_str);
            if own.is_some_and(|own| same_mailbox(own, address)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
