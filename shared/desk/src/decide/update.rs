//! Changing what agents edit.

use super::draft::Draft;
use crate::command::{Refusal, Update};
use crate::event::{Changes, Content, Fact, Said};
use crate::ticket::Ticket;

impl Draft<'_> {
    /// Makes the changes. `None` when nothing changes.
    pub(super) fn update(&mut self, update: Update) -> Result<Option<(Fact, Content)>, Refusal> {
        let ticket = self.ticket;
        if let Some(expected) = update.expected
            && expected != ticket.revision
        {
            return Err(Refusal::Stale { expected, current: ticket.revision });
        }
        if ticket.status.is_final() {
            return Err(Refusal::Final(ticket.status));
        }
        let changes = Changes {
            priority: update.priority.filter(|priority| *priority != ticket.priority),
            team: update.team.filter(|team| *team != ticket.team),
            assignee: update.assignee.filter(|assignee| *assignee != ticket.assignee),
            tags: update.tags.map(tidy).transpose()?.filter(|tags| *tags != ticket.tags),
            subject: update.subject.as_ref().is_some_and(|subject| *subject != ticket.subject),
        };
        if let Some(Some(team)) = changes.team
            && !self.settings.teams.iter().any(|known| known.id == team)
        {
            return Err(Refusal::UnknownTeam(team));
        }
        if let Some(Some(agent)) = changes.assignee
            && !self.settings.agents.iter().any(|known| known.id == agent)
        {
            return Err(Refusal::UnknownAgent(agent));
        }
        let said = match update.subject.filter(|_| changes.subject) {
            Some(subject) => Said { subject: Some(valid_subject(subject)?), ..Said::default() }.into(),
            None => Content::None,
        };
        if let Some(status) = update.status {
            let to = self.allowed(status)?;
            self.go(to);
        }
        if let Some(priority) = changes.priority {
            self.priority = priority;
            self.retarget();
        }
        if changes == Changes::default() && self.effects.status.is_none() {
            return Ok(None);
        }
        Ok(Some((Fact::Updated(changes), said)))
    }
}

/// Checks a subject.
///
/// # Errors
/// When it is empty or too long.
pub fn valid_subject(subject: String) -> Result<String, Refusal> {
    let subject = subject.trim().to_owned();
    if subject.is_empty() || subject.chars().count() > Ticket::MAX_SUBJECT_LENGTH {
        let limit = Ticket::MAX_SUBJECT_LENGTH;
        return Err(Refusal::Invalid(format!("a subject has 1 to {limit} characters")));
    }
    Ok(subject)
}

/// Trims tags, drops repetitions, keeps the order.
fn tidy(tags: Vec<String>) -> Result<Vec<String>, Refusal> {
    let mut tidied: Vec<String> = Vec::new();
    for tag in tags {
        let tag = tag.trim().to_owned();
        if tag.is_empty() || tag.chars().count() > Ticket::MAX_TAG_LENGTH {
            let limit = Ticket::MAX_TAG_LENGTH;
            return Err(Refusal::Invalid(format!("a tag has 1 to {limit} characters")));
        }
        if !tidied.contains(&tag) {
            tidied.push(tag);
        }
    }
    if tidied.len() > Ticket::MAX_TAGS {
        return Err(Refusal::Invalid(format!("a ticket has at most {} tags", Ticket::MAX_TAGS)));
    }
    Ok(tidied)
}
