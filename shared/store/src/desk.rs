//! The desk on its table: what every function starts from.

use std::sync::Arc;

use jiff::Timestamp;

use crate::environment::Environment;
use crate::settings::SettingsCache;
use crate::table::Table;

/// The main table with time and chance: repositories and [`execute`](Desk::execute) are its methods.
///
/// | module | methods about |
/// |---|---|
/// | [`tickets`](crate::tickets) | heads, events, lists |
/// | [`execute`](crate::execute) | the one way to change a ticket |
/// | [`opening`](crate::opening) | new tickets, with their thread and contact |
/// | [`threads`](crate::threads), [`contacts`](crate::contacts) | conversations, people |
/// | [`replies`](crate::replies) | the outbox |
/// | [`attachments`](crate::attachments) | files |
/// | [`connections`](crate::connections), [`settings`](crate::settings), [`tokens`](crate::tokens) | what the owner configures |
#[derive(Clone)]
pub struct Desk {
    pub(crate) table: Arc<dyn Table>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) settings: Arc<SettingsCache>,
}

impl Desk {
    /// A desk on a table.
    pub fn new(table: Arc<dyn Table>, environment: Arc<dyn Environment>) -> Self {
        Self { table, environment, settings: Arc::default() }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.environment.now()
    }

    /// Time and chance.
    pub fn environment(&self) -> &dyn Environment {
        &*self.environment
    }

    /// The table itself, for what has no repository of its own.
    pub fn table(&self) -> &dyn Table {
        &*self.table
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
