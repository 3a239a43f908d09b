//! Where a mail belongs: its platform keeps no conversations, so the mail itself has to tell, and may lie.

use desk::channel::ThreadKey;
use desk::correspondence::{Authenticity, Correspondence, Letter, bare_subject};
use desk::ids::TicketId;
use desk::inbound::Inbound;
use store::messages::put_platform_message;
use store::table::{TableError, Write};
use store::threads::Thread;

use crate::{RouteError, Router};

/// The most ids that are looked up for one mail.
const MAX_LOOKUPS: usize = 50;
/// The most conversations that are looked at for one mail.
const MAX_CONVERSATIONS: usize = 10;

/// Where a message belongs.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The conversation, unless the message begins one.
    pub(crate) thread: Option<Thread>,
    /// The ticket that it has to do with, where it does not belong to it.
    pub(crate) related: Option<TicketId>,
    /// Whether nothing but a ticket's number led there.
    pub(crate) by_number: bool,
    /// Whether the message's own id leads to another message already.
    pub(crate) id_taken: bool,
}

impl Router {
    /// The conversation that a message belongs to.
    pub(crate) async fn place(&self, inbound: &Inbound, message: &str) -> Result<Place, RouteError> {
        let Some(letter) = &inbound.letter else {
            let thread = self.desk.thread(&inbound.thread).await?;
            return Ok(Place { thread, ..Place::default() });
        };
        let mut place = match self.referred(inbound, letter).await? {
            Some(place) => place,
            None => Place { by_number: true, ..self.numbered(inbound, letter).await? },
        };
        if place.thread.is_none() {
            // Its own conversation stands already where a gap tells that the mail could not be processed before.
            place.thread = self.desk.thread(&inbound.thread).await?;
        }
        if place.thread.is_none() && place.related.is_none() {
            // The same mail to another department has a ticket there.
            let copies = [message.to_owned()];
            let copy = self.desk.first_platform_message(&all_connections(&inbound.thread), &copies).await?;
            place.related = copy.map(|copy| copy.ticket);
        }
        if let Some(id) = &letter.message_id {
            let under = inbound.thread.whole_connection();
            place.id_taken = self.desk.platform_message(&under, &own_id(id)).await?.is_some();
        }
        Ok(place)
    }

    /// Where a mail belongs by the mails that it answers, the nearest first, and by our own signed tokens: the first
    /// conversation that takes it, because a thread of mails may have led through several. `None` when it refers to
    /// nothing that is known.
    async fn referred(&self, inbound: &Inbound, letter: &Letter) -> Result<Option<Place>, RouteError> {
        let mut conversations: Vec<String> = Vec::new();
        let ids: Vec<String> = letter.answers.iter().take(MAX_LOOKUPS).map(|id| own_id(id)).collect();
        if !ids.is_empty() {
            let under = inbound.thread.whole_connection();
            let known = self.desk.known_platform_messages(&under, &ids).await?;
            conversations.extend(known.into_iter().filter_map(|known| known.conversation));
        }
        conversations.extend(letter.tokens.iter().cloned());
        let mut looked_at: Vec<String> = Vec::new();
        let mut related = None;
        for conversation in conversations {
            if looked_at.contains(&conversation) || looked_at.len() == MAX_CONVERSATIONS {
                continue;
            }
            let key = ThreadKey { conversation: conversation.clone(), ..inbound.thread.clone() };
            looked_at.push(conversation);
            let Some(thread) = self.desk.thread(&key).await? else { continue };
            let place = self.belongs(thread, inbound, letter).await?;
            if place.thread.is_some() {
                return Ok(Some(place));
            }
            related = related.or(Some(place));
        }
        Ok(related)
    }

    /// The conversation of the ticket whose number a mail names. A number proves nothing, and neither does a name: only
    /// who takes part may use it, and unless their domain stands for them the mail changes nobody's address.
    async fn numbered(&self, inbound: &Inbound, letter: &Letter) -> Result<Place, RouteError> {
        let Some(number) = letter.number else { return Ok(Place::default()) };
        let Some(ticket) = self.desk.ticket_by_number(number).await? else { return Ok(Place::default()) };
        let Some(key) = self.desk.ticket(ticket).await?.and_then(|ticket| ticket.thread) else {
            return Ok(Place::default());
        };
        if key.whole_connection() != inbound.thread.whole_connection() {
            return Ok(Place::default());
        }
        let thread = self.desk.thread(&key).await?.filter(|thread| takes_part(thread, letter));
        Ok(Place { thread, ..Place::default() })
    }

