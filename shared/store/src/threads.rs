//! Conversations: which contact and which ticket a platform's conversation belongs to.

use desk::channel::ThreadKey;
use desk::correspondence::Correspondence;
use desk::ids::{ContactId, TicketId};
use desk::inbound::Sender;
use serde::{Deserialize, Serialize};

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};

/// A conversation on a platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Its address when it began; the key of its replies and messages for ever.
    pub key: ThreadKey,
    /// Counts the writes.
    pub version: u64,
    /// Whom we talk to.
    pub contact: ContactId,
    /// The latest ticket.
    pub ticket: TicketId,
    /// The platform's present id of the conversation, when the platform has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// What is remembered of it where the platform keeps no conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correspondence: Option<Correspondence>,
    /// The identity of the contact, by kind and address, with which they began it: whoever writes with another one may
    /// be somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by: Option<(String, String)>,
}

/// Who wrote in a conversation.
#[derive(Debug, Clone)]
pub struct Author {
    /// The contact.
    pub contact: ContactId,
    /// The writes that make the contact, or an address lead to it, where nobody has known that. They fail when somebody
    /// else makes them.
    pub made_by: Vec<Write>,
}

/// What stands under a conversation's key: the conversation, or the id it began with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Thread(Box<Thread>),
    Alias { alias_of: String, version: u64 },
}

impl Thread {
    /// The conversation id to write to.
    pub fn address(&self) -> &str {
        self.moved_to.as_deref().unwrap_or(&self.key.conversation)
    }
}

impl Desk {
    /// The conversation with this address, under its first address if the platform has changed it.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn thread(&self, key: &ThreadKey) -> Result<Option<Thread>, TableError> {
        let mut key = key.clone();
        // A chain is as long as the platform moved the conversation; three is far beyond what any does.
        for _ in 0..3 {
            match self.table.get(&keys::thread(&key)).await?.map(Item::read).transpose()? {
                Some(Entry::Thread(thread)) => return Ok(Some(*thread)),
                Some(Entry::Alias { alias_of, .. }) => key.conversation = alias_of,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Who wrote in a conversation: its contact, or, where several people write, another one.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn author(&self, thread: &Thread, sender: Option<&Sender>) -> Result<Author, TableError> {
        let contact = thread.contact;
        let Some(sender) = sender else { return Ok(Author { contact, made_by: Vec::new() }) };
        let begun_by = thread.begun_by.as_ref();
        match begun_by.is_some_and(|(kind, address)| *kind == sender.kind && *address == sender.address) {
            true => Ok(Author { contact, made_by: self.learn_phone(contact, sender).await? }),
            false => self.known_by(sender).await,
        }
    }

    /// Takes in that the platform changed a conversation's id: both ids lead to it from now on. Idempotent.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn move_thread(&self, key: &ThreadKey, to: &str) -> Result<(), TableError> {
        for attempt in 1.. {
            let Some(thread) = self.thread(key).await? else { return Ok(()) };
            if thread.address() == to {
                return Ok(());
            }
            let alias = ThreadKey { conversation: to.to_owned(), ..thread.key.clone() };
            let entry = Entry::Alias { alias_of: thread.key.conversation.clone(), version: 1 };
            let moved =
                Thread { moved_to: Some(to.to_owned()), version: thread.version + 1, ..thread.clone() };
            let writes = vec![
                put_thread(&moved, Condition::Version(thread.version))?,
                Write::Put(Item::new(keys::thread(&alias), &entry)?, Condition::Absent),
            ];
            match self.table.write(writes).await {
                // The new address has had messages of its own already; they keep their thread.
                Err(TableError::ConditionFailed(failed)) if failed.contains(&1) => {
                    return match self
                        .table
                        .write(vec![put_thread(&moved, Condition::Version(thread.version))?])
                        .await
                    {
                        Err(TableError::ConditionFailed(_)) => Err(TableError::Conflict),
                        done => done,
                    };
                }
                Err(TableError::ConditionFailed(_) | TableError::Conflict) => {
                    self.yield_to_others(attempt).await?;
                }
                done => return done,
            }
        }
        Ok(())
    }
}

/// The write of a conversation.
///
/// # Errors
/// Never in practice: when the conversation does not serialise.
pub fn put_thread(thread: &Thread, condition: Condition) -> Result<Write, TableError> {
    Ok(Write::Put(Item::new(keys::thread(&thread.key), thread)?, condition))
}
