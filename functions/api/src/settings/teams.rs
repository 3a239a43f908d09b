//! Teams.

use desk::ids::{TeamId, Ulid};
use desk::settings::Team;
use desk::ticket::Status;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Kind, endpoints, valid_name};

endpoints!(Team, TeamBody, TeamId, "/teams", "/teams/{id}", "teams", "team");

/// What a team is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamBody {
    /// The name inside the firm.
    #[schema(max_length = 200)]
    name: String,
    /// The name that customers see as the sender, on connections that show teams; its own name when absent.
    #[serde(default)]
    #[schema(max_length = 200)]
    sender_name: Option<String>,
}

impl Kind for Team {
    type Body = TeamBody;

    const RECOMPUTE: bool = false;

    async fn make(_: &Shared, id: Ulid, body: TeamBody) -> Result<Self, Problem> {
        Ok(Self {
            id: TeamId::new(id),
            name: valid_name(body.name, "/name")?,
            sender_name: body.sender_name.map(|name| valid_name(name, "/sender_name")).transpose()?,
        })
    }

    fn ulid(id: &str) -> Option<Ulid> {
        id.parse().ok().map(TeamId::ulid)
    }

    async fn in_use(api: &Shared, id: Ulid) -> Result<Option<&'static str>, Problem> {
        let team = TeamId::new(id);
        let named = team.to_string();
        let connections = api.desk.connections().await?;
        if connections
            .iter()
            .any(|it| it.settings.get("team").and_then(serde_json::Value::as_str) == Some(&named))
        {
            return Ok(Some("A connection gives its tickets to the team."));
        }
        // Closed ones count, too: without its team nobody would find them in a list any more.
        let tickets = api.desk.list_tickets(&Status::ALL, &[Some(team)], None, 1, |_| true).await?;
        Ok((!tickets.items.is_empty()).then_some("The team has tickets."))
    }
}
