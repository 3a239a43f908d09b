//! The keys of the main table: the one place that knows how an object's address is spelt.
//!
//! Parts that come from outside are escaped, so that no two addresses share a spelling, and hashed when long.

use std::borrow::Cow;

use desk::channel::{Channel, ThreadKey};
use desk::ids::{AttachmentId, ConnectionId, ContactId, ReplyId, TeamId, TicketId, Ulid, VisitorId};
use desk::ticket::Status;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::environment::sortable;
use crate::table::Key;

/// The sort key of an object that is alone in its partition, or its head.
const HEAD: &str = "@";
/// The partitions that each kind of due item is spread over. Fixed for ever: items remember their shard.
pub const DUE_SHARDS: u8 = 4;
/// Longer parts are replaced by their hash, so that a key stays far from the engines' limits.
const MAX_PART: usize = 256;

/// A ticket's head.
pub fn ticket(id: TicketId) -> Key {
    Key::new(format!("T#{id}"), HEAD)
}

/// An event of a ticket.
pub fn event(ticket: TicketId, seq: u64) -> Key {
    Key::new(format!("T#{ticket}"), event_sort(seq))
}

/// Where an event sorts among the items of its ticket.
pub fn event_sort(seq: u64) -> String {
    format!("E#{seq:010}")
}

/// The ticket and position that an event's key names.
pub fn parse_event(key: &Key) -> Option<(TicketId, u64)> {
    let ticket = key.pk.strip_prefix("T#")?.parse().ok()?;
    Some((ticket, key.sk.strip_prefix("E#")?.parse().ok()?))
}

/// A conversation.
pub fn thread(thread: &ThreadKey) -> Key {
    Key::new(thread_partition("X", thread), HEAD)
}

/// A reply, in the partition of its conversation.
pub fn reply(thread: &ThreadKey, id: ReplyId) -> Key {
    Key::new(thread_partition("X", thread), reply_sort(id))
}

/// Where a reply sorts in its conversation: by the time it was written.
pub fn reply_sort(id: ReplyId) -> String {
    format!("R#{}", id.ulid())
}

/// The address that the customer of a conversation left, in its partition.
pub fn left_address(thread: &ThreadKey) -> Key {
    Key::new(thread_partition("X", thread), "mail")
}

/// A message of the platform, ours or the customer's.
pub fn platform_message(thread: &ThreadKey, message: &str) -> Key {
    Key::new(format!("{}#{}", thread_partition("M", thread), part(message)), HEAD)
}

/// Another event of the platform, by the platform's key of the delivery.
pub fn delivery(thread: &ThreadKey, key: &str) -> Key {
    Key::new(format!("D#{}#{}#{}", thread.channel, thread.connection, part(key)), HEAD)
}

/// How often a connection did something by itself.
pub fn allowance(connection: ConnectionId, name: &str) -> Key {
    Key::new(format!("D#allowance#{connection}#{}", part(name)), HEAD)
}

/// A request that was made with an idempotency key.
pub fn idempotency(principal: &str, key: &str) -> Key {
    Key::new(format!("D#request#{}#{}", part(principal), part(key)), HEAD)
}

/// A contact.
pub fn contact(id: ContactId) -> Key {
    Key::new(format!("C#{id}"), HEAD)
}

/// A ticket in the list of its contact, by the time it was opened.
pub fn contact_ticket(contact: ContactId, created_at: Timestamp, ticket: TicketId) -> Key {
    Key::new(format!("C#{contact}"), format!("T#{}#{ticket}", sortable(created_at)))
}

/// An address of a contact.
pub fn identity(kind: &str, address: &str) -> Key {
    Key::new(format!("I#{}#{}", part(kind), part(address)), HEAD)
}

/// An address of a channel that cannot be reached any more.
pub fn suppression(channel: &Channel, address: &str) -> Key {
    Key::new(suppression_partition(channel), part(&address.to_lowercase()))
}

/// All addresses of a channel that cannot be reached any more.
pub fn suppression_partition(channel: &Channel) -> String {
    format!("U#{channel}")
}

/// A ticket's number for people.
pub fn number(number: u64) -> Key {
    Key::new(format!("N#{number}"), HEAD)
}

/// The counter that ticket numbers come from.
pub fn number_counter() -> Key {
    Key::new("N#", HEAD)
}

/// A connection.
pub fn connection(channel: &Channel, id: ConnectionId) -> Key {
    Key::new(format!("K#{channel}#{id}"), HEAD)
}

