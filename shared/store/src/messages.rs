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
}

/// The write that says where a message stands, and fails when that is said already.
///
/// # Errors
/// Never in practice: when the item does not serialise.
pub fn put_platform_message(
    thread: &ThreadKey,
    message: &str,
    ticket: TicketId,
    seq: u64,
) -> Result<Write, TableError> {
    let item = Item::new(keys::platform_message(thread, message), &PlatformMessage { ticket, seq })?;
    Ok(Write::Put(item, Condition::Absent))
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
