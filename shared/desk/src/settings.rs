//! What the owner configures, as far as decisions depend on it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::Calendar;
use crate::ids::{AgentId, TeamId};
use crate::sla::Policy;

/// All settings that [`decide`](crate::decide()) reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// SLA policies, in the order in which they are tried.
    pub policies: Vec<Policy>,
    /// The calendars that policies name.
    pub calendars: Vec<Calendar>,
    /// The teams that tickets can be given to.
    pub teams: Vec<Team>,
    /// The agents that tickets can be given to.
    pub agents: Vec<Agent>,
    /// Everything else.
    pub general: General,
}

/// Settings of the whole desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct General {
    /// How long after the solution a customer's message opens the same ticket again, in seconds. Then it is
    /// closed, and a new message opens a new, linked ticket.
    #[serde(default = "General::default_reopen_seconds")]
    pub reopen_seconds: u32,
}

impl General {
    const fn default_reopen_seconds() -> u32 {
        7 * 24 * 60 * 60
    }

    /// How long after the solution a customer's message opens the same ticket again.
    pub fn reopen_window(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.reopen_seconds))
    }
}

impl Default for General {
    fn default() -> Self {
        Self { reopen_seconds: Self::default_reopen_seconds() }
    }
}

/// A team of agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Team {
    /// The id.
    pub id: TeamId,
    /// The name inside the firm.
    pub name: String,
    /// The name that customers see as the sender; the connection's, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
}

/// A person of the firm who works on tickets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// The id.
    pub id: AgentId,
    /// The name inside the firm, and outside where the connection shows agents' names.
    pub name: String,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}
