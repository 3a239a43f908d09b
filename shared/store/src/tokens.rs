//! API tokens: stored as hashes, so that a stolen table opens nothing.

use desk::access::{Principal, Scope};
use desk::event::Actor;
use desk::ids::{AgentId, TeamId, TokenId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::desk::Desk;
use crate::keys;
use crate::seal::Secret;
use crate::table::{Condition, Item, Query, TableError, Write};

const KIND: &str = "token";

/// An API token without the token itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredToken {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// Its rights.
    pub scopes: Vec<Scope>,
    /// The only teams whose tickets it sees; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<TeamId>,
    /// The agent in whose name it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl StoredToken {
    /// Who acts with this token.
    pub fn principal(self) -> Principal {
        let actor = match self.agent {
            Some(id) => Actor::Agent { id },
            None => Actor::Token { id: self.id },
        };
        Principal { actor, name: self.name, scopes: self.scopes, teams: self.teams }
    }
}

impl Desk {
    /// The token with this text. Equal work for known and unknown ones: one read by hash.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn token(&self, text: &str) -> Result<Option<StoredToken>, TableError> {
        self.table.get(&keys::setting(KIND, &hash(text))).await?.map(Item::read).transpose()
    }

    /// All tokens.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn tokens(&self) -> Result<Vec<StoredToken>, TableError> {
        Ok(self.tokens_with_keys().await?.into_iter().map(|(_, token)| token).collect())
    }

    /// Stores a token under the hash of its text; a text that is stored already gets the new rights.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn save_token(&self, text: &Secret, token: &StoredToken) -> Result<(), TableError> {
        self.table.write(vec![put_token(text, token)?]).await
    }

    /// Revokes a token. Whether there was one.
    ///
    /// # Errors
    /// When the table is unavailable.
    pub async fn delete_token(&self, id: TokenId) -> Result<bool, TableError> {
        let found = self.tokens_with_keys().await?.into_iter().find(|(_, token)| token.id == id);
        let Some((key, _)) = found else { return Ok(false) };
        self.table.write(vec![Write::Delete(key, Condition::Any)]).await?;
        Ok(true)
    }

    async fn tokens_with_keys(&self) -> Result<Vec<(crate::table::Key, StoredToken)>, TableError> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.table.query(Query::partition(keys::setting_partition(KIND)).after(after)).await?;
            after = page.items.last().map(|last| last.key.sk.clone());
            for item in page.items {
                found.push((item.key.clone(), item.read()?));
            }
            if !page.more {
                return Ok(found);
            }
        }
    }
}

/// The write of a token, under the hash of its text.
///
/// # Errors
/// Never in practice: when the token does not serialise.
pub fn put_token(text: &Secret, token: &StoredToken) -> Result<Write, TableError> {
    Ok(Write::Put(Item::new(keys::setting(KIND, &hash(text.expose())), token)?, Condition::Any))
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
