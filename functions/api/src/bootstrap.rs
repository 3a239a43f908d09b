//! The first token: what lets the owner of a new desk in.
//!
//! Whoever calls these functions was let in by other means: the machine's own, or IAM.

use desk::access::Scope;
use desk::ids::TokenId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Desk;
use store::seal::Secret;
use store::table::TableError;
use store::tokens::StoredToken;

/// What every token begins with, so that a leaked one is recognised.
const PREFIX: &str = "ldk_";

/// What a direct invocation asks for.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
enum Direct {
    /// A token with all rights.
    CreateToken {
        /// What it is for.
        #[serde(default)]
        name: Option<String>,
    },
}

/// Why a direct invocation was not done.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// It asks for nothing that there is.
    #[error("expected {{\"command\": \"create-token\", \"name\": \"…\"}}: {0}")]
    Unknown(#[from] serde_json::Error),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Does what a direct invocation of the function asks for: `{"command": "create-token", "name": "…"}` makes a token
/// with all rights and answers `{"id": "tok_…", "token": "ldk_…"}`.
///
/// # Errors
/// When the request is another one, or the table is unavailable.
pub async fn direct(desk: &Desk, request: Value) -> Result<Value, DirectError> {
    let Direct::CreateToken { name } = serde_json::from_value(request)?;
    let name = name.unwrap_or_else(|| "made by a direct invocation".to_owned());
    let text = new_text(desk);
    let id = save(desk, &text, &name).await?;
    Ok(json!({"id": id, "token": text.expose()}))
}

/// The name of the token that the environment of a desk on one machine gives.
pub(crate) const GIVEN: &str = "LAMBDESK_API_TOKEN";

/// Makes sure that a desk on one machine has a token with all rights: the given one, in place of the one that was
/// given before, or one that is made when there is none at all. Returns the text of one that was made.
///
/// # Errors
/// When the table is unavailable.
pub async fn first_token(desk: &Desk, given: Option<&str>) -> Result<Option<Secret>, TableError> {
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    if let Some(given) = given
        && desk.token(given).await?.is_some()
    {
        // It keeps its id through every start, so that the log of what it did stays whole.
        return Ok(None);
    }
    for token in desk.tokens().await?.iter().filter(|token| token.name == GIVEN) {
        desk.delete_token(token.id).await?;
    }
    if let Some(given) = given {
        save(desk, &Secret::new(given), GIVEN).await?;
    } else if desk.tokens().await?.is_empty() {
        let text = new_text(desk);
        save(desk, &text, "made at the first start").await?;
        return Ok(Some(text));
    }
    Ok(None)
}

async fn save(desk: &Desk, text: &Secret, name: &str) -> Result<TokenId, TableError> {
    let token = StoredToken {
        id: TokenId::new(desk.environment().ulid()),
        name: name.to_owned(),
        scopes: Scope::ALL.to_vec(),
        teams: Vec::new(),
        agent: None,
        created_at: desk.now(),
    };
    desk.save_token(text, &token).await?;
    Ok(token.id)
}

/// The text of a new token.
pub(crate) fn new_text(desk: &Desk) -> Secret {
    Secret::new(format!("{PREFIX}{}", desk.environment().secret()))
}
