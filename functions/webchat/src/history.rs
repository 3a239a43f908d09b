//! What a visitor sees: their own conversation, over all of its tickets. Never notes, changes of fields or what
//! became of a delivery; and of the firm only what was sent.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query as UrlQuery, State};
use channels::webchat::cursor::{Cursor, MAX_PENDING, MAX_POSITIONS, Position};
use channels::webchat::item::{Download, From, Item as Shown};
use desk::channel::ThreadKey;
use desk::event::{Event, Fact};
use desk::ids::{AttachmentId, ReplyId, TicketId};
use desk::reply::{Delivery, Reply};
use desk::ticket::Ticket;
use serde::{Deserialize, Serialize};
use store::attachments::StoredFile;
use store::keys;
use store::table::{Item, Query};

use crate::edge::Line;
use crate::problem::Problem;
use crate::visitor::Visitor;
use crate::{Shared, Webchat};

/// How many messages a page has at most.
const MOST: usize = 50;
/// How many tickets back a conversation is followed.
const CHAIN: usize = 20;
/// How many events are read at once.
const BATCH: usize = 100;
/// How many batches are read for one page. What is left comes with the next.
const ROUNDS: usize = 10;

/// Which part.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// A part of the conversation.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// The messages, oldest first.
    items: Vec<Shown>,
    /// What to ask after the next time.
    cursor: Option<String>,
    /// Whether there is more already.
    more: bool,
}

/// `GET /webchat/<connection>/messages?after=…&limit=…`
pub(crate) async fn list(
    State(chat): State<Shared>,
    visitor: Visitor,
    asked: Result<UrlQuery<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let invalid = |what: &str| Problem::invalid("invalid_parameter", what);
    let UrlQuery(asked) = asked.map_err(|_| invalid("`after` is a cursor, `limit` a number."))?;
    let limit = asked.limit.unwrap_or(MOST).clamp(1, MOST);
    let after = asked.after.filter(|after| !after.is_empty()).map(|after| after.parse::<Cursor>());
    let after = after.transpose().map_err(|_| invalid("`after` is no cursor of this conversation."))?;

    let tickets = chat.tickets(&visitor.thread, after.as_ref()).await?;
    let reading = Reading { chat: &chat, line: &visitor.line, thread: &visitor.thread, limit };
    let found = match after {
        Some(after) => reading.since(&tickets, after).await?,
        None => reading.latest(&tickets).await?,
    };
    for reply in found.delivered {
        chat.advance(reply, Delivery::Delivered).await?;
    }
    let cursor = (!found.cursor.0.is_empty()).then(|| found.cursor.to_string());
    Ok(Json(Page { items: found.items, cursor, more: found.more }))
}

impl Webchat {
    /// The tickets of a conversation from the newest back, as far as they hold something beyond `after`.
    async fn tickets(&self, thread: &ThreadKey, after: Option<&Cursor>) -> Result<Vec<Ticket>, Problem> {
        let mut tickets: Vec<Ticket> = Vec::new();
        let mut next = self.desk.thread(thread).await?.map(|thread| thread.ticket);
        while let Some(id) = next
            && tickets.len() < CHAIN
        {
            // A ticket that was closed when the cursor was made can grow no more.
            let seen = |after: &Cursor| {
                after.position(id).is_none() && after.0.iter().all(|position| id < position.ticket)
            };
            if after.is_some_and(seen) {
                break;
            }
            let Some(ticket) = self.desk.ticket(id).await? else { break };
            if ticket.thread.as_ref() != Some(thread) {
                break;
            }
            next = ticket.follow_up_of;
            tickets.push(ticket);
        }
        Ok(tickets)
    }

    /// A ticket's events from the last one before `before` back.
    async fn events_before(&self, ticket: TicketId, before: u64) -> Result<(Vec<Event>, bool), Problem> {
        let query = Query::partition(keys::ticket(ticket).pk)
            .begins_with("E#")
            .after(Some(keys::event_sort(before)))
            .descending()
            .limit(BATCH);
        let page = self.desk.table().query(query).await?;
        let events = page.items.into_iter().map(Item::read).collect::<Result<Vec<Event>, _>>()?;
        Ok((events, page.more))
    }
}

