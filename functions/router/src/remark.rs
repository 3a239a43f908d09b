//! Everything about a conversation that is no message of its own: edits, reactions, buttons, reachability.

use desk::channel::ThreadKey;
use desk::command::{Command, Refusal, Request};
use desk::event::{Actor, ButtonPressed, Said};
use desk::ids::{ContactId, TicketId};
use desk::inbound::{Happened, Inbound};
use desk::message::MessageContent;
use store::execute::ExecuteError;
use store::messages::{PlatformMessage, put_delivery};
use store::table::TableError;
use store::threads::Thread;

use crate::undelivered::Report;
use crate::{RouteError, Router, cause};

impl Router {
    /// Notes on the right ticket what happened. Idempotent by the delivery's key. What only its message can tell the
    /// conversation of waits for that, and at the `last` try goes where it can.
    pub(crate) async fn remark(
        &self,
        inbound: &Inbound,
        happened: Happened,
        last: bool,
    ) -> Result<(), RouteError> {
        if let Happened::Undelivered { ids, addresses, permanent, reason, detail, delayed, reply, content } =
            happened
        {
            let report = Report { ids, addresses, permanent, reason, detail, delayed, reply, content };
            return self.undelivered(inbound, report).await;
        }
        let about = self.about(inbound).await?;
        if about.is_none() && inbound.is_anywhere() && !last {
            return Err(RouteError::Early);
        }
        let inbound = &in_conversation_of(about.as_ref(), inbound);
        let about = about.map(|stands| stands.ticket);
        let Some(thread) = self.desk.thread(&inbound.thread).await? else {
            return self.without_thread(inbound, happened).await;
        };
        // Nobody becomes a contact by a remark alone.
        let by = self.author(inbound, &thread).await?;
        let by = if by.made_by.is_empty() { by.contact } else { thread.contact };
        let author = inbound.sender.as_ref().and_then(|sender| sender.name.clone());
        let said = |message: MessageContent| {
            Box::new(Said { author: author.clone(), message, raw: inbound.raw.clone(), ..Said::default() })
        };
        match happened {
            Happened::Edited { id, content } => {
                let Some(ticket) = about else {
                    // The message itself never came, so its newest form is taken for it.
                    let inbound = Inbound {
                        happened: Happened::Message { id, content, album: None },
                        ..inbound.clone()
                    };
                    return self.message(inbound, false).await;
                };
                let command = Command::Edit(id, said(self.identify(content)));
                self.note(inbound, &thread, by, ticket, command).await
            }
            Happened::Deleted { ids } => {
                for (position, id) in ids.into_iter().enumerate() {
                    if let Some(stands) = self.desk.platform_message(&inbound.messages_of(), &id).await? {
                        let key = format!("{}:{position}", inbound.key);
                        self.remark_on(&thread.key, stands.ticket, by, &key, Command::Withdraw(id)).await?;
                    }
                }
                Ok(())
            }
            Happened::Reaction { id, emoji } => {
                let ticket = about.unwrap_or(thread.ticket);
                let said = Said { author, emoji, ..Said::default() };
                self.note(inbound, &thread, by, ticket, Command::React(id, Box::new(said))).await
            }
            Happened::Button { callback, id, data } => {
                let as_message = said_by_button(inbound, &callback, data.clone());
                if self.is_pressed(&thread.key, &as_message).await? {
                    return Ok(());
                }
                let ticket = about.unwrap_or(thread.ticket);
                let said = Said { author, payload: Some(data), ..Said::default() };
                let pressed = ButtonPressed { message: id, callback };
                match self.note(inbound, &thread, by, ticket, Command::Press(pressed, Box::new(said))).await {
                    // The ticket is closed; what the button says opens the next one, as a text would.
                    Err(RouteError::Execute(ExecuteError::Refused(Refusal::Final(_)))) => {
                        self.message(as_message, false).await
                    }
                    noted => noted,
                }
            }
            Happened::Reachable { reachable } => {
                self.note(inbound, &thread, by, thread.ticket, Command::Reach(reachable)).await
            }
            Happened::Migrated { to } => Ok(self.desk.move_thread(&thread.key, &to).await?),
            Happened::Undelivered { .. }
            | Happened::Message { .. }
            | Happened::Started { .. }
            | Happened::Unparsed { .. } => Ok(()),
        }
    }

