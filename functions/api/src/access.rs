//! Who asks, and the only way to what they may see.
//!
//! Handlers take an [`Access`] with the right that they need, and get tickets, files and contacts from it alone. So
//! nobody is told of an object that is out of their sight, whatever the handler.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use channels::bearer::bearer;
use desk::access::{Denied, Principal, Scope};
use desk::command::{Command, Refusal, Request};
use desk::event::{Actor, Event};
use desk::ids::{AttachmentId, ContactId, ReplyId, TeamId, TicketId};
use desk::reply::Reply;
use desk::ticket::{Status, Ticket};
use store::Desk;
use store::answering::Answer;
use store::attachments::StoredFile;
use store::contacts::Contact;
use store::execute::{ExecuteError, Executed};
use store::table::{TableError, Write};
use store::tickets::{Listed, Summary};
use store::tokens::StoredToken;

use crate::Shared;
use crate::problem::Problem;

/// How many rounds of a list are read for one page when much of it is out of sight.
const ROUNDS: usize = 20;

/// A right, as a type: what a handler needs is part of its signature.
pub(crate) trait Right: Send + Sync + 'static {
    /// The scope that a token needs.
    const SCOPE: Scope;
}

macro_rules! rights {
    ($($name:ident)*) => {$(
        #[doc = concat!("[`Scope::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub(crate) enum $name {}

        impl Right for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

rights!(TicketsRead TicketsWrite ContactsRead SettingsRead SettingsWrite TokensWrite Operations);

/// Somebody with a token that carries the right `R`.
#[derive(Debug)]
pub(crate) struct Access<R> {
    desk: Desk,
    token: StoredToken,
    principal: Principal,
    right: PhantomData<R>,
}

/// A ticket in sight of who asks.
#[derive(Debug, Clone)]
pub(crate) struct Visible(Ticket);

impl Deref for Visible {
    type Target = Ticket;

    fn deref(&self) -> &Ticket {
        &self.0
    }
}

impl<R: Right> FromRequestParts<Shared> for Access<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Shared) -> Result<Self, Problem> {
        let text = bearer(&parts.headers).ok_or_else(unauthorized)?;
        let token = api.desk.token(text).await?.ok_or_else(unauthorized)?;
        let principal = token.clone().principal();
        principal.require(R::SCOPE).map_err(refused)?;
        Ok(Self { desk: api.desk.clone(), token, principal, right: PhantomData })
    }
}

impl<R: Right> Access<R> {
    /// The token itself.
    pub(crate) const fn token(&self) -> &StoredToken {
        &self.token
    }

    /// Who acts, for the log of what they do.
    pub(crate) fn actor(&self) -> Actor {
        self.principal.actor.clone()
    }

    /// The only teams whose tickets are in sight; all when empty.
    pub(crate) fn teams(&self) -> &[TeamId] {
        &self.principal.teams
    }

    /// Whether another right is there, too.
    pub(crate) fn also(&self, scope: Scope) -> Result<(), Problem> {
        self.principal.require(scope).map_err(refused)
    }

    /// The name that notes and answers show as their author.
    pub(crate) async fn author(&self) -> Result<String, Problem> {
        Ok(self.agent_name().await?.unwrap_or_else(|| self.principal.name.clone()))
    }

    /// The name of the agent in whose name the token acts.
    pub(crate) async fn agent_name(&self) -> Result<Option<String>, Problem> {
        let Actor::Agent { id } = &self.principal.actor else { return Ok(None) };
        let settings = self.desk.settings().await?;
        Ok(settings.agents.iter().find(|agent| agent.id == *id).map(|agent| agent.name.clone()))
    }

    /// The ticket with this id or number (`tkt_…`, `1024`, `#1024`).
    pub(crate) async fn ticket(&self, reference: &str) -> Result<Visible, Problem> {
        let digits = reference.strip_prefix('#').unwrap_or(reference);
        let id = match digits.parse::<u64>() {
            Ok(number) => self.desk.ticket_by_number(number).await?,
            Err(_) => reference.parse().ok(),
        };
        match id {
            Some(id) => self.ticket_by_id(id).await,
            None => Err(Problem::not_found()),
        }
    }

    /// The ticket with this id.
    pub(crate) async fn ticket_by_id(&self, id: TicketId) -> Result<Visible, Problem> {
        let ticket = self.desk.ticket(id).await?.ok_or_else(Problem::not_found)?;
        self.principal.require_on(R::SCOPE, &ticket).map_err(refused)?;
        Ok(Visible(ticket))
    }

    /// Tickets in sight, the last changed first. All teams that are asked for, or all in sight when none is.
    pub(crate) async fn list_tickets(
        &self,
        statuses: &[Status],
        teams: Option<Vec<Option<TeamId>>>,
        before: Option<String>,
        limit: usize,
        keep: impl Fn(&Summary) -> bool,
    ) -> Result<Listed<Summary>, Problem> {
        let mut teams = match teams {
            Some(teams) => teams,
            None if !self.principal.teams.is_empty() => {
                self.principal.teams.iter().copied().map(Some).collect()
            }
            None => {
                let settings = self.desk.settings().await?;
                let teams = settings.teams.iter().map(|team| Some(team.id));
                teams.chain([None]).collect()
            }
        };
        teams.retain(|team| self.principal.sees_team(*team));
        Ok(self.desk.list_tickets(statuses, &teams, before, limit, keep).await?)
    }

    /// A contact's tickets in sight, the newest first.
    pub(crate) async fn contact_tickets(
        &self,
        contact: ContactId,
        before: Option<String>,
        limit: usize,
    ) -> Result<Listed<Ticket>, Problem> {
        let mut found = Listed { items: Vec::new(), next: before };
        for _ in 0..ROUNDS {
            let left = limit - found.items.len();
            let page = self.desk.contact_tickets(contact, found.next.take(), left).await?;
            found.items.extend(page.items.into_iter().filter(|ticket| self.principal.sees_team(ticket.team)));
            found.next = page.next;
            if found.next.is_none() || found.items.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The contact with this id.
    pub(crate) async fn contact(&self, id: &str) -> Result<Contact, Problem> {
        let id = id.parse().map_err(|_| Problem::not_found())?;
        self.contact_if_any(id).await?.ok_or_else(Problem::not_found)
    }

    /// The contact with this id, if there is one in sight: who sees some teams only, sees whoever has a ticket there.
    pub(crate) async fn contact_if_any(&self, id: ContactId) -> Result<Option<Contact>, Problem> {
        let Some(contact) = self.desk.contact(id).await? else { return Ok(None) };
        let seen =
            self.principal.teams.is_empty() || !self.contact_tickets(id, None, 1).await?.items.is_empty();
        Ok(seen.then_some(contact))
    }

    /// Tokens in sight: who sees some teams only, knows of no token that sees more.
    pub(crate) async fn tokens(&self) -> Result<Vec<StoredToken>, Problem> {
        let mine = &self.principal.teams;
        let within = |token: &StoredToken| {
            mine.is_empty() || (!token.teams.is_empty() && token.teams.iter().all(|team| mine.contains(team)))
        };
        Ok(self.desk.tokens().await?.into_iter().filter(within).collect())
    }

    /// The token with this id.
    pub(crate) async fn token_by_id(&self, id: &str) -> Result<StoredToken, Problem> {
        let found = self.tokens().await?.into_iter().find(|token| token.id.to_string() == id);
        found.ok_or_else(Problem::not_found)
    }

    /// A ticket's events, oldest first, beyond the position `after`.
    pub(crate) async fn events(
        &self,
        ticket: &Visible,
        after: u64,
        limit: usize,
    ) -> Result<Listed<Event>, Problem> {
        Ok(self.desk.events(ticket.id, after, limit).await?)
    }

    /// One event of a ticket.
    pub(crate) async fn event(&self, ticket: &Visible, seq: &str) -> Result<Event, Problem> {
        let seq = seq.parse().map_err(|_| Problem::not_found())?;
        self.desk.event(ticket.id, seq).await?.ok_or_else(Problem::not_found)
    }

    /// Replies of a ticket, in any order, without the copies that go to other conversations.
    pub(crate) async fn replies(&self, ticket: &Visible, ids: &[ReplyId]) -> Result<Vec<Reply>, Problem> {
        let mut replies = Vec::new();
        for thread in ticket.thread.iter().chain(&ticket.went_on_in) {
            replies.extend(self.desk.replies(thread, ids).await?);
        }
        replies.retain(|reply| reply.ticket == ticket.id && reply.copy_of.is_none());
        Ok(replies)
    }

    /// The copies of some replies, in any order.
    pub(crate) async fn copies(&self, replies: &[Reply]) -> Result<Vec<Reply>, Problem> {
        let mut copies = Vec::new();
        for reply in replies {
            if let Some(thread) = &reply.copied_to {
                copies.extend(self.desk.reply(thread, reply.id).await?);
            }
        }
        Ok(copies)
    }

    /// One reply of a ticket.
    pub(crate) async fn reply(&self, ticket: &Visible, id: ReplyId) -> Result<Reply, Problem> {
        self.replies(ticket, &[id]).await?.pop().ok_or_else(Problem::not_found)
    }

    /// A file: through the ticket that it belongs to, or, while it belongs to none, for who could put it on one.
    pub(crate) async fn file(&self, id: &str) -> Result<StoredFile, Problem> {
        let id: AttachmentId = id.parse().map_err(|_| Problem::not_found())?;
        let file = self.desk.file(id).await?.ok_or_else(Problem::not_found)?;
        match file.ticket {
            Some(ticket) => {
                self.ticket_by_id(ticket).await?;
            }
            None => self.principal.require(Scope::TicketsWrite).map_err(|_| Problem::not_found())?,
        }
        Ok(file)
    }

    /// Several files of a ticket's messages, in any order.
    pub(crate) async fn files(
        &self,
        ticket: &Visible,
        ids: &[AttachmentId],
    ) -> Result<Vec<StoredFile>, Problem> {
        let mut files = self.desk.files(ids).await?;
        files.retain(|file| file.ticket == Some(ticket.id));
        Ok(files)
    }

    /// Executes a command on a ticket, with companion writes, all or nothing.
    pub(crate) async fn execute(
        &self,
        ticket: &Visible,
        command: Command,
        companions: impl Fn(&Event, &Ticket) -> Result<Vec<Write>, TableError>,
    ) -> Result<Executed, ExecuteError> {
        let request = Request { actor: self.actor(), cause: None, command };
        let tried =
            self.desk.execute_with(ticket.id, Some(ticket.0.clone()), request.clone(), &companions).await;
        match tried {
            // Another process may have made the team or the agent since the settings were read here.
            Err(ExecuteError::Refused(Refusal::UnknownTeam(_) | Refusal::UnknownAgent(_))) => {
                self.desk.reload_settings().await?;
                self.desk.execute_with(ticket.id, None, request, &companions).await
            }
            done => done,
        }
    }

    /// Writes an answer to the customer, with companion writes, all or nothing.
    pub(crate) async fn answer(
        &self,
        ticket: &Visible,
        answer: Answer,
        companions: impl Fn(&Reply) -> Result<Vec<Write>, TableError>,
    ) -> Result<Executed, ExecuteError> {
        self.desk.answer(ticket.id, Some(ticket.0.clone()), answer, self.actor(), None, companions).await
    }
}

fn unauthorized() -> Problem {
    let detail = "This needs a valid token in the header `Authorization: Bearer <token>`.";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

fn refused(denied: Denied) -> Problem {
    match denied {
        Denied::Scope(scope) => {
            let detail = format!("The token lacks the scope `{}`.", word(scope));
            Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail)
        }
        Denied::Hidden => Problem::not_found(),
    }
}

/// The word of a scope.
pub(crate) fn word(scope: Scope) -> String {
    match serde_json::to_value(scope) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
