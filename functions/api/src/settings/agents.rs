//! Agents.

use desk::ids::{AgentId, Ulid};
use desk::settings::Agent;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Kind, endpoints, valid_name};

endpoints!(Agent, AgentBody, AgentId, "/agents", "/agents/{id}", "agents", "agent");

/// What an agent is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentBody {
    /// The name inside the firm, and outside where the connection shows agents' names.
    #[schema(max_length = 200)]
    name: String,
    /// The e-mail address.
    #[serde(default)]
    #[schema(max_length = 254)]
    email: Option<String>,
}

impl Kind for Agent {
    type Body = AgentBody;

    const RECOMPUTE: bool = false;

    async fn make(_: &Shared, id: Ulid, body: AgentBody) -> Result<Self, Problem> {
        if let Some(email) = &body.email
            && !is_address(email)
        {
            return Err(Problem::invalid("invalid_email", "/email", "must be an e-mail address"));
        }
        Ok(Self { id: AgentId::new(id), name: valid_name(body.name, "/name")?, email: body.email })
    }

    fn ulid(id: &str) -> Option<Ulid> {
        id.parse().ok().map(AgentId::ulid)
    }

    async fn in_use(api: &Shared, id: Ulid) -> Result<Option<&'static str>, Problem> {
        let agent = AgentId::new(id);
        let tokens = api.desk.tokens().await?;
        Ok(tokens
            .iter()
            .any(|token| token.agent == Some(agent))
            .then_some("A token acts in the agent's name."))
    }
}

/// Whether a text can be an e-mail address; only a message to it could tell more.
fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}
