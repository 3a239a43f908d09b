//! Messages: the conversation's ticket takes them, or a new one is opened.

use desk::channel::{ChannelClass, ThreadKey};
use desk::command::{Command, Refusal, Request};
use desk::event::{Actor, MessageReceived, Said};
use desk::ids::{AttachmentId, ContactId, TicketId};
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::MessageContent;
use desk::ticket::{Priority, Ticket};
use store::connections::StoredConnection;
use store::execute::ExecuteError;
use store::messages::put_delivery;
use store::opening::{Customer, OpenError, Start};
use store::table::{Condition, TableError};
use store::threads::{Author, Thread, put_thread};

use crate::correspondence::{Place, marks, remembered};
use crate::doubt::{claims_agent, kept_out, mark_own};
use crate::{RouteError, Router, cause};

/// How often a message looks again when its conversation changes under it.
const ATTEMPTS: u32 = 6;
/// The longest subject that a message gives its ticket, in characters.
const SUBJECT: usize = 80;

impl Router {
    /// Takes in a message. A repeated delivery changes nothing.
    pub(crate) async fn message(&self, mut inbound: Inbound, late: bool) -> Result<(), RouteError> {
        let (mut received, said) = self.read(&inbound, late);
        let author = inbound.letter.as_ref().and_then(|letter| letter.author());
        let from_us = match author {
            Some(author) => self.desk.is_own_address(author).await?,
            None => false,
        };
        let mut taken_by = match &inbound.letter {
            // A repeated mail would look like a new conversation, and cost a ticket's number.
            Some(_) => self
                .desk
                .platform_message(&inbound.messages_of(), &received.message)
                .await?
                .map(|stands| stands.ticket),
            None => None,
        };
        for _ in 0..ATTEMPTS {
            if taken_by.is_some() {
                break;
            }
            let place = self.place(&inbound, &received.message).await?;
            if let Some(letter) = inbound.letter.as_mut().filter(|_| from_us) {
                mark_own(letter, &place);
                received.automatic.clone_from(&letter.automatic);
                received.asks = letter.automatic.is_none();
            }
            let mut said = said.clone();
            if let (Some(letter), Some(shown)) = (&inbound.letter, &mut said.letter) {
                shown.notes.extend(kept_out(letter, &place));
                shown.notes.extend(claims_agent(letter, &self.desk.settings().await?.agents));
            }
            let head = match &place.thread {
                Some(thread) => self.desk.ticket(thread.ticket).await?,
                None => None,
            };
            // A conversation that got another id numbers its messages anew; then their items alone can tell.
            let numbered_anew = place.thread.as_ref().is_some_and(|thread| thread.moved_to.is_some());
            let taken = |head: &&Ticket| !numbered_anew && head.has_taken(&received.message);
            if let Some(head) = head.as_ref().filter(taken) {
                tracing::info!(key = inbound.key, "a repeated delivery was ignored");
                taken_by = Some(head.id);
                break;
            }
            let taken = match (&place.thread, head) {
                (Some(_), Some(head)) if self.takes(&head, &received).await? => {
                    self.append(&inbound, &place, head, received.clone(), said).await
                }
                (_, head) => self.open(&inbound, &place, head, received.clone(), said).await,
            };
            match taken {
                Ok(ticket) => taken_by = Some(ticket),
                // The first companion is the message's own mark; the others only tell that something changed.
                Err(RouteError::Execute(ExecuteError::DoneBefore(failed))) if !failed.contains(&0) => {}
                Err(
                    RouteError::Execute(ExecuteError::DoneBefore(_))
                    | RouteError::Open(OpenError::DoneBefore),
                ) => {
                    tracing::info!(key = inbound.key, "a repeated delivery was ignored");
                    break;
                }
                // The ticket closed, or somebody opened one, since we looked.
                Err(
                    RouteError::Execute(ExecuteError::Refused(Refusal::Final(_)))
                    | RouteError::Open(OpenError::Raced),
                ) => {}
                Err(error) => return Err(error),
            }
        }
        let ticket = match taken_by {
            Some(ticket) => ticket,
            // Either done before, or lost the race too often: the item tells.
            None => match self.desk.platform_message(&inbound.messages_of(), &received.message).await? {
                Some(stands) => stands.ticket,
                None => return Err(TableError::Conflict.into()),
            },
        };
        match (&inbound.happened, &inbound.letter) {
            (Happened::Started { .. }, _) => self.greet(&inbound, ticket).await?,
            (_, Some(letter)) if !from_us => self.acknowledge(&inbound, letter, ticket).await?,
            _ => {}
        }
        Ok(())
    }

    async fn takes(&self, head: &Ticket, received: &MessageReceived) -> Result<bool, RouteError> {
        let window = self.desk.settings().await?.general.reopen_window();
        Ok(head.takes(received, self.desk.now(), window))
    }

