//! Work queue → media into the object store, and other work that may take a while.
//!
//! Every kind of work is idempotent: the queue repeats itself.

mod media;

use std::sync::Arc;

use channels::directory::{DirectoryError, Known};
use channels::http::Http;
use channels::platform::FetchError;
use channels::{Directory, Platform};
use desk::event::{Event, Fact};
use desk::ids::TicketId;
use store::Desk;
use store::blobs::{BlobError, Blobs};
use store::contacts::ContactSearch;
use store::envelope::Work;
use store::queue::{Failed, MAX_RECEIVES, Message, Retry, process};
use store::table::TableError;
use tokio::time::Instant;

/// The worker.
#[derive(Clone)]
pub struct Worker {
    desk: Desk,
    search: ContactSearch,
    directory: Directory,
    blobs: Blobs,
    http: Http,
}

/// Why work was not done. Worth another try, always: what can never work is noted instead.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

/// An event, its connection and its channel.
struct Context {
    event: Event,
    platform: &'static dyn Platform,
    known: Arc<Known>,
}

impl Context {
    /// The text of the event as the original has it, of which the event holds the beginning.
    fn whole_text(&self, original: &[u8]) -> Option<String> {
        let shown = &self.event.content.said()?.message;
        let told = self.platform.parse(&self.known.open, original, self.event.at);
        let mut texts = told.iter().filter_map(|inbound| inbound.happened.content()?.text.as_ref());
        texts.find(|text| shown.is_cut_from(text)).cloned()
    }
}

impl Worker {
    /// A worker on a desk.
    pub fn new(desk: Desk, search: ContactSearch, directory: Directory, blobs: Blobs, http: Http) -> Self {
        Self { desk, search, directory, blobs, http }
    }

    /// Does the work of a batch and returns what must come again.
    pub async fn handle(&self, batch: &[Message], deadline: Instant) -> Vec<Failed> {
        process(batch, deadline, |message| self.one(message)).await
    }

    async fn one(&self, message: &Message) -> Result<(), Retry> {
        let Ok(work) = serde_json::from_str::<Work>(&message.body) else {
            tracing::error!(message.id, "a work message cannot be understood");
            return Err(Retry::default());
        };
        let last = message.receives + 1 >= MAX_RECEIVES;
        match self.work(work, last).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::warn!(message.id, message.receives, %error, "work was not done");
                Err(Retry::default())
            }
        }
    }

    async fn work(&self, work: Work, last: bool) -> Result<(), WorkError> {
        match work {
            Work::FetchFiles { ticket, seq } => match self.context(ticket, seq).await? {
                Some(context) => self.fetch_files(ticket, &context, last).await,
                None => Ok(()),
            },
            Work::Acknowledge { ticket, seq } => match self.context(ticket, seq).await? {
                Some(context) => self.acknowledge(&context).await,
                None => Ok(()),
            },
            Work::IndexContact { contact } => match self.desk.contact(contact).await? {
                Some(contact) => Ok(self.search.add(&contact).await?),
                None => Ok(()),
            },
        }
    }

    /// What an event's work needs; `None` when the ticket has no conversation or its connection was deleted.
    async fn context(&self, ticket: TicketId, seq: u64) -> Result<Option<Context>, WorkError> {
        let Some(event) = self.desk.event(ticket, seq).await? else { return Ok(None) };
        let Some(ticket) = self.desk.ticket(ticket).await? else { return Ok(None) };
        let Some(thread) = ticket.thread_of(&event) else { return Ok(None) };
        let Some(platform) = channels::platform(thread.channel.as_str()) else { return Ok(None) };
        let known = self.directory.connection(&thread.channel, thread.connection).await?;
        Ok(known.map(|known| Context { event, platform, known }))
    }

    /// Tells the platform that a button's press was noticed. Best effort: the platform forgets about it soon.
    async fn acknowledge(&self, context: &Context) -> Result<(), WorkError> {
        let Fact::ButtonPressed(pressed) = &context.event.fact else { return Ok(()) };
        match context.platform.acknowledge(&self.http, &context.known.open, &pressed.callback).await {
            Err(error) if error.transient => Err(error.into()),
            Err(error) => {
                tracing::info!(%error, "a button's press was not acknowledged");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