    /// Whether a mail belongs to the conversation that it refers to. A stranger never joins, and a new matter is a new
    /// ticket: both are only related to it.
    async fn belongs(&self, thread: Thread, inbound: &Inbound, letter: &Letter) -> Result<Place, RouteError> {
        let related = Place { related: Some(thread.ticket), ..Place::default() };
        if !takes_part(&thread, letter) {
            return Ok(related);
        }
        let new = thread.correspondence.as_ref().is_some_and(|talk| talk.is_new_subject(&letter.subject));
        if new && letter.automatic.is_none() && !self.is_our_subject(&thread, inbound, letter).await? {
            return Ok(related);
        }
        Ok(Place { thread: Some(thread), ..Place::default() })
    }

    /// Whether a mail in a conversation has the subject of what the desk said there by itself: the number of a ticket
    /// of the conversation, or nothing but the brand where a program has cut that off.
    async fn is_our_subject(
        &self,
        thread: &Thread,
        inbound: &Inbound,
        letter: &Letter,
    ) -> Result<bool, RouteError> {
        if let Some(number) = letter.number
            && let Some(ticket) = self.desk.ticket_by_number(number).await?
        {
            let of = self.desk.ticket(ticket).await?.and_then(|ticket| ticket.thread);
            if ticket == thread.ticket || of.as_ref() == Some(&thread.key) {
                return Ok(true);
            }
        }
        let connection = self.desk.connection(&inbound.thread.channel, inbound.thread.connection).await?;
        let brand = connection.as_ref().map(|connection| {
            let name = connection.settings.get("from_name").and_then(|name| name.as_str());
            bare_subject(name.unwrap_or(&connection.name))
        });
        Ok(brand.is_some_and(|brand| !brand.is_empty() && brand == bare_subject(&letter.subject)))
    }
}

fn takes_part(thread: &Thread, letter: &Letter) -> bool {
    let talk = thread.correspondence.as_ref();
    talk.zip(letter.author()).is_some_and(|(talk, author)| talk.admits(author))
}

/// What is remembered of a conversation after a mail; `waiting` says whether somebody waits for an answer in it.
pub(crate) fn remembered(place: &Place, letter: &Letter, waiting: bool) -> Correspondence {
    let guessed = place.by_number && letter.head.authenticity != Authenticity::Proved;
    match place.thread.as_ref().and_then(|thread| thread.correspondence.clone()) {
        Some(talk) if guessed => talk,
        Some(mut talk) => {
            if !waiting {
                talk.answered();
            }
            talk.take(letter);
            talk
        }
        None => Correspondence::begun_by(letter),
    }
}

/// The writes that make a message known by its ids. The first one fails when the message stands already.
pub(crate) fn marks(
    inbound: &Inbound,
    place: &Place,
    thread: &ThreadKey,
    message: &str,
    ticket: TicketId,
    seq: u64,
) -> Result<Vec<Write>, TableError> {
    let under = inbound.messages_of();
    let mut marks = vec![put_platform_message(&under, thread, message, ticket, seq)?];
    let Some(letter) = &inbound.letter else { return Ok(marks) };
    if let Some(id) = letter.message_id.as_ref().filter(|_| !place.id_taken) {
        marks.push(put_platform_message(&under, thread, &own_id(id), ticket, seq)?);
    }
    if place.thread.is_none() && place.related.is_none() {
        let everywhere = all_connections(thread);
        marks.push(put_platform_message(&everywhere, &everywhere, message, ticket, seq)?);
    }
    Ok(marks)
}

/// A Message-ID as its mails write it, which tells it from every other kind of id.
pub(crate) fn own_id(id: &str) -> String {
    format!("<{id}>")
}

/// Where a mail is found whatever department it went to.
fn all_connections(thread: &ThreadKey) -> ThreadKey {
    let connection = desk::ids::ConnectionId::new(desk::ids::Ulid::nil());
    ThreadKey { connection, conversation: String::new(), ..thread.clone() }
}