    async fn append(
        &self,
        inbound: &Inbound,
        place: &Place,
        head: Ticket,
        mut received: MessageReceived,
        said: Said,
    ) -> Result<TicketId, RouteError> {
        let Some(thread) = &place.thread else { return Err(TableError::Conflict.into()) };
        if head.thread.as_ref() != Some(&thread.key) {
            received.thread = Some(thread.key.clone());
        }
        let (id, waiting) = (head.id, head.waiting_since.is_some());
        let message = received.message.clone();
        let author = self.author(inbound, thread).await?;
        received.new_author = !author.made_by.is_empty();
        let request = Request {
            actor: Actor::Contact { id: author.contact },
            cause: cause(inbound),
            command: Command::Receive(Box::new(received), Box::new(said)),
        };
        self.desk
            .execute_with(id, Some(head), request, |event, _| {
                let mut writes = marks(inbound, place, &stands(inbound, place), &message, id, event.seq)?;
                if let Some(letter) = &inbound.letter {
                    let correspondence = Some(remembered(place, letter, waiting));
                    let after = Thread { correspondence, version: thread.version + 1, ..thread.clone() };
                    writes.push(put_thread(&after, Condition::Version(thread.version))?);
                }
                writes.extend(author.made_by.iter().cloned());
                Ok(writes)
            })
            .await?;
        Ok(id)
    }

    async fn open(
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

    /// Who did something in a conversation. One of a chat on the firm's site has one person, whatever they sign in as.
    pub(crate) async fn author(&self, inbound: &Inbound, thread: &Thread) -> Result<Author, TableError> {
        let sender = inbound.sender.as_ref().filter(|_| inbound.class != ChannelClass::Chat);
        self.desk.author(thread, sender).await
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
            Ok(_) | Err(OpenError::DoneBefore) => Ok(()),
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

    /// What a delivery says, as the event will hold it. Ids of files are made here, once for all attempts.
    fn read(&self, inbound: &Inbound, late: bool) -> (MessageReceived, Said) {
        let author = inbound
            .sender
            .as_ref()
            .and_then(|sender| sender.name.clone().or_else(|| sender.username.clone()));
        let mut said = Said { author, raw: inbound.raw.clone(), ..Said::default() };
        let mut received = MessageReceived {
            message: String::new(),
            sent_at: inbound.at,
            asks: true,
            album: None,
            attachments: 0,
            late,
            automatic: inbound.letter.as_ref().and_then(|letter| letter.automatic.clone()),
            thread: None,
            new_author: false,
        };
        if let Some(letter) = &inbound.letter {
            received.asks = letter.automatic.is_none();
            said.subject = Some(letter.subject.clone()).filter(|subject| !subject.is_empty());
            said.letter = Some(Box::new(letter.head.clone()));
        }
        match &inbound.happened {
            Happened::Message { id, content, album } => {
                received.message.clone_from(id);
                received.album.clone_from(album);
                said.message = self.identify(content.clone());
            }
            Happened::Started { id, text, payload } => {
                received.message.clone_from(id);
                received.asks = false;
                said.message = MessageContent::text(text.clone());
                said.payload.clone_from(payload);
            }
            Happened::Unparsed { reason } => {
                received.message = format!("raw:{}", inbound.key);
                received.asks = inbound.sender.is_some();
                said.reason = Some(reason.clone());
            }
            _ => {}
        }
        received.attachments = said.message.attachments.len();
        (received, said)
    }

    /// Whether a delivery asks for an answer, as far as it tells by itself.
    pub(crate) fn asks(&self, inbound: &Inbound, late: bool) -> bool {
        match inbound.happened {
            Happened::Message { .. } | Happened::Started { .. } | Happened::Unparsed { .. } => {
                self.read(inbound, late).0.asks
            }
            Happened::Button { .. } => true,
            Happened::Edited { .. }
            | Happened::Deleted { .. }
            | Happened::Reaction { .. }
            | Happened::Reachable { .. }
            | Happened::Undelivered { .. }
            | Happened::Migrated { .. } => false,
        }
    }

    /// Gives each file of a message its id, unless the channel has stored it under one already.
    pub(crate) fn identify(&self, mut content: MessageContent) -> MessageContent {
        for file in &mut content.attachments {
            file.id = file.id.or_else(|| Some(AttachmentId::new(self.desk.environment().ulid())));
        }
        content
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

/// The conversation of a message, as it is called when the message comes; of a mail, the one that it belongs to.
fn stands(inbound: &Inbound, place: &Place) -> ThreadKey {
    match &place.thread {
        Some(thread) if inbound.letter.is_some() => thread.key.clone(),
        _ => inbound.thread.clone(),
    }
}
