//! The one decision: what follows when something is asked of a ticket.

mod draft;
mod update;

use jiff::Timestamp;

use self::draft::Draft;
pub use self::update::valid_subject;
use crate::command::{Command, Opening, Refusal, Request};
use crate::event::{Actor, Content, Effects, Event, Fact, MessageRef, Opened, Said, VERSION};
use crate::settings::Settings;
use crate::sla::{Sla, Terms};
use crate::ticket::{Status, Ticket};

/// The first event of a ticket. What the customer said follows as a [`Command::Receive`].
pub fn open(
    opening: Opening,
    actor: Actor,
    cause: Option<String>,
    settings: &Settings,
    now: Timestamp,
) -> Event {
    let terms = Terms {
        settings,
        class: opening.class,
        channel: opening.thread.as_ref().map(|thread| &thread.channel),
        priority: opening.priority,
    };
    let sla = Sla::default().opened(&terms, now);
    Event {
        v: VERSION,
        seq: 1,
        at: now,
        actor,
        cause,
        effects: Effects { status: None, sla },
        content: Said { subject: Some(opening.subject), ..Said::default() }.into(),
        fact: Fact::Opened(Opened {
            ticket: opening.ticket,
            number: opening.number,
            contact: opening.contact,
            thread: opening.thread,
            class: opening.class,
            priority: opening.priority,
            team: opening.team,
            follow_up_of: opening.follow_up_of,
            related_to: opening.related_to,
        }),
    }
}

/// What follows when `request` is made of `ticket` at `now`: the events to append, none when nothing changes.
///
/// Pure: the same input gives the same answer. Every clock whose time came by `now` moves first, so that an answer
/// after the deadline is a breach even when no timer ran in between.
///
/// # Errors
/// A refusal that tells the caller why.
pub fn decide(
    ticket: &Ticket,
    request: Request,
    settings: &Settings,
    now: Timestamp,
) -> Result<Option<Event>, Refusal> {
    let mut draft = Draft::new(ticket, settings, now);
    let (fact, content) = match request.command {
        Command::Receive(message, said) => {
            // A closed ticket takes no message; the caller opens another one.
            if !ticket.takes(&message, now, settings.general.reopen_window()) {
                return Err(Refusal::Final(ticket.status));
            }
            if message.asks {
                draft.customer_speaks();
            }
            (Fact::MessageReceived(*message), (*said).into())
        }
        Command::Press(pressed, said) => {
            if !ticket.takes_message_at(now, settings.general.reopen_window()) {
                return Err(Refusal::Final(ticket.status));
            }
            draft.customer_speaks();
            (Fact::ButtonPressed(pressed), (*said).into())
        }
        Command::Edit(message, said) => (Fact::MessageEdited(MessageRef { message }), (*said).into()),
        Command::Withdraw(message) => (Fact::MessageDeleted(MessageRef { message }), Content::None),
        Command::React(message, said) => (Fact::Reacted(MessageRef { message }), (*said).into()),
        Command::Reach(reachable) => (Fact::ReachabilityChanged { reachable }, Content::None),
        Command::Gap { key, asks } => {
            // It stands for what the customer said and nobody can read yet.
            if asks {
                draft.customer_speaks();
            }
            (Fact::Gap { key, asks }, Content::None)
        }
        Command::Reinterpret { of, moved_to, said } => {
            if ticket.status.is_active() && moved_to.is_none() {
                draft.customer_speaks();
            }
            (Fact::Reinterpreted { of, moved_to }, (*said).into())
        }
        Command::FollowUp(by) => (Fact::FollowedUp { by }, Content::None),
        Command::Note(said) => (Fact::NoteAdded {}, (*said).into()),
        Command::Reply { mut replied, said, status } => {
            draft.reply(&replied, status)?;
            replied.thread.clone_from(&ticket.asked_in);
            (Fact::Replied(replied), (*said).into())
        }
        Command::DueReply { reply, seq, status } => {
            let left = draft.answered_late(seq, |draft| draft.go_after_answer(status));
            (Fact::ReplyDue { reply, left }, Content::None)
        }
        Command::FailReply(problem) => {
            draft.not_delivered(&problem);
            (Fact::ReplyFailed(problem), Content::None)
        }
        Command::DoubtReply(problem) => {
            draft.not_delivered(&problem);
            (Fact::ReplyUncertain(problem), Content::None)
        }
        Command::ConfirmReply { reply, automatic: true, .. } => {
            (Fact::ReplyConfirmed { reply, automatic: true, left: None }, Content::None)
        }
        Command::ConfirmReply { reply, seq, status, .. } => {
            let left = draft.answered_late(seq, |draft| draft.confirmed(status));
            (Fact::ReplyConfirmed { reply, automatic: false, left }, Content::None)
        }
        Command::Update(update) => match draft.update(update)? {
            Some(changed) => changed,
            None => return Ok(None),
        },
        Command::Tick => {
            let window = settings.general.reopen_window();
            if ticket.is_over_at(now, window) {
                draft.go(Status::Closed);
                (Fact::AutoClosed {}, Content::None)
            } else if draft.effects.sla.is_empty() {
                return Ok(None);
            } else {
                (Fact::SlaProgressed {}, Content::None)
            }
        }
        Command::Recompute => {
            draft.retarget();
            if draft.effects.sla.is_empty() {
                return Ok(None);
            }
            (Fact::SlaRecomputed {}, Content::None)
        }
    };
    Ok(Some(Event {
        v: VERSION,
        seq: ticket.seq + 1,
        fact,
        at: now,
        actor: request.actor,
        cause: request.cause,
        effects: draft.effects,
        content,
    }))
}

/// When time next demands something of a ticket: a warning, a deadline, the closing of a solved one.
pub fn due_at(ticket: &Ticket, settings: &Settings) -> Option<Timestamp> {
    let closes = match ticket.solved_at {
        // One second later, because a message exactly at the window's end still opens the ticket again.
        Some(solved) if ticket.status == Status::Solved => solved
            .checked_add(settings.general.reopen_window())
            .ok()
            .and_then(|end| end.checked_add(jiff::SignedDuration::from_secs(1)).ok()),
        _ => None,
    };
    [ticket.sla.next_due(), closes].into_iter().flatten().min()
}
