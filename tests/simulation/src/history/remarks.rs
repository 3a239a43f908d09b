//! What customers do beside writing.

use serde_json::Value;

use super::History;

/// What a customer does beside writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// They react to a message.
    Reacts {
        /// The platform's id of the message.
        message: i64,
        /// With what.
        emoji: &'static str,
        /// The place of what was said, where it is a message of theirs.
        about: Option<usize>,
    },
    /// They block the bot, or no longer do.
    Blocks(bool),
}

/// Something that a customer did beside writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub deed: Deed,
    /// Who did it, on which channel.
    pub by: String,
    /// What events name as their cause that follow from it.
    pub cause: String,
    /// Whether the desk acknowledged it.
    pub acknowledged: bool,
}

impl Remark {
    /// A deed, who does it, and the update that tells of it.
    pub fn new(deed: Deed, by: &str, update: &Value) -> Self {
        let id = update.get("update_id").and_then(Value::as_i64).unwrap_or_default();
        Self { deed, by: by.to_owned(), cause: format!("inbound:update:{id}"), acknowledged: false }
    }
}

impl History {
    /// Notes something that is about to be done. Returns its place.
    pub fn remark(&self, remark: Remark) -> usize {
        let mut state = self.state();
        state.remarks.push(remark);
        state.remarks.len() - 1
    }

    /// Notes that the desk acknowledged what was done.
    pub fn remark_acknowledged(&self, place: usize) {
        if let Some(remark) = self.state().remarks.get_mut(place) {
            remark.acknowledged = true;
        }
    }
}
