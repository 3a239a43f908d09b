//! New tickets for messages that no ticket takes, and for what could not be read.

use desk::command::{Command, Request};
use desk::event::{Actor, MessageReceived, Said};
use desk::ids::{ContactId, TicketId};
use desk::inbound::{Happened, Inbound, Sender};
use desk::ticket::{Priority, Ticket};
use store::connections::StoredConnection;
use store::messages::put_delivery;
use store::opening::{Customer, OpenError, Start};

use crate::correspondence::{Place, marks, remembered};
use crate::message::stands;
use crate::{RouteError, Router, cause};

/// The longest subject that a message gives its ticket, in characters.
const SUBJECT: usize = 80;

impl Router {
    /// Opens a ticket with a message.
    pub(crate) async fn open(
        &self,
        inbound: &Inbound,
        place: &Place,
        previous: Option<Ticket>,
        mut received: MessageReceived,
        said: Said,
    ) -> Result<TicketId, RouteError> {
        let subject = subject(inbound, &said);
        let message = received.message.clone();
        let mut start = self.start(inbound, place, previous, subject).await?;
        let key = stands(inbound, place);
        let author = match &place.thread {
            Some(thread) => Some(self.author(inbound, thread).await?),
            None => None,
        };
        let made = author.as_ref().map(|author| author.made_by.clone()).unwrap_or_default();
        received.new_author = !made.is_empty();
        let actor = author.map(|author| Actor::Contact { id: author.contact });
        start.actor.clone_from(&actor);
        let first = |contact: ContactId| {
            Some(Request {
                actor: actor.clone().unwrap_or(Actor::Contact { id: contact }),
                cause: cause(inbound),
                command: Command::Receive(Box::new(received.clone()), Box::new(said.clone())),
            })
        };
        let ticket = self
            .desk
            .open_ticket(start, first, |_, ticket| {
                let mut writes = marks(inbound, place, &key, &message, ticket.id, ticket.seq)?;
                writes.extend(made.iter().cloned());
                Ok(writes)
            })
            .await?;
        tracing::info!(ticket = %ticket.id, number = ticket.number, "a ticket was opened");
        Ok(ticket.id)
    }

    /// Opens a ticket for a conversation whose first message could not be processed.
    pub(crate) async fn open_for_gap(
        &self,
        inbound: &Inbound,
        gap: Command,
        delivery: &str,
    ) -> Result<(), RouteError> {
        let start = self
            .start(inbound, &Place::default(), None, "A message could not be processed".to_owned())
            .await?;
        let first = |_| Some(Request { actor: Actor::System, cause: cause(inbound), command: gap.clone() });
        let now = self.desk.now();
        let opened = self
            .desk
            .open_ticket(start, first, |_, _| Ok(vec![put_delivery(&inbound.thread, delivery, now)?]))
            .await;
        match opened {
            Ok(_) | Err(OpenError::DoneBefore(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn start(
        &self,
        inbound: &Inbound,
        place: &Place,
        previous: Option<Ticket>,
        subject: String,
    ) -> Result<Start, RouteError> {
        let connection = self.desk.connection(&inbound.thread.channel, inbound.thread.connection).await?;
        let customer = match &place.thread {
            Some(thread) => Customer::Known(thread.contact),
            None => Customer::Sender(inbound.sender.clone().unwrap_or_else(|| nobody(inbound))),
        };
        // A team that the connection names may have been deleted since.
        let settings = self.desk.settings().await?;
        let team = connection
            .as_ref()
            .and_then(team)
            .filter(|team| settings.teams.iter().any(|known| known.id == *team));
        Ok(Start {
            customer,
            thread: Some((inbound.thread.clone(), place.thread.clone())),
            class: Some(inbound.class),
            priority: Priority::Normal,
            team,
            subject,
            previous: previous.filter(|previous| previous.followed_up_by.is_none()),
            related: place.related,
            correspondence: inbound.letter.as_ref().map(|letter| remembered(place, letter, false)),
            actor: None,
            cause: cause(inbound),
        })
    }
}

/// Somebody who can only be known by the conversation, because the platform tells no sender.
fn nobody(inbound: &Inbound) -> Sender {
    Sender {
        kind: inbound.thread.channel.to_string(),
        address: inbound.thread.conversation.clone(),
        name: None,
        username: None,
        language: None,
        phone: None,
    }
}

fn team(connection: &StoredConnection) -> Option<desk::ids::TeamId> {
    connection.settings.get("team")?.as_str()?.parse().ok()
}

fn subject(inbound: &Inbound, said: &Said) -> String {
    let written = inbound.letter.as_ref().map(|letter| letter.subject.trim()).unwrap_or_default();
    if !written.is_empty() {
        return written.chars().take(Ticket::MAX_SUBJECT_LENGTH).collect();
    }
    match &inbound.happened {
        Happened::Started { .. } => "Conversation started".to_owned(),
        Happened::Unparsed { .. } => "A message that was not understood".to_owned(),
        _ => match &said.message.unsupported {
            Some(kind) if said.message.text.is_none() => format!("Unsupported message: {kind}"),
            _ => said.message.summary(SUBJECT),
        },
    }
}
