//! Answers that go on by mail: a visitor of the site who left an address gets a copy of what they did not see in time.

use desk::channel::{Channel, ThreadKey};
use desk::correspondence::{Correspondence, Mailbox};
use desk::ids::ConnectionId;
use desk::reply::Reply;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connections::StoredConnection;
use crate::desk::Desk;
use crate::envelope::digest;
use crate::keys;
use crate::replies::put_reply;
use crate::table::{Condition, Item, Query, TableError, Write};
use crate::threads::{Thread, put_thread};

/// The setting that names the connection which mails go out by.
const CONNECTION: &str = "email_connection";
/// The setting that tells for how many seconds a visitor may see an answer before it is mailed.
const AFTER: &str = "email_after";
/// How long that is without the setting.
const USUALLY_AFTER: i64 = 120;
/// How long a conversation's name is: as those that mails begin.
const NAME: usize = 20;
/// How many mails of a conversation are looked at for what the next one refers to.
const MAX_EARLIER: usize = 20;

/// An address that a visitor left for answers. It is the visitor's claim: it leads to no contact and to no other
/// conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAddress {
    /// The address.
    pub address: String,
    /// When it was left.
    pub since: Timestamp,
}

/// A copy of an answer, and the writes that make it.
#[derive(Debug)]
pub struct Copied {
    /// The conversation that it goes to.
    pub thread: ThreadKey,
    /// The writes: they fail when that conversation changes meanwhile.
    pub writes: Vec<Write>,
}

impl Desk {
    /// The address that the visitor of a conversation left.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn left_address(&self, thread: &ThreadKey) -> Result<Option<LeftAddress>, TableError> {
        self.table.get(&keys::left_address(thread)).await?.map(Item::read).transpose()
    }

    /// Notes the address that the visitor of a conversation leaves. The latest one counts.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn leave_address(&self, thread: &ThreadKey, address: &str) -> Result<(), TableError> {
        let left = LeftAddress { address: address.to_owned(), since: self.now() };
        let item = Item::new(keys::left_address(thread), &left)?;
        self.table.write(vec![Write::Put(item, Condition::Any)]).await
    }

    /// The connection by which a chat with these settings sends mails: the one that they name, else the oldest one.
    /// `None` when there is none.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn mails_of(&self, settings: &Map<String, Value>) -> Result<Option<ConnectionId>, TableError> {
        let mut offices = self.connections_of(&email()?).await?.into_iter();
        Ok(match settings.get(CONNECTION).and_then(Value::as_str) {
            Some(named) => offices.find(|office| office.to_string() == named),
            None => offices.next(),
        })
    }

    /// The copy of an answer that has just been sent in a chat, if its visitor left an address and the desk has mail.
    /// What a machine wrote is not copied.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn copy_by_mail(
        &self,
        chat: &StoredConnection,
        reply: &Reply,
    ) -> Result<Option<Copied>, TableError> {
        if reply.content.automatic {
            return Ok(None);
        }
        let Some(left) = self.left_address(&reply.thread).await? else { return Ok(None) };
        let Some(connection) = self.mails_of(&chat.settings).await? else { return Ok(None) };
        let Some(ticket) = self.ticket(reply.ticket).await? else { return Ok(None) };
        let name = digest(&format!("{}\n{}\n{}", reply.thread, ticket.id, left.address.to_lowercase()));
        let conversation = name.chars().take(NAME).collect();
        let thread = ThreadKey { channel: email()?, connection, conversation };
        let mut writes = Vec::new();
        if self.thread(&thread).await?.is_none() {
            let begun_by = Some(("email".to_owned(), left.address.to_lowercase()));
            let visitor = Mailbox { name: None, address: left.address };
            let correspondence = Correspondence {
                subject: ticket.subject,
                participants: vec![visitor.clone()],
                answer_to: vec![visitor],
                ..Correspondence::default()
            };
            let begun = Thread {
                key: thread.clone(),
                version: 1,
                contact: ticket.contact,
                ticket: ticket.id,
                moved_to: None,
                correspondence: Some(correspondence),
                begun_by,
            };
            writes.push(put_thread(&begun, Condition::Absent)?);
        }
        let now = self.now();
        let after = chat.settings.get(AFTER).and_then(Value::as_i64).unwrap_or(USUALLY_AFTER);
        let not_before = now.saturating_add(SignedDuration::from_secs(after)).unwrap_or(now);
        writes.push(put_reply(&reply.copied(thread.clone(), now, not_before))?);
        Ok(Some(Copied { thread, writes }))
    }

    /// The Message-IDs of mails that were sent in a conversation, oldest first, as messages are known by them. For a
    /// conversation that no mail of a customer began: the next one refers to them.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn earlier_mails(&self, thread: &ThreadKey) -> Result<Vec<String>, TableError> {
        let query = Query::partition(keys::thread(thread).pk).begins_with("R#").limit(MAX_EARLIER);
        let replies = self.table.query(query).await?.items.into_iter().map(Item::read::<Reply>);
        let parts = replies.map(|reply| reply.map(|reply| reply.parts)).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}

fn email() -> Result<Channel, TableError> {
    Channel::try_from("email").map_err(|error| TableError::Invalid(error.to_string()))
}