/// A setting of a kind.
pub fn setting(kind: &str, id: &str) -> Key {
    Key::new(setting_partition(kind), id)
}

/// All settings of a kind.
pub fn setting_partition(kind: &str) -> String {
    format!("S#{kind}")
}

/// A file.
pub fn attachment(id: AttachmentId) -> Key {
    Key::new(format!("A#{id}"), HEAD)
}

/// A visitor of the firm's site who signed in.
pub fn visitor(connection: ConnectionId, id: VisitorId) -> Key {
    Key::new(format!("W#{connection}#v#{id}"), HEAD)
}

/// The conversation that a login of the firm's site used last.
pub fn login(connection: ConnectionId, login: &str) -> Key {
    Key::new(format!("W#{connection}#l#{}", part(login)), HEAD)
}

/// A bucket of the `index` table.
pub fn bucket(name: &str) -> Key {
    Key::new(format!("B#{}", part(name)), HEAD)
}

/// A signed statement of the firm's site that was used, in the `index` table.
pub fn used_statement(connection: ConnectionId, id: &str) -> Key {
    Key::new(format!("J#{connection}#{}", part(id)), HEAD)
}

/// An open connection among those of its conversation, in the `index` table.
pub fn open_connection(thread: &ThreadKey, id: &str) -> Key {
    Key::new(thread_partition("L", thread), part(id))
}

/// An open connection by its id, in the `index` table.
pub fn open_connection_by_id(id: &str) -> Key {
    Key::new(format!("L#@#{}", part(id)), HEAD)
}

/// That the customer of a conversation is writing, in the `index` table.
pub fn typing(thread: &ThreadKey) -> Key {
    Key::new(thread_partition("Y", thread), HEAD)
}

/// The list of tickets of one status and team, by the time of their last change.
pub fn view_partition(status: Status, team: Option<TeamId>) -> String {
    match team {
        Some(team) => format!("V#{}#{team}", status.as_str()),
        None => format!("V#{}#-", status.as_str()),
    }
}

/// Where a ticket sorts in its list.
pub fn view_sort(updated_at: Timestamp, ticket: TicketId) -> String {
    format!("{}#{ticket}", sortable(updated_at))
}

/// A partition of due items of a kind.
pub fn due_partition(kind: &str, shard: u8) -> String {
    format!("{kind}#{shard}")
}

/// Where an item stands among the due ones of its kind.
pub fn due(kind: &str, ulid: Ulid, due_at: Timestamp, key: &Key) -> Key {
    let shard = u8::try_from(u128::from(ulid) % u128::from(DUE_SHARDS)).unwrap_or_default();
    Key::new(due_partition(kind, shard), format!("{}#{}#{}", sortable(due_at), key.pk, key.sk))
}

fn thread_partition(kind: &str, thread: &ThreadKey) -> String {
    format!("{kind}#{}#{}#{}", thread.channel, thread.connection, part(&thread.conversation))
}

fn part(text: &str) -> Cow<'_, str> {
    if text.len() > MAX_PART {
        let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        // Cannot collide with a short part: those never contain a bare `%`.
        return Cow::Owned(format!("%{digest}"));
    }
    if text.contains(['#', '%']) {
        return Cow::Owned(text.replace('%', "%25").replace('#', "%23"));
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread_of(conversation: &str) -> ThreadKey {
        ThreadKey {
            channel: Channel::try_from("telegram").unwrap(),
            connection: ConnectionId::new(Ulid::from_parts(1, 1)),
            conversation: conversation.to_owned(),
        }
    }

    #[test]
    fn no_two_addresses_share_a_spelling() {
        assert_ne!(platform_message(&thread_of("a#b"), "c"), platform_message(&thread_of("a"), "b#c"));
        assert_ne!(thread(&thread_of("a%23b")), thread(&thread_of("a#b")));
        let long = "x".repeat(MAX_PART + 1);
        assert_ne!(thread(&thread_of(&long)), thread(&thread_of(&format!("{long}y"))));
        assert!(thread(&thread_of(&"#".repeat(100_000))).pk.len() < 2048);
    }

    #[test]
    fn an_event_key_is_read_back() {
        let id = TicketId::new(Ulid::from_parts(1, 2));
        assert_eq!(parse_event(&event(id, 42)), Some((id, 42)));
        assert_eq!(parse_event(&ticket(id)), None);
    }
}