/// A read of one visitor's conversation.
struct Reading<'a> {
    chat: &'a Webchat,
    line: &'a Line,
    thread: &'a ThreadKey,
    limit: usize,
}

/// What was found.
#[derive(Default)]
struct Found {
    items: Vec<Shown>,
    cursor: Cursor,
    more: bool,
    /// Replies that the visitor gets to see for the first time.
    delivered: Vec<Reply>,
}

/// What some events of a ticket show.
#[derive(Default)]
struct Part {
    /// By position.
    items: Vec<(u64, Shown)>,
    /// Replies that are not visible yet.
    pending: Vec<u64>,
    delivered: Vec<Reply>,
}

impl Reading<'_> {
    /// The latest messages.
    async fn latest(&self, tickets: &[Ticket]) -> Result<Found, Problem> {
        let mut found = Found::default();
        let mut rounds = 0;
        for ticket in tickets {
            let mut position = Position { ticket: ticket.id, seq: ticket.seq, pending: Vec::new() };
            let mut before = ticket.seq.saturating_add(1);
            while found.items.len() < self.limit && rounds < ROUNDS {
                rounds += 1;
                let (events, more) = self.chat.events_before(ticket.id, before).await?;
                before = events.last().map_or(0, |last| last.seq);
                let mut part = self.part(ticket.id, &events).await?;
                position.pending.append(&mut part.pending);
                found.delivered.append(&mut part.delivered);
                // From the newest back, as everything here until the end.
                part.items.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
                found.items.extend(part.items.into_iter().map(|(_, item)| item));
                if !more {
                    break;
                }
            }
            keep(&mut found.cursor, position, ticket, is_newest(tickets, ticket));
        }
        found.items.truncate(self.limit);
        found.items.reverse();
        let shown = |reply: &Reply| found.items.iter().any(|item| item.id == reply.id.to_string());
        found.delivered.retain(shown);
        Ok(found)
    }

    /// What came since.
    async fn since(&self, tickets: &[Ticket], after: Cursor) -> Result<Found, Problem> {
        let mut found = Found::default();
        let mut rounds = 0;
        // From the oldest ticket on.
        for ticket in tickets.iter().rev() {
            let start = Position { ticket: ticket.id, seq: 0, pending: Vec::new() };
            let mut position = after.position(ticket.id).cloned().unwrap_or(start);
            if !found.more && !position.pending.is_empty() {
                self.late(&mut position, &mut found).await?;
            }
            while !found.more && position.seq < ticket.seq {
                rounds += 1;
                let events = self.chat.desk.events(ticket.id, position.seq, BATCH).await?;
                let part = self.part(ticket.id, &events.items).await?;
                let room = self.limit.saturating_sub(found.items.len());
                let full = part.items.len() > room;
                // Where the page is full, the position stays before the first message that does not fit.
                let end = match part.items.get(room) {
                    Some((first_left, _)) => first_left.saturating_sub(1),
                    None => events.items.last().map_or(ticket.seq, |last| last.seq),
                };
                found.items.extend(part.items.into_iter().take(room).map(|(_, item)| item));
                position.seq = end.max(position.seq);
                position.pending.extend(part.pending.into_iter().filter(|seq| *seq <= end));
                found.delivered.extend(part.delivered.into_iter().filter(|reply| reply.seq <= end));
                found.more = full || (rounds >= ROUNDS && position.seq < ticket.seq);
                if events.next.is_none() {
                    break;
                }
            }
            // A ticket that was not begun with stays unknown, so that it is read from its start the next time.
            if position.seq > 0 {
                keep(&mut found.cursor, position, ticket, is_newest(tickets, ticket));
            }
        }
        found.cursor.0.reverse();
        Ok(found)
    }

    /// Replies that became visible after later messages.
    async fn late(&self, position: &mut Position, found: &mut Found) -> Result<(), Problem> {
        let mut events = Vec::with_capacity(position.pending.len());
        for seq in &position.pending {
            events.extend(self.chat.desk.event(position.ticket, *seq).await?);
        }
        let part = self.part(position.ticket, &events).await?;
        position.pending = part.pending;
        found.items.extend(part.items.into_iter().map(|(_, item)| item));
        found.delivered.extend(part.delivered);
        Ok(())
    }

    /// What events of a ticket show, oldest first.
    async fn part(&self, ticket: TicketId, events: &[Event]) -> Result<Part, Problem> {
        let ids: Vec<ReplyId> = events.iter().filter_map(reply_of).collect();
        let replies = match ids.is_empty() {
            true => Vec::new(),
            false => self.chat.desk.replies(self.thread, &ids).await?,
        };
        let replies: HashMap<ReplyId, Reply> = replies.into_iter().map(|reply| (reply.id, reply)).collect();
        let mut part = Part::default();
        let mut events: Vec<&Event> = events.iter().collect();
        events.sort_by_key(|event| event.seq);
        for event in events {
            match &event.fact {
                // Whoever wrote by mail had the address, and need not be the visitor who gave it.
                Fact::MessageReceived(received) if received.thread.is_none() => {
                    let item = self.of_visitor(ticket, event, &received.message).await?;
                    part.items.push((event.seq, item));
                }
                Fact::Replied(replied) => {
                    let Some(reply) = replies.get(&replied.reply) else { continue };
                    match reply.state {
                        Delivery::Sent | Delivery::Delivered | Delivery::Read => {
                            let files = self.downloads(ticket, &reply.content.attachments).await?;
                            part.items.push((event.seq, Shown::of_reply(reply, files)));
                            part.delivered.extend((reply.state == Delivery::Sent).then(|| reply.clone()));
                        }
                        Delivery::Queued | Delivery::Sending | Delivery::Uncertain => {
                            part.pending.push(event.seq);
                        }
                        Delivery::Failed => {}
                    }
                }
                _ => {}
            }
        }
        Ok(part)
    }

    async fn of_visitor(&self, ticket: TicketId, event: &Event, message: &str) -> Result<Shown, Problem> {
        let said = event.content.said();
        let ids: Vec<AttachmentId> = said
            .map(|said| said.message.attachments.iter().filter_map(|file| file.id).collect())
            .unwrap_or_default();
        Ok(Shown {
            cursor: Cursor::at(ticket, event.seq).to_string(),
            id: message.to_owned(),
            from: From::Visitor,
            author: None,
            text: said.and_then(|said| said.message.text.clone()),
            attachments: self.downloads(ticket, &ids).await?,
            at: event.at,
            client_id: Some(message.to_owned()),
        })
    }

    /// The files of a message that are there. An upload belongs to its ticket a moment after its message does.
    async fn downloads(&self, ticket: TicketId, ids: &[AttachmentId]) -> Result<Vec<Download>, Problem> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut files = self.chat.desk.files(ids).await?;
        files.retain(|file: &StoredFile| file.ticket.is_none_or(|owner| owner == ticket));
        files.sort_by_key(|file| ids.iter().position(|id| *id == file.id));
        let mut downloads = Vec::with_capacity(files.len());
        for file in files {
            downloads.push(self.chat.link(self.line, file).await?);
        }
        Ok(downloads)
    }
}

/// Keeps a position in a cursor, unless nothing can come there any more.
///
/// To the `newest` one of the conversation something can be added even when a mail's ticket goes on after it.
fn keep(cursor: &mut Cursor, mut position: Position, ticket: &Ticket, newest: bool) {
    position.pending.sort_unstable();
    position.pending.dedup();
    let excess = position.pending.len().saturating_sub(MAX_PENDING);
    position.pending.drain(..excess);
    let grows = newest || !ticket.status.is_final() || !position.pending.is_empty();
    let unread = position.seq < ticket.seq;
    if (grows || unread) && cursor.0.len() < MAX_POSITIONS {
        cursor.0.push(position);
    }
}

/// Whether a ticket is the first of those that are given from the newest back.
fn is_newest(tickets: &[Ticket], ticket: &Ticket) -> bool {
    tickets.first().is_some_and(|newest| newest.id == ticket.id)
}

fn reply_of(event: &Event) -> Option<ReplyId> {
    match &event.fact {
        Fact::Replied(replied) => Some(replied.reply),
        _ => None,
    }
}
