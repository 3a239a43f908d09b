//! Contacts and their identities.

use desk::ids::ContactId;
use desk::inbound::Sender;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::keys;
use crate::table::{Condition, Item, Query, TableError, Write};
use crate::threads::Author;
use crate::tickets::Listed;

/// The kind of address that a telephone number is.
const PHONE: &str = "phone";
/// A contact that has as many addresses gets no other by what a customer tells.
pub(crate) const MAX_IDENTITIES: usize = 10;

/// A person who writes to the firm, on any number of channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// The id.
    pub id: ContactId,
    /// Counts the writes.
    pub version: u64,
    /// The name that the person showed last, or the owner gave.
    pub name: Option<String>,
    /// IETF language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The addresses by which the person is known.
    pub identities: Vec<Identity>,
    /// When the person first wrote.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// An address of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// The kind of address, such as `telegram`, `email` or `phone`.
    pub kind: String,
    /// The address, as the platform knows it for ever.
    pub address: String,
    /// The public handle, which may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether the platform proves that the person owns the address.
    pub verified: bool,
}

/// The contact that an identity leads to.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    contact: ContactId,
    verified: bool,
}

impl Desk {
    /// A contact.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn contact(&self, id: ContactId) -> Result<Option<Contact>, TableError> {
        self.table.get(&keys::contact(id)).await?.map(Item::read).transpose()
    }

    /// The contact with this address.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn contact_by_identity(
        &self,
        kind: &str,
        address: &str,
    ) -> Result<Option<ContactId>, TableError> {
        let found = self.table.get(&keys::identity(kind, address)).await?;
        Ok(found.map(Item::read::<Owner>).transpose()?.map(|owner| owner.contact))
    }

    /// Who a sender is: a contact that is known, or a new one.
    pub(crate) async fn known_by(&self, sender: &Sender) -> Result<Author, TableError> {
        if let Some(contact) = self.contact_by_identity(&sender.kind, &sender.address).await? {
            return Ok(Author { contact, made_by: self.learn_phone(contact, sender).await? });
        }
        let sender = Sender { phone: self.new_phone(sender).await?, ..sender.clone() };
        let (contact, made_by) = new_contact(ContactId::new(self.environment.ulid()), &sender, self.now())?;
        Ok(Author { contact: contact.id, made_by })
    }

    /// The writes by which a contact is known by the telephone number that a sender proves, too; none where nobody
    /// proves one, or it leads to somebody already: contacts are never merged by it.
    pub(crate) async fn learn_phone(
        &self,
        contact: ContactId,
        sender: &Sender,
    ) -> Result<Vec<Write>, TableError> {
        let Some(phone) = self.new_phone(sender).await? else { return Ok(Vec::new()) };
        let Some(mut contact) = self.contact(contact).await? else { return Ok(Vec::new()) };
        if contact.identities.len() >= MAX_IDENTITIES {
            return Ok(Vec::new());
        }
        let seen = Condition::Version(contact.version);
        contact.version += 1;
        contact.identities.push(Identity::of_phone(phone.clone()));
        Ok(vec![put_contact(&contact, seen)?, put_identity(PHONE, &phone, contact.id)?])
    }

    /// The telephone number that a sender proves, unless it leads to a contact already.
    async fn new_phone(&self, sender: &Sender) -> Result<Option<String>, TableError> {
        let Some(phone) = &sender.phone else { return Ok(None) };
        let known = self.contact_by_identity(PHONE, phone).await?;
        Ok(known.is_none().then(|| phone.clone()))
    }
}

impl Identity {
    /// A telephone number that a platform has proved.
    fn of_phone(address: String) -> Self {
        Self { kind: PHONE.to_owned(), address, username: None, verified: true }
    }
}

/// A new contact for a sender, and the writes that make it. They fail when somebody else makes it at the same time.
pub(crate) fn new_contact(
    id: ContactId,
    sender: &Sender,
    now: Timestamp,
) -> Result<(Contact, Vec<Write>), TableError> {
    let own = Identity {
        kind: sender.kind.clone(),
        address: sender.address.clone(),
        username: sender.username.clone(),
        verified: true,
    };
    let identities: Vec<_> =
        std::iter::once(own).chain(sender.phone.clone().map(Identity::of_phone)).collect();
    let contact = Contact {
        id,
        version: 1,
        name: sender.name.clone(),
        language: sender.language.clone(),
        identities,
        created_at: now,
    };
    let mut writes = vec![put_contact(&contact, Condition::Absent)?];
    for identity in &contact.identities {
        writes.push(put_identity(&identity.kind, &identity.address, id)?);
    }
    Ok((contact, writes))
}