    /// Whether a press is known already: as one that was noted on a ticket, or as the message that it became because
    /// the ticket was closed. What it would be now says nothing of what it was when it came first.
    async fn is_pressed(&self, thread: &ThreadKey, as_message: &Inbound) -> Result<bool, TableError> {
        if self.desk.is_delivered(thread, &as_message.key).await? {
            return Ok(true);
        }
        let Happened::Message { id, .. } = &as_message.happened else { return Ok(false) };
        Ok(self.desk.platform_message(&as_message.messages_of(), id).await?.is_some())
    }

    /// Where the message stands that a remark is about, if it is known.
    async fn about(&self, inbound: &Inbound) -> Result<Option<PlatformMessage>, TableError> {
        match &inbound.happened {
            Happened::Edited { id, .. }
            | Happened::Reaction { id, .. }
            | Happened::Button { id: Some(id), .. } => {
                self.desk.platform_message(&inbound.messages_of(), id).await
            }
            _ => Ok(None),
        }
    }

    /// The conversation in which something happened, as far as can be told.
    pub(crate) async fn conversation_of(&self, inbound: &Inbound) -> ThreadKey {
        let about = self.about(inbound).await.ok().flatten();
        in_conversation_of(about.as_ref(), inbound).thread
    }

    /// What is left to do when nobody has ever written in the conversation.
    async fn without_thread(&self, inbound: &Inbound, happened: Happened) -> Result<(), RouteError> {
        match happened {
            Happened::Edited { id, content } => {
                let happened = Happened::Message { id, content, album: None };
                self.message(Inbound { happened, ..inbound.clone() }, false).await
            }
            // The button hangs under a message that this desk did not send: what it says is the message.
            Happened::Button { callback, data, .. } => {
                self.message(said_by_button(inbound, &callback, data), false).await
            }
            // There is no ticket to note it on, and nothing that an agent could do about it.
            _ => {
                tracing::info!(
                    cause = cause(inbound),
                    "what is about nothing that the desk knows was left out"
                );
                Ok(())
            }
        }
    }

    async fn note(
        &self,
        inbound: &Inbound,
        thread: &Thread,
        by: ContactId,
        ticket: TicketId,
        command: Command,
    ) -> Result<(), RouteError> {
        self.remark_on(&thread.key, ticket, by, &inbound.key, command)
            .await
            .inspect_err(|error| tracing::warn!(cause = cause(inbound), %error, "a remark was not noted"))
    }

    /// Executes a command once for a delivery's key.
    pub(crate) async fn remark_on(
        &self,
        thread: &ThreadKey,
        ticket: TicketId,
        contact: ContactId,
        key: &str,
        command: Command,
    ) -> Result<(), RouteError> {
        let actor = match command {
            Command::Gap { .. } => Actor::System,
            _ => Actor::Contact { id: contact },
        };
        let request = Request { actor, cause: Some(format!("inbound:{key}")), command };
        let now = self.desk.now();
        let done = self
            .desk
            .execute_with(ticket, None, request, |_, _| Ok(vec![put_delivery(thread, key, now)?]))
            .await;
        match done {
            Ok(_) | Err(ExecuteError::DoneBefore(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A remark in the conversation of the message that it is `about`: what the platform tells may only name the one that
/// this conversation shares numbers with.
fn in_conversation_of(about: Option<&PlatformMessage>, inbound: &Inbound) -> Inbound {
    let mut inbound = inbound.clone();
    if let Some(conversation) = about.and_then(|stands| stands.conversation.clone()) {
        inbound.numbered_in = Some(inbound.messages_of().conversation);
        inbound.thread.conversation = conversation;
    }
    inbound
}

/// A pressed button as a message of its own.
fn said_by_button(inbound: &Inbound, callback: &str, data: String) -> Inbound {
    let content = MessageContent::text(data);
    let happened = Happened::Message { id: format!("button:{callback}"), content, album: None };
    Inbound { happened, ..inbound.clone() }
}
