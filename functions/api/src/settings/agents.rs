//! Agents.

use desk::ids::{AgentId, Ulid};
use desk::settings::Agent;
use desk::ticket::Status;
use serde::Deserialize;
use store::tickets::Summary;
use utoipa::ToSchema;

use super::{Kind, endpoints, valid_name};

endpoints!(Agent, AgentBody, AgentId, "/agents", "/agents/{id}", "agents", "agent");

/// The statuses of tickets that somebody still has to work on, or may have to again.
const UNFINISHED: [Status; 5] =
    [Status::New, Status::Open, Status::WaitingCustomer, Status::WaitingThirdParty, Status::Solved];

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
        if tokens.iter().any(|token| token.agent == Some(agent)) {
            return Ok(Some("A token acts in the agent's name."));
        }
        let settings = api.desk.reload_settings().await?;
        let teams: Vec<_> = settings.teams.iter().map(|team| Some(team.id)).chain([None]).collect();
        let mut position = None;
        loop {
            let assigned = |ticket: &Summary| ticket.assignee == Some(agent);
            let found = api.desk.list_tickets(&UNFINISHED, &teams, position, 1, assigned).await?;
            if !found.items.is_empty() {
                return Ok(Some("The agent has tickets to work on."));
            }
            // A page may end before anything was found.
            position = found.next;
            if position.is_none() {
                return Ok(None);
            }
        }
    }
}

/// Whether a text can be an e-mail address; only a message to it could tell more.
fn is_address(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}
