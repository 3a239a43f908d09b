//! The platform's messages as permanent items: what makes a repeated delivery harmless, and finds a message again.

use desk::channel::ThreadKey;
use desk::ids::TicketId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};

/// How long an event of a platform that is no message is remembered: far longer than any platform repeats one.
const DELIVERY_DAYS: i64 = 30;

/// Where a message of a platform stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformMessage {
    /// The ticket.
    pub ticket: TicketId,
    /// The event.
    pub seq: u64,
    /// The conversation, where the message is not found under it: its id is unique in the whole connection, or among
    /// several conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

impl Desk {
    /// Where a message of the platform stands, the customer's or ours.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn platform_message(
        &self,
        thread: &ThreadKey,
        message: &str,
    ) -> Result<Option<PlatformMessage>, TableError> {
        self.table.get(&keys::platform_message(thread, message)).await?.map(Item::read).transpose()
    }

    /// Whether a delivery of the platform is remembered.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn is_delivered(&self, thread: &ThreadKey, key: &str) -> Result<bool, TableError> {
        Ok(self.table.get(&keys::delivery(thread, key)).await?.is_some())
    }

    /// Where the first one of several messages stands that is known at all.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn first_platform_message(
        &self,
        thread: &ThreadKey,
        messages: &[String],
    ) -> Result<Option<PlatformMessage>, TableError> {
        Ok(self.known_platform_messages(thread, messages).await?.into_iter().next())
    }

    /// Where those of several messages stand that are known, in the order of the messages.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn known_platform_messages(
        &self,
        thread: &ThreadKey,
        messages: &[String],
    ) -> Result<Vec<PlatformMessage>, TableError> {
        let keys: Vec<_> = messages.iter().map(|message| keys::platform_message(thread, message)).collect();
        let mut wanted = keys.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let found = self.table.get_many(&wanted).await?;
        let known = keys.iter().filter_map(|key| found.iter().find(|item| item.key == *key));
        known.cloned().map(Item::read).collect()
    }
}

/// The write that says where a message of a conversation stands, and fails when that is said already. It is found
/// `under` the conversation itself, or where ids are unique among several.
///
/// # Errors
/// Never in practice: when the item does not serialise.
pub fn put_platform_message(
    under: &ThreadKey,
    thread: &ThreadKey,
    message: &str,
    ticket: TicketId,
    seq: u64,
) -> Result<Write, TableError> {
    Ok(Write::Put(platform_message(under, thread, message, ticket, seq)?, Condition::Absent))
}

/// What says where a message stands.
pub(crate) fn platform_message(
    under: &ThreadKey,
    thread: &ThreadKey,
    message: &str,
    ticket: TicketId,
    seq: u64,
) -> Result<Item, TableError> {
    let conversation = (under != thread).then(|| thread.conversation.clone());
    Item::new(keys::platform_message(under, message), &PlatformMessage { ticket, seq, conversation })
}

/// The write that remembers a delivery of the platform, and fails when it is remembered already.
///
/// # Errors
/// Never in practice: when the item does not serialise.
pub fn put_delivery(thread: &ThreadKey, key: &str, now: Timestamp) -> Result<Write, TableError> {
    let mut item = Item::new(keys::delivery(thread, key), &serde_json::json!({}))?;
    item.expires_at = Some(
        now.saturating_add(SignedDuration::from_hours(24 * DELIVERY_DAYS))
            .map_or(i64::MAX, Timestamp::as_second),
    );
    Ok(Write::Put(item, Condition::Absent))
}
