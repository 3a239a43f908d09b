//! Where a ticket stands, and how urgent it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a ticket stands. The words are fixed; what they do to SLA clocks belongs to the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody of the team has answered yet.
    New,
    /// The ball is with the team.
    Open,
    /// The ball is with the customer. Clocks pause.
    WaitingCustomer,
    /// The ball is with somebody else, such as a supplier. Clocks pause.
    WaitingThirdParty,
    /// Done, as the team sees it. A customer's message within the reopening window opens it again.
    Solved,
    /// Done for good. A customer's message opens a linked new ticket.
    Closed,
    /// Unwanted.
    Spam,
    /// Continued in another ticket.
    Merged,
}

impl Status {
    /// Every status, in the order of a ticket's life.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Open,
        Self::WaitingCustomer,
        Self::WaitingThirdParty,
        Self::Solved,
        Self::Closed,
        Self::Spam,
        Self::Merged,
    ];

    /// The word of the API and of the index keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitingCustomer => "waiting_customer",
            Self::WaitingThirdParty => "waiting_third_party",
            Self::Solved => "solved",
            Self::Closed => "closed",
            Self::Spam => "spam",
            Self::Merged => "merged",
        }
    }

    /// Whether work on the ticket goes on.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::WaitingCustomer | Self::WaitingThirdParty)
    }

    /// Whether SLA clocks stand still, because somebody else must move first.
    pub const fn pauses_sla(self) -> bool {
        matches!(self, Self::WaitingCustomer | Self::WaitingThirdParty)
    }

    /// Whether nothing can change the ticket any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Merged)
    }
}

/// How urgent a ticket is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before the usual.
    High,
    /// Before everything else.
    Urgent,
}
