//! Messages: the conversation's ticket takes them, or a new one is opened.

use desk::channel::{ChannelClass, ThreadKey};
use desk::command::{Command, Refusal, Request};
use desk::correspondence::Authenticity;
use desk::event::{Actor, MessageReceived, Said};
use desk::ids::TicketId;
use desk::inbound::{Happened, Inbound};
use desk::ticket::Ticket;
use store::execute::ExecuteError;
use store::opening::OpenError;
use store::table::{Condition, TableError};
use store::threads::{Author, Thread, put_thread};

use crate::correspondence::{Place, marks, remembered};
use crate::doubt::{claims_agent, kept_out, mark_own};
use crate::{RouteError, Router, cause};

/// How often a message looks again when its conversation changes under it.
const ATTEMPTS: u32 = 6;

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
                Err(
                    RouteError::Execute(ExecuteError::DoneBefore(failed))
                    | RouteError::Open(OpenError::DoneBefore(failed)),
                ) if !failed.contains(&0) => {}
                Err(
                    RouteError::Execute(ExecuteError::DoneBefore(_))
                    | RouteError::Open(OpenError::DoneBefore(_)),
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

    /// Who did something in a conversation. One of a chat on the firm's site has one person, whatever they sign in as.
    /// Nobody becomes a contact by what a machine wrote, or by a mail that its domain disowns.
    pub(crate) async fn author(&self, inbound: &Inbound, thread: &Thread) -> Result<Author, TableError> {
        let is_doubtful = inbound.letter.as_ref().is_some_and(|letter| {
            letter.automatic.is_some() || letter.head.authenticity == Authenticity::Disowned
        });
        let sender = inbound.sender.as_ref().filter(|_| inbound.class != ChannelClass::Chat && !is_doubtful);
        self.desk.author(thread, sender).await
    }
}

/// The conversation of a message, as it is called when the message comes; of a mail, the one that it belongs to.
pub(crate) fn stands(inbound: &Inbound, place: &Place) -> ThreadKey {
    match &place.thread {
        Some(thread) if inbound.letter.is_some() => thread.key.clone(),
        _ => inbound.thread.clone(),
    }
}
