//! Who may do what: the one place where rights are decided, below every transport.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::Actor;
use crate::ids::TeamId;
use crate::ticket::Ticket;

/// A right that an API token can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Read tickets, their events and files.
    #[serde(rename = "tickets:read")]
    TicketsRead,
    /// Open and change tickets, reply and take notes.
    #[serde(rename = "tickets:write")]
    TicketsWrite,
    /// Read contacts.
    #[serde(rename = "contacts:read")]
    ContactsRead,
    /// Read settings: connections without their secrets, teams, agents, policies, calendars.
    #[serde(rename = "settings:read")]
    SettingsRead,
    /// Change settings.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Make and revoke API tokens.
    #[serde(rename = "tokens:write")]
    TokensWrite,
    /// Look after the desk: the doctor, dead letters, replays.
    #[serde(rename = "operations")]
    Operations,
}

impl Scope {
    /// Every right.
    pub const ALL: [Self; 7] = [
        Self::TicketsRead,
        Self::TicketsWrite,
        Self::ContactsRead,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::TokensWrite,
        Self::Operations,
    ];
}

/// Somebody who was recognised, and what they may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Who it is, for the log of what they do.
    pub actor: Actor,
    /// The name that is shown as the author.
    pub name: String,
    /// Their rights.
    pub scopes: Vec<Scope>,
    /// The only teams whose tickets they may see; all teams when empty.
    pub teams: Vec<TeamId>,
}

/// A right is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The principal lacks the scope altogether, and may be told so.
    #[error("the token lacks a scope that this needs")]
    Scope(Scope),
    /// The object is out of the principal's sight: for them it does not exist.
    #[error("there is no such object")]
    Hidden,
}

impl Principal {
    /// Whether the principal has a right at all.
    ///
    /// # Errors
    /// [`Denied::Scope`] when it is missing.
    pub fn require(&self, scope: Scope) -> Result<(), Denied> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Denied::Scope(scope)) }
    }

    /// Whether the principal may use a right on this ticket.
    ///
    /// # Errors
    /// [`Denied::Scope`] when the right is missing, [`Denied::Hidden`] when the ticket is another team's.
    pub fn require_on(&self, scope: Scope, ticket: &Ticket) -> Result<(), Denied> {
        self.require(scope)?;
        if self.sees_team(ticket.team) { Ok(()) } else { Err(Denied::Hidden) }
    }

    /// Whether tickets of a team, or of none, are in the principal's sight.
    pub fn sees_team(&self, team: Option<TeamId>) -> bool {
        self.teams.is_empty() || team.is_some_and(|team| self.teams.contains(&team))
    }
}
