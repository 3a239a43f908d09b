//! A worker on a desk in a folder of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use channels::Directory;
use channels::directory::place;
use channels::http::Http;
use desk::calendar::Zone;
use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::event::Event;
use desk::ids::{AttachmentId, ConnectionId, TicketId, Ulid};
use desk::inbound::{Happened, Inbound, Sender};
use desk::message::{Attachment, AttachmentKind, MessageContent};
use jiff::Timestamp;
use object_store::memory::InMemory;
use router::Router;
use store::Desk;
use store::attachments::StoredFile;
use store::blobs::{BlobError, Blobs, NoLinks, SmallObjects};
use store::connections::{Health, StoredConnection};
use store::contacts::ContactSearch;
use store::envelope::{Envelope, Work};
use store::environment::System;
use store::queue::{Failed, Message};
use store::seal::{SealingKey, Secret};
use store::sqlite::{Sqlite, SqliteObjects, TableName};
use tokio::time::Instant;
use worker::Worker;

use crate::telegram::Telegram;

/// An object store that takes nothing for a while.
pub(crate) struct Store {
    objects: SqliteObjects,
    pub(crate) full: AtomicBool,
}

#[async_trait]
impl SmallObjects for Store {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(BlobError::Unavailable("full".to_owned())),
            false => self.objects.put(key, bytes).await,
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        self.objects.get(key).await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, BlobError> {
        self.objects.size(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.objects.delete(key).await
    }
}

/// A worker, and a desk with a bot.
pub(crate) struct Stage {
    pub(crate) desk: Desk,
    pub(crate) search: ContactSearch,
    pub(crate) telegram: Arc<Telegram>,
    pub(crate) store: Arc<Store>,
    pub(crate) blobs: Blobs,
    worker: Worker,
    router: Router,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
        desk.install_defaults(Zone::try_from("UTC").unwrap()).await.unwrap();
        let store = Arc::new(Store { objects: sqlite.objects(), full: AtomicBool::new(false) });
        let blobs =
            Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks)).keeping_small_ones_in(store.clone());
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        desk.save_connection(&bot(&desk, &key), Vec::new()).await.unwrap();
        let telegram = Arc::new(Telegram::default());
        let search = ContactSearch::new(Arc::new(sqlite.table(TableName::Index)));
        let worker = Worker::new(
            desk.clone(),
            search.clone(),
            Directory::new(desk.clone(), key),
            blobs.clone(),
            Http::over(telegram.clone()),
        );
        let dead = Arc::new(sqlite.queue("inbound", true).dead_letters());
        let router = Router::new(desk.clone(), blobs.clone(), dead);
        Self { desk, search, telegram, store, blobs, worker, router, _folder: folder }
    }

    /// Something happens in Ann's conversation. The ticket and its latest event.
    pub(crate) async fn happens(&self, key: &str, happened: Happened) -> (TicketId, Event) {
        let inbound = Inbound {
            thread: ThreadKey {
                channel: Channel::try_from("telegram").unwrap(),
                connection: connection(),
                conversation: "42".to_owned(),
            },
            class: ChannelClass::Messenger,
            key: key.to_owned(),
            at: self.desk.now(),
            sender: Some(Sender {
                kind: "telegram".to_owned(),
                address: "42".to_owned(),
                name: Some("Ann Miller".to_owned()),
                username: None,
                language: None,
                phone: None,
            }),
            happened,
            raw: None,
            letter: None,
            numbered_in: None,
        };
        let body = Envelope::pack(inbound, &self.blobs).await.unwrap().body;
        assert_eq!(self.router.handle(&[message(body, 1)], soon()).await, []);
        let ticket = self.desk.ticket_by_number(1).await.unwrap().unwrap();
        (ticket, self.desk.events(ticket, 0, 100).await.unwrap().items.pop().unwrap())
    }

    /// Ann sends files. The work that follows, and the files' ids.
    pub(crate) async fn sends(&self, files: Vec<Attachment>) -> (Work, Vec<AttachmentId>) {
        let content = MessageContent { attachments: files, ..MessageContent::default() };
        let happened = Happened::Message { id: "1".to_owned(), content, album: None };
        let (ticket, event) = self.happens("update:1", happened).await;
        let files = event.content.said().unwrap().message.attachments.iter();
        (Work::FetchFiles { ticket, seq: event.seq }, files.map(|file| file.id.unwrap()).collect())
    }

    /// Hands the worker what the queue would the `receives`th time. Whether it is done.
    pub(crate) async fn works(&self, work: &Work, receives: u32) -> bool {
        self.works_on(work.pack().body, receives).await
    }

    pub(crate) async fn works_on(&self, body: String, receives: u32) -> bool {
        let batch = [message(body, receives)];
        let failed = self.worker.handle(&batch, soon()).await;
        assert!(failed.is_empty() || failed == [Failed { id: batch[0].id.clone(), after: None }]);
        failed.is_empty()
    }

    pub(crate) async fn file(&self, id: AttachmentId) -> Option<StoredFile> {
        self.desk.file(id).await.unwrap()
    }

    /// Why a file could not be had.
    pub(crate) async fn reason(&self, id: AttachmentId) -> Option<String> {
        self.file(id).await.unwrap().reason
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn message(body: String, receives: u32) -> Message {
    Message {
        id: "m".to_owned(),
        receipt: "r".to_owned(),
        body,
        group: None,
        receives,
        sent_at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn connection() -> ConnectionId {
    ConnectionId::new(Ulid::from_parts(1, 7))
}

fn bot(desk: &Desk, key: &SealingKey) -> StoredConnection {
    let token = key.seal(desk.environment(), &place(connection(), "token"), &Secret::new("7:bot"));
    StoredConnection {
        id: connection(),
        channel: Channel::try_from("telegram").unwrap(),
        version: 1,
        name: "Bot".to_owned(),
        settings: serde_json::Map::new(),
        secrets: [("token".to_owned(), token)].into(),
        health: Health::Ok,
        resuming: false,
        created_at: desk.now(),
    }
}

/// A picture that Telegram keeps under an id, with nothing declared.
pub(crate) fn picture(source: &str) -> Attachment {
    Attachment {
        id: None,
        kind: AttachmentKind::Image,
        name: None,
        content_type: None,
        size: None,
        duration: None,
        source: Some(source.to_owned()),
    }
}
