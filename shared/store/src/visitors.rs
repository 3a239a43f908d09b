//! Visitors of the firm's site who signed in: which conversation is whose.
//!
//! Whoever only visits has no item here. A visitor belongs to one login at most, for ever; a login leads to the
//! conversation that it used last.

use desk::channel::ThreadKey;
use desk::ids::{ConnectionId, ContactId, VisitorId};
use desk::inbound::Sender;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contacts::{Identity, MAX_IDENTITIES, new_contact, put_contact, put_identity};
use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, TableError, Write};
use crate::threads::{Thread, put_thread};

/// How often a write is tried when somebody else writes the same.
const ATTEMPTS: u32 = 5;

/// A visitor who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// Counts the writes.
    pub version: u64,
    /// The person, by the shop's own id.
    pub login: String,
}

/// The conversation that a login used last.
#[derive(Debug, Serialize, Deserialize)]
struct Latest {
    version: u64,
    visitor: VisitorId,
}

impl Desk {
    /// Whom a visitor signed in as, if at all.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn visitor(
        &self,
        connection: ConnectionId,
        id: VisitorId,
    ) -> Result<Option<Visitor>, TableError> {
        self.table.get(&keys::visitor(connection, id)).await?.map(Item::read).transpose()
    }

    /// Signs a person in whose login was proved, and returns whose conversation goes on.
    ///
    /// `present` is the visitor who asks, proved by a token. They stay who they are, unless they belong to another
    /// login; with nothing said yet they go on where the login was last. Nobody gets a conversation by a login alone
    /// that was not had by that login before.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn sign_in(
        &self,
        thread_of: impl Fn(VisitorId) -> ThreadKey,
        login: &str,
        present: Option<VisitorId>,
    ) -> Result<VisitorId, TableError> {
        let fresh = VisitorId::new(self.environment.ulid());
        let connection = thread_of(fresh).connection;
        for attempt in 1.. {
            let latest: Option<Latest> =
                self.table.get(&keys::login(connection, login)).await?.map(Item::read).transpose()?;
            let mut bound = None;
            let mut kept = None;
            if let Some(present) = present {
                bound = self.visitor(connection, present).await?;
                let theirs = bound.as_ref().is_none_or(|visitor| visitor.login == login);
                let silent = self.thread(&thread_of(present)).await?.is_none();
                kept = (theirs && (!silent || bound.is_some() || latest.is_none())).then_some(present);
            }
            let visitor = match (kept, &latest) {
                (Some(kept), _) => kept,
                (None, Some(latest)) => return Ok(latest.visitor),
                (None, None) => fresh,
            };
            let mut writes = Vec::new();
            if kept.is_none() || bound.is_none() {
                let own = Visitor { version: 1, login: login.to_owned() };
                let item = Item::new(keys::visitor(connection, visitor), &own)?;
                writes.push(Write::Put(item, Condition::Absent));
            }
            if latest.as_ref().is_none_or(|latest| latest.visitor != visitor) {
                let (version, condition) = match &latest {
                    Some(latest) => (latest.version + 1, Condition::Version(latest.version)),
                    None => (1, Condition::Absent),
                };
                let item = Item::new(keys::login(connection, login), &Latest { version, visitor })?;
                writes.push(Write::Put(item, condition));
            }
            if writes.is_empty() {
                return Ok(visitor);
            }
            match self.table.write(writes).await {
                Ok(()) => return Ok(visitor),
                Err(TableError::ConditionFailed(_) | TableError::Conflict) if attempt < ATTEMPTS => {
                    self.yield_to_others(attempt).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Conflict)
    }

    /// Makes the conversation of somebody who signed in that of the login's contact: an anonymous contact gets the
    /// login as an identity; a login that has a contact already takes the conversation to it, and both contacts stay.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn adopt(&self, thread: &ThreadKey, sender: &Sender) -> Result<(), TableError> {
        for attempt in 1.. {
            let Some(thread) = self.thread(thread).await? else { return Ok(()) };
            let writes = match self.contact_by_identity(&sender.kind, &sender.address).await? {
                Some(owner) if owner == thread.contact => return Ok(()),
                Some(owner) => {
                    let seen = Condition::Version(thread.version);
                    let moved = Thread { contact: owner, version: thread.version + 1, ..thread };
                    vec![put_thread(&moved, seen)?]
                }
                None => {
                    let Some(mut contact) = self.contact(thread.contact).await? else { return Ok(()) };
                    contact.identities.push(Identity {
                        kind: sender.kind.clone(),
                        address: sender.address.clone(),
                        username: sender.username.clone(),
                        verified: true,
                    });
                    contact.name = sender.name.clone().or(contact.name);
                    contact.version += 1;
                    vec![
                        put_contact(&contact, Condition::Version(contact.version - 1))?,
                        put_identity(&sender.kind, &sender.address, contact.id)?,
                    ]
                }
            };
            match self.table.write(writes).await {
                Err(TableError::ConditionFailed(_) | TableError::Conflict) if attempt < ATTEMPTS => {
                    self.yield_to_others(attempt).await?;
                }
                done => return done,
            }
        }
        Ok(())
    }

    /// The contact of a sender, made if need be, after taking in a name and an e-mail address that they gave.
    ///
    /// The address proves nothing: it stands with the contact, unverified, and never leads to it.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn introduce(
        &self,
        sender: &Sender,
        thread: Option<ContactId>,
        email: Option<&str>,
        now: Timestamp,
    ) -> Result<ContactId, TableError> {
        for attempt in 1.. {
            let known = match thread {
                Some(contact) => Some(contact),
                None => self.contact_by_identity(&sender.kind, &sender.address).await?,
            };
            let before = match known {
                Some(known) => self.contact(known).await?,
                None => None,
            };
            let (mut contact, mut writes) = match before {
                Some(before) => (before, Vec::new()),
                None => new_contact(ContactId::new(self.environment.ulid()), sender, now)?,
            };
            let is_new = !writes.is_empty();
            let untold = contact.clone();
            if let Some(email) = email
                && contact.identities.len() < MAX_IDENTITIES
                && !contact.identities.iter().any(|known| known.kind == "email" && known.address == email)
            {
                contact.identities.push(Identity {
                    kind: "email".to_owned(),
                    address: email.to_owned(),
                    username: None,
                    verified: false,
                });
            }
            contact.name = contact.name.or_else(|| sender.name.clone());
            if is_new {
                writes.truncate(0);
                writes.push(put_contact(&contact, Condition::Absent)?);
                writes.push(put_identity(&sender.kind, &sender.address, contact.id)?);
            } else if contact == untold {
                return Ok(contact.id);
            } else {
                contact.version += 1;
                writes.push(put_contact(&contact, Condition::Version(untold.version))?);
            }
            match self.table.write(writes).await {
                Ok(()) => return Ok(contact.id),
                Err(TableError::ConditionFailed(_) | TableError::Conflict) if attempt < ATTEMPTS => {
                    self.yield_to_others(attempt).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(TableError::Conflict)
    }
}