/// The write of a contact.
pub(crate) fn put_contact(contact: &Contact, condition: Condition) -> Result<Write, TableError> {
    Ok(Write::Put(Item::new(keys::contact(contact.id), contact)?, condition))
}

/// The write that makes a proved address lead to a contact. It fails when the address leads somewhere.
pub(crate) fn put_identity(kind: &str, address: &str, contact: ContactId) -> Result<Write, TableError> {
    let owner = Owner { contact, verified: true };
    Ok(Write::Put(Item::new(keys::identity(kind, address), &owner)?, Condition::Absent))
}

/// Words by which contacts are found: a projection in the `index` table that can be rebuilt.
#[derive(Clone)]
pub struct ContactSearch {
    index: std::sync::Arc<dyn crate::table::Table>,
}

/// A contact as the search finds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The contact.
    pub contact: ContactId,
}

/// A contact with the word by which the search found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The word.
    pub word: String,
    /// The contact.
    pub contact: ContactId,
}

impl ContactSearch {
    /// The search on the index table.
    pub fn new(index: std::sync::Arc<dyn crate::table::Table>) -> Self {
        Self { index }
    }

    /// Makes a contact findable by its name, handles and addresses. Idempotent.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn add(&self, contact: &Contact) -> Result<(), TableError> {
        let mut words = contact.words();
        words.sort_unstable();
        words.dedup();
        words.truncate(crate::table::MAX_WRITES);
        let found = Found { contact: contact.id };
        let writes = words
            .iter()
            .map(|word| Ok(Write::Put(Item::new(posting(word, contact.id), &found)?, Condition::Any)))
            .collect::<Result<Vec<_>, TableError>>()?;
        if writes.is_empty() { Ok(()) } else { self.index.write(writes).await }
    }

    /// Contacts that have a word that begins with the longest word of `query`. A contact with several such words
    /// comes several times; [`Contact::is_hit`] lets each through once.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn find(
        &self,
        query: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<Listed<Hit>, TableError> {
        // The other words are checked against the contact by the caller.
        let Some(word) = &longest_word(query) else { return Ok(Listed { items: Vec::new(), next: None }) };
        let query = Query::partition(bucket(word)).begins_with(word).after(after).limit(limit);
        let page = self.index.query(query).await?;
        let next = page.items.last().filter(|_| page.more).map(|last| last.key.sk.clone());
        let items = page
            .items
            .into_iter()
            .map(|item| {
                let word = item.key.sk.split('#').next().unwrap_or_default().to_owned();
                item.read::<Found>().map(|found| Hit { word, contact: found.contact })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Listed { items, next })
    }
}

impl Contact {
    /// Whether each word of `query` begins a word of the name, a handle or an address.
    pub fn matches(&self, query: &str) -> bool {
        let own = self.words();
        words(query).iter().all(|wanted| own.iter().any(|word| word.starts_with(wanted)))
    }

    /// Whether the contact matches and was found by the first of its words that the search can find it by.
    pub fn is_hit(&self, query: &str, word: &str) -> bool {
        let Some(wanted) = longest_word(query) else { return false };
        let own = self.words();
        let first = own.iter().filter(|own| own.starts_with(&wanted)).min();
        first.is_some_and(|first| first == word) && self.matches(query)
    }

    /// The words of the name, the handles and the addresses.
    fn words(&self) -> Vec<String> {
        let mut own = words(self.name.as_deref().unwrap_or_default());
        for identity in &self.identities {
            own.extend(words(&identity.address));
            own.extend(words(identity.username.as_deref().unwrap_or_default()));
        }
        own
    }
}

/// The word of a query that narrows most.
fn longest_word(query: &str) -> Option<String> {
    words(query).into_iter().max_by_key(String::len)
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(40).collect())
        .collect()
}

/// The partition of a word: its first character, so that any prefix finds it in one query.
fn bucket(word: &str) -> String {
    format!("P#contact#{}", word.chars().take(1).collect::<String>())
}

fn posting(word: &str, contact: ContactId) -> crate::table::Key {
    crate::table::Key::new(bucket(word), format!("{word}#{contact}"))
}
