//! What the desk says by itself: a greeting, or that a mail arrived. Both only if the owner wants it.

use desk::correspondence::{Authenticity, Letter, bare_subject};
use desk::event::Actor;
use desk::ids::TicketId;
use desk::inbound::{Happened, Inbound};
use store::answering::Answer;
use store::envelope::digest;
use store::execute::ExecuteError;
use store::messages::put_delivery;

use crate::{RouteError, Router, cause};

/// The setting of a connection with the text that answers whoever opens a conversation.
const GREETING: &str = "greeting";
/// The setting of a connection with the text that tells that a mail arrived.
const ACKNOWLEDGEMENT: &str = "acknowledgement";
/// How many people of one domain are told within an hour that their mail arrived.
const A_DOMAIN_AN_HOUR: u32 = 20;

impl Router {
    /// Answers a customer who opened the conversation. Idempotent.
    pub(crate) async fn greet(&self, inbound: &Inbound, ticket: TicketId) -> Result<(), RouteError> {
        let Some(text) = self.text(inbound, GREETING).await? else { return Ok(()) };
        self.say(inbound, ticket, text, &[format!("greeting:{}", inbound.key)]).await?;
        Ok(())
    }

    /// Tells the author of a first mail that it arrived. Idempotent.
    ///
    /// Only where nothing can come of it: the domain stands for the author, no machine wrote the mail, and it answers
    /// nothing. An author is told once an hour, a text is answered once a day whoever sends it, and of one domain only
    /// so many are told: a machine that answers under ever changing names is silenced by one of these.
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
        let author = author.to_lowercase();
        let now = self.desk.now().as_second();
        let (hour, day) = (now / 3600, now / 86400);
        let said: String =
            content.text.iter().flat_map(|text| text.split_whitespace()).collect::<Vec<_>>().join(" ");
        let said = digest(&format!("{}\n{}", bare_subject(&letter.subject), said.to_lowercase()));
        let domain = organisation(&author);
        for place in 0..A_DOMAIN_AN_HOUR {
            let marks = [
                format!("acknowledged:conversation:{}", inbound.thread.conversation),
                format!("acknowledged:author:{author}:{hour}"),
                format!("acknowledged:text:{said}:{day}"),
                format!("acknowledged:domain:{domain}:{hour}:{place}"),
            ];
            match self.say(inbound, ticket, text.clone(), &marks).await? {
                // Only the domain's place was taken: the next one may be free. The reply itself is companion 0.
                Some(failed) if failed.as_slice() == [marks.len()] => {}
                _ => return Ok(()),
            }
        }
        tracing::warn!(domain, "too many mails of one domain; no more is acknowledged this hour");
        Ok(())
    }

    async fn text(&self, inbound: &Inbound, setting: &str) -> Result<Option<String>, RouteError> {
        let connection = self.desk.connection(&inbound.thread.channel, inbound.thread.connection).await?;
        let text = connection.as_ref().and_then(|connection| connection.settings.get(setting)?.as_str());
        Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
    }

    /// Says something once for all marks. Returns the positions of the writes whose marks stood already.
    async fn say(
        &self,
        inbound: &Inbound,
        ticket: TicketId,
        text: String,
        marks: &[String],
    ) -> Result<Option<Vec<usize>>, RouteError> {
        let answer = Answer { text: Some(text), automatic: true, ..Answer::default() };
        let now = self.desk.now();
        let said = self
            .desk
            .answer(ticket, None, answer, Actor::System, cause(inbound), |reply| {
                marks.iter().map(|mark| put_delivery(&reply.thread, mark, now)).collect()
            })
            .await;
        match said {
            Ok(_) | Err(ExecuteError::Refused(_)) => Ok(None),
            Err(ExecuteError::DoneBefore(failed)) => Ok(Some(failed)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The last two labels of an address's domain: whoever owns a domain has as many below it as they like. For the
/// domains of some countries that is more than one firm, which costs nobody more than an acknowledgement.
fn organisation(address: &str) -> &str {
    let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
    let mut dots = domain.rmatch_indices('.').skip(1);
    dots.next().map_or(domain, |(dot, _)| domain.get(dot + 1..).unwrap_or(domain))
}
