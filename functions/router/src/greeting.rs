//! What the desk says by itself: a greeting, or that a mail arrived. Both only if the owner wants it.

use desk::correspondence::{Authenticity, Letter, bare_subject};
use desk::event::Actor;
use desk::ids::TicketId;
use desk::inbound::{Happened, Inbound};
use jiff::SignedDuration;
use store::allowances::Allowance;
use store::answering::Answer;
use store::envelope::digest;
use store::execute::ExecuteError;
use store::messages::put_delivery;
use store::table::{TableError, Write};

use crate::author::{mailbox, organisation};
use crate::{RouteError, Router, cause};

/// The setting of a connection with the text that answers whoever opens a conversation.
const GREETING: &str = "greeting";
/// The setting of a connection with the text that tells that a mail arrived.
const ACKNOWLEDGEMENT: &str = "acknowledgement";
/// How many people of one organisation are told within an hour and within a day that their mail arrived.
const AN_ORGANISATION: (u64, u64) = (20, 60);
/// How many people whom the desk has never heard of are told so within an hour.
const STRANGERS_AN_HOUR: u64 = 60;
/// How many people are told so within an hour in all.
const ALL_AN_HOUR: u64 = 200;
/// How long after somebody became known their ticket may be opened, at most, to be their first one.
const FIRST: SignedDuration = SignedDuration::from_secs(10);
/// How often a mail is counted anew when others are counted at the same time.
const ATTEMPTS: u32 = 10;

impl Router {
    /// Answers a customer who opened the conversation. Idempotent.
    pub(crate) async fn greet(&self, inbound: &Inbound, ticket: TicketId) -> Result<(), RouteError> {
        let Some(text) = self.text(inbound, GREETING).await? else { return Ok(()) };
        self.say(inbound, ticket, text, &[format!("greeting:{}", inbound.key)], Vec::new()).await?;
        Ok(())
    }

    /// Tells the author of a first mail that it arrived. Idempotent.
    ///
    /// Only where nothing can come of it: the domain stands for the author, no machine wrote the mail, and it answers
    /// nothing. An author is told once an hour, a text is answered once a day whoever sends it, and of one organisation,
    /// of strangers and of all only so many are told: a machine that answers under ever changing names is silenced by one
    /// of these, and then hears nothing more that it could answer.
    pub(crate) async fn acknowledge(
        &self,
        inbound: &Inbound,
        letter: &Letter,
        ticket: TicketId,
    ) -> Result<(), RouteError> {
        let first = letter.answers.is_empty() && letter.tokens.is_empty() && letter.automatic.is_none();
        let proved = letter.head.authenticity == Authenticity::Proved;
        let Some(author) = letter.author().filter(|_| first && proved) else { return Ok(()) };
        let Some(text) = self.text(inbound, ACKNOWLEDGEMENT).await? else { return Ok(()) };
        let Happened::Message { content, .. } = &inbound.happened else { return Ok(()) };
        let now = self.desk.now().as_second();
        let (hour, day) = (now / 3600, now / 86400);
        let said: String =
            content.text.iter().flat_map(|text| text.split_whitespace()).collect::<Vec<_>>().join(" ");
        let said = digest(&format!("{}\n{}", bare_subject(&letter.subject), said.to_lowercase()));
        let marks = [
            format!("acknowledged:conversation:{}", inbound.thread.conversation),
            format!("acknowledged:author:{}:{hour}", mailbox(author)),
            format!("acknowledged:text:{said}:{day}"),
        ];
        let allowances = self.allowances(author, ticket).await?;
        for _ in 0..ATTEMPTS {
            let counts = match self.desk.allow(&inbound.thread, &allowances).await? {
                Ok(counts) => counts,
                Err(used_up) => {
                    tracing::warn!(
                        connection = %inbound.thread.connection, what = used_up.what, times = used_up.times,
                        "a limit of acknowledgements is reached: the mail is stored and got none"
                    );
                    return Ok(self.desk.note_used_up(&inbound.thread, &used_up).await?);
                }
            };
            match self.say(inbound, ticket, text.clone(), &marks, counts).await? {
                // Nothing but a count was changed by others meanwhile. The reply itself is companion 0.
                Some(failed) if failed.iter().all(|position| *position > marks.len()) => {}
                _ => return Ok(()),
            }
        }
        Err(TableError::Conflict.into())
    }

    /// What an acknowledgement to an author counts for.
    async fn allowances(&self, author: &str, ticket: TicketId) -> Result<Vec<Allowance>, RouteError> {
        let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
        let allowance = |what: &str, times, within| Allowance { what: what.to_owned(), times, within };
        let mut allowances = vec![allowance("everybody", ALL_AN_HOUR, hour)];
        let author = author.to_lowercase();
        if let Some(organisation) = organisation(&author) {
            let what = format!("the domain {organisation}");
            let (an_hour, a_day) = AN_ORGANISATION;
            allowances.extend([allowance(&what, an_hour, hour), allowance(&what, a_day, day)]);
        }
        let ticket = self.desk.ticket(ticket).await?;
        let contact = match &ticket {
            Some(ticket) => self.desk.contact(ticket.contact).await?,
            None => None,
        };
        let known = ticket
            .zip(contact)
            .is_some_and(|(ticket, contact)| ticket.created_at.duration_since(contact.created_at) > FIRST);
        if !known {
            allowances.push(allowance("strangers", STRANGERS_AN_HOUR, hour));
        }
        Ok(allowances)
    }

    async fn text(&self, inbound: &Inbound, setting: &str) -> Result<Option<String>, RouteError> {
        let connection = self.desk.connection(&inbound.thread.channel, inbound.thread.connection).await?;
        let text = connection.as_ref().and_then(|connection| connection.settings.get(setting)?.as_str());
        Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
    }

    /// Says something once for all marks, together with the `counts`. Returns the positions of the writes that failed:
    /// marks that stood already, and counts that others have changed.
    async fn say(
        &self,
        inbound: &Inbound,
        ticket: TicketId,
        text: String,
        marks: &[String],
        counts: Vec<Write>,
    ) -> Result<Option<Vec<usize>>, RouteError> {
        let answer = Answer { text: Some(text), automatic: true, ..Answer::default() };
        let now = self.desk.now();
        let said = self
            .desk
            .answer(ticket, None, answer, Actor::System, cause(inbound), |reply| {
                let marks = marks.iter().map(|mark| put_delivery(&reply.thread, mark, now));
                marks.chain(counts.iter().cloned().map(Ok)).collect()
            })
            .await;
        match said {
            Ok(_) | Err(ExecuteError::Refused(_)) => Ok(None),
            Err(ExecuteError::DoneBefore(failed)) => Ok(Some(failed)),
            Err(error) => Err(error.into()),
        }
    }
}
