//! API tokens. The text of one is answered once, when it is made.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use desk::access::Scope;
use desk::ids::{AgentId, TeamId, TokenId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::seal::Sealed;
use store::table::TableError;
use store::tokens::{StoredToken, put_token};
use utoipa::ToSchema;

use crate::Shared;
use crate::access::{Access, TokensWrite, word};
use crate::body::Body;
use crate::bootstrap::{GIVEN, new_text};
use crate::once::{IdempotencyKey, Once};
use crate::page::{Page, Paging};
use crate::parameters::{Parameters, Place};
use crate::problem::Problem;
use crate::routes::{Routes, routes};
use crate::settings::valid_name;

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(list, create)).routes(routes!(show, revoke))
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is for.
    #[schema(max_length = 200)]
    name: String,
    /// Its rights; only such as the caller has.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// The only teams whose tickets it sees; all when absent or empty.
    #[serde(default)]
    teams: Vec<TeamId>,
    /// The agent in whose name it acts.
    #[serde(default)]
    agent: Option<AgentId>,
}

/// An API token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenView {
    /// The id.
    id: TokenId,
    /// What it is for.
    name: String,
    /// Its rights.
    scopes: Vec<Scope>,
    /// The only teams whose tickets it sees; all when empty.
    teams: Vec<TeamId>,
    /// The agent in whose name it acts.
    agent: Option<AgentId>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedToken {
    #[serde(flatten)]
    about: TokenView,
    /// The token itself. Never shown again.
    token: String,
}

/// What a request for a token made.
#[derive(Debug, Serialize, Deserialize)]
struct Made {
    about: StoredToken,
    text: Sealed,
}

impl From<StoredToken> for TokenView {
    fn from(token: StoredToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            teams: token.teams,
            agent: token.agent,
            created_at: token.created_at,
        }
    }
}

/// All tokens.
#[utoipa::path(
    get, path = "/tokens", operation_id = "list_tokens", tag = "tokens",
    params(Paging),
    responses((status = OK, body = Page<TokenView>)),
    security(("token" = ["tokens:write"])),
)]
async fn list(
    State(api): State<Shared>,
    access: Access<TokensWrite>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<Page<TokenView>>, Problem> {
    let mut tokens: Vec<_> = access.tokens().await?.into_iter().map(TokenView::from).collect();
    tokens.sort_by_key(|token| token.id);
    Ok(Json(paging.cut(&api.key, "tokens", tokens, |token| token.id.to_string())?))
}

/// Makes a token. Its text is in this answer only.
#[utoipa::path(
    post, path = "/tokens", operation_id = "create_token", tag = "tokens",
    params(IdempotencyKey),
    request_body = NewToken,
    responses((status = CREATED, body = CreatedToken)),
    security(("token" = ["tokens:write"])),
)]
async fn create(
    State(api): State<Shared>,
    access: Access<TokensWrite>,
    key: IdempotencyKey,
    Body { value: new, digest }: Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let once = Once::new(&api.desk, &access, &key, &digest);
    if let Some(made) = once.before().await? {
        return answer(&api, made);
    }
    let token = valid(&api, &access, new).await?;
    let text = new_text(&api.desk);
    let sealed = api.key.seal(api.desk.environment(), &place(&token), &text);
    let made = Made { about: token, text: sealed };
    let mut writes = vec![put_token(&text, &made.about)?];
    writes.extend(once.remember(&made)?);
    match api.desk.table().write(writes).await {
        Ok(()) => answer(&api, made),
        Err(TableError::ConditionFailed(_) | TableError::Conflict) => {
            let made = once.before().await?.ok_or_else(|| Problem::unavailable("a lost race"))?;
            answer(&api, made)
        }
        Err(error) => Err(error.into()),
    }
}

fn answer(api: &Shared, made: Made) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let text = api.key.open(&place(&made.about), &made.text).map_err(Problem::internal)?;
    let created = CreatedToken { about: made.about.into(), token: text.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(created)))
}

/// What a token's text is sealed for while its request may be repeated.
fn place(token: &StoredToken) -> String {
    format!("request/{}", token.id)
}

/// The token as it will be stored, if the caller may give it.
async fn valid(api: &Shared, access: &Access<TokensWrite>, new: NewToken) -> Result<StoredToken, Problem> {
    let name = valid_name(new.name, "/name")?;
    if name == GIVEN {
        let detail = "the environment's own token has this name, and replaces whatever else has it";
        return Err(Problem::invalid("reserved_name", "/name", detail));
    }
    if new.scopes.is_empty() {
        return Err(Problem::invalid("no_scopes", "/scopes", "a token has at least one scope"));
    }
    for (position, scope) in new.scopes.iter().enumerate() {
        if !access.token().scopes.contains(scope) {
            let detail = format!("the caller lacks the scope `{}`, so it cannot give it", word(*scope));
            return Err(Problem::invalid("scope_not_held", format!("/scopes/{position}"), detail));
        }
    }
    let mut scopes = new.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let sight = access.teams();
    if new.teams.is_empty() && !sight.is_empty() {
        return Err(Problem::invalid(
            "team_required",
            "/teams",
            "the caller sees some teams only, so must the token",
        ));
    }
    let settings = api.desk.reload_settings().await?;
    for (position, team) in new.teams.iter().enumerate() {
        let known = settings.teams.iter().any(|known| known.id == *team);
        if !known || !(sight.is_empty() || sight.contains(team)) {
            let detail = format!("there is no team {team}");
            return Err(Problem::invalid("unknown_team", format!("/teams/{position}"), detail));
        }
    }
    if let Some(agent) = new.agent
        && !settings.agents.iter().any(|known| known.id == agent)
    {
        return Err(Problem::invalid("unknown_agent", "/agent", format!("there is no agent {agent}")));
    }
    Ok(StoredToken {
        id: TokenId::new(api.desk.environment().ulid()),
        name,
        scopes,
        teams: new.teams,
        agent: new.agent,
        created_at: api.desk.now(),
    })
}

/// One token.
#[utoipa::path(
    get, path = "/tokens/{id}", operation_id = "get_token", tag = "tokens",
    params(("id" = TokenId, Path, description = "The token.")),
    responses((status = OK, body = TokenView)),
    security(("token" = ["tokens:write"])),
)]
async fn show(access: Access<TokensWrite>, Place(id): Place<String>) -> Result<Json<TokenView>, Problem> {
    Ok(Json(access.token_by_id(&id).await?.into()))
}

/// Revokes a token.
#[utoipa::path(
    delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    params(("id" = TokenId, Path, description = "The token.")),
    responses((status = NO_CONTENT)),
    security(("token" = ["tokens:write"])),
)]
async fn revoke(
    State(api): State<Shared>,
    access: Access<TokensWrite>,
    Place(id): Place<String>,
) -> Result<StatusCode, Problem> {
    let id = access.token_by_id(&id).await?.id;
    if api.desk.delete_token(id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
