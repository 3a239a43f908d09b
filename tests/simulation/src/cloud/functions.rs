//! The functions, each wired as its `main` does it.

use std::sync::Arc;

use api::Api;
use channels::http::Http;
use channels::platform::Outlets;
use channels::{Directory, Receiver};
use clock::Clock;
use email::Post;
use live::Gateway;
use relay::Relay;
use router::Router;
use sender::Sender;
use store::Desk;
use store::blobs::Blobs;
use store::contacts::ContactSearch;
use store::dead_letters::{DeadLetters, Source};
use store::live::Live;
use store::queue::{Failed, Message, Queue};
use store::table::Table;
use tokio::time::Instant;
use webchat::{Sockets, Webchat};
use worker::Worker;

use super::Cloud;
use super::objects::SignedLinks;
use super::pool::Pool;
use super::topic::EmailFunction;
use crate::engine::MemoryQueue;
use crate::fault::{FaultyLive, FaultyMailer, FaultyObjects, FaultyQueue, FaultyTable, FaultyTransport};

/// Where the desk is reached.
const PUBLIC_URL: &str = "https://desk.example";
/// What follows the `@` in the Message-IDs that SES gives.
const MAIL_HOST: &str = "email.amazonses.example";

/// The machines of all functions.
#[derive(Default)]
pub(super) struct Pools {
    pub(super) telegram: Pool<axum::Router>,
    pub(super) older: Pool<axum::Router>,
    pub(super) email: Pool<axum::Router>,
    pub(super) post: Pool<Post>,
    pub(super) webchat: Pool<axum::Router>,
    pub(super) api: Pool<axum::Router>,
    pub(super) router: Pool<QueueFunction>,
    pub(super) sender: Pool<QueueFunction>,
    pub(super) worker: Pool<QueueFunction>,
    pub(super) relay: Pool<Relay>,
    pub(super) clock: Pool<Clock>,
    pub(super) live: Pool<Gateway<FaultyLive>>,
}

/// A function that a queue calls.
pub(super) enum QueueFunction {
    Router(Router),
    Sender(Sender),
    Worker(Worker),
}

impl QueueFunction {
    pub(super) async fn handle(&self, batch: &[Message], deadline: Instant) -> Vec<Failed> {
        match self {
            Self::Router(router) => router.handle(batch, deadline).await,
            Self::Sender(sender) => sender.handle(batch, deadline).await,
            Self::Worker(worker) => worker.handle(batch, deadline).await,
        }
    }
}

impl Cloud {
    fn desk(&self) -> Desk {
        let table = FaultyTable::new("table", self.main.clone(), Arc::clone(&self.faults));
        Desk::new(Arc::new(table), self.machine())
    }

    fn index(&self) -> Arc<dyn Table> {
        Arc::new(FaultyTable::new("index", self.index.clone(), Arc::clone(&self.faults)))
    }

    pub(super) fn faulty(&self, queue: &MemoryQueue) -> Arc<dyn Queue> {
        Arc::new(FaultyQueue::new(queue.clone(), Arc::clone(&self.faults)))
    }

    fn blobs(&self) -> Blobs {
        let objects = FaultyObjects::new(Arc::clone(&self.objects), Arc::clone(&self.faults));
        Blobs::new(Arc::new(objects), Arc::new(SignedLinks))
    }

    fn pushing(&self) -> FaultyLive {
        FaultyLive::new(self.index(), Arc::clone(&self.windows), Arc::clone(&self.faults))
    }

    fn live(&self) -> Arc<dyn Live> {
        Arc::new(self.pushing())
    }

    fn directory(&self, desk: &Desk) -> Directory {
        Directory::new(desk.clone(), Arc::clone(&self.key))
    }

    fn outlets(&self) -> Outlets {
        let (bots, post) = (Arc::clone(&self.bots), Arc::clone(&self.post));
        let (faults, moods) = (&self.faults, &self.moods);
        let http = Http::over(Arc::new(FaultyTransport::new(bots, Arc::clone(faults), Arc::clone(moods))));
        let mailer = FaultyMailer::new(post, Arc::clone(faults), Arc::clone(moods));
        Outlets { http, mailer: Some(Arc::new(mailer)) }
    }

    pub(super) fn receiver(&self) -> Receiver {
        let desk = self.desk();
        Receiver {
            directory: self.directory(&desk),
            inbound: self.faulty(&self.inbound),
            blobs: self.blobs(),
        }
    }

    pub(super) fn new_post(&self) -> Post {
        Post::new(self.desk(), self.receiver(), MAIL_HOST.to_owned())
    }

    pub(super) fn new_webchat(&self) -> axum::Router {
        webchat::handler(Webchat {
            desk: self.desk(),
            index: self.index(),
            key: Arc::clone(&self.key),
            receiver: self.receiver(),
            live: self.live(),
            sockets: Sockets::At("wss://live.example".to_owned()),
            public_url: Some(PUBLIC_URL.to_owned()),
        })
    }

    pub(super) fn new_router(&self) -> QueueFunction {
        let dead = self.faulty(&self.inbound.dead_letters());
        QueueFunction::Router(Router::new(self.desk(), self.blobs(), dead))
    }

    pub(super) fn new_sender(&self) -> QueueFunction {
        let desk = self.desk();
        let directory = self.directory(&desk);
        let sender = Sender::new(desk, directory, self.blobs(), self.outlets());
        QueueFunction::Sender(sender.telling(self.live()))
    }

    pub(super) fn new_worker(&self) -> QueueFunction {
        let desk = self.desk();
        let directory = self.directory(&desk);
        let search = ContactSearch::new(self.index());
        QueueFunction::Worker(Worker::new(desk, search, directory, self.blobs(), self.outlets().http))
    }

    pub(super) fn new_relay(&self) -> Relay {
        let (outbound, work) = (self.faulty(&self.outbound), self.faulty(&self.work));
        Relay::new(outbound, work, self.faulty(&self.relay_dead)).telling(self.desk(), self.live())
    }

    pub(super) fn new_live(&self) -> Gateway<FaultyLive> {
        let desk = self.desk();
        let directory = self.directory(&desk);
        let public_url = Some(PUBLIC_URL.to_owned());
        Gateway::new(live::Door { desk, index: self.index(), directory, public_url }, self.pushing())
    }

    pub(super) fn new_clock(&self) -> Clock {
        Clock::new(self.desk(), self.index(), self.faulty(&self.outbound))
    }

    pub(super) fn new_api(self: &Arc<Self>) -> axum::Router {
        let desk = self.desk();
        let outlets = self.outlets();
        let dead_letters = |name, queue: &MemoryQueue| DeadLetters {
            name,
            source: Some(Source::Queue(self.faulty(queue))),
            dead: self.faulty(&queue.dead_letters()),
        };
        api::handler(Api {
            directory: self.directory(&desk),
            desk,
            index: self.index(),
            key: Arc::clone(&self.key),
            http: outlets.http,
            dns: None,
            mailer: outlets.mailer,
            blobs: self.blobs(),
            inbound: self.faulty(&self.inbound),
            queues: Vec::new(),
            dead_letters: vec![
                dead_letters("inbound", &self.inbound),
                dead_letters("outbound", &self.outbound),
                dead_letters("work", &self.work),
                DeadLetters {
                    source: Some(Source::Function(Arc::new(EmailFunction(Arc::downgrade(self))))),
                    ..dead_letters("email", &self.email)
                },
            ],
            public_url: Some(PUBLIC_URL.to_owned()),
            live: self.live(),
            limits: None,
            storage: None,
        })
    }
}
