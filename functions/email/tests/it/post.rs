//! What SES tells of a mail while the desk cannot take it: told again, the mail is there once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use channels::receiver::ReceiveError;
use channels::{Directory, Receiver};
use desk::channel::Channel;
use desk::ids::{ConnectionId, Ulid};
use email::{Post, PostError};
use object_store::memory::InMemory;
use serde_json::json;
use store::Desk;
use store::blobs::{BlobError, Blobs, NoLinks, SmallObjects};
use store::connections::{Health, StoredConnection};
use store::envelope::Envelope;
use store::environment::System;
use store::queue::{Depth, Message, Outgoing, Queue, QueueError};
use store::seal::SealingKey;
use store::sqlite::{Sqlite, SqliteObjects, SqliteQueue, TableName};

/// Where SES puts the mail that it tells of, and where the mail goes: to two addresses of the shop.
const MAIL_KEY: &str = "mail/o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1";
const MAIL: &[u8] = b"Message-ID: <q1@customer.example>\r\nFrom: Ivan <ivan@customer.example>\r\n\
    To: support@shop.example\r\nSubject: Where is my order?\r\n\r\nIt is late.\r\n";

/// A queue that takes so many sends, and then none.
struct Reluctant {
    queue: SqliteQueue,
    takes: AtomicUsize,
}

#[async_trait]
impl Queue for Reluctant {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let left = self.takes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.queue.send(messages).await,
            Err(_) => Err(QueueError::Unavailable("not now".to_owned())),
        }
    }

    async fn receive(&self, limit: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        self.queue.receive(limit, visibility).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        self.queue.delete(receipt).await
    }

    async fn release(&self, receipt: &str, after: Duration) -> Result<(), QueueError> {
        self.queue.release(receipt, after).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        self.queue.depth().await
    }
}

/// An object store that can be read, and for a while not written.
struct Full {
    objects: SqliteObjects,
    full: AtomicBool,
}

#[async_trait]
impl SmallObjects for Full {
    async fn put(&self, key: &str, bytes: bytes::Bytes) -> Result<(), BlobError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(BlobError::Unavailable("full".to_owned()));
        }
        self.objects.put(key, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<bytes::Bytes>, BlobError> {
        self.objects.get(key).await
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, BlobError> {
        self.objects.size(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.objects.delete(key).await
    }
}

/// A desk with two addresses that SES receives for.
struct Office {
    desk: Desk,
    post: Post,
    queue: Arc<Reluctant>,
    store: Arc<Full>,
    blobs: Blobs,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
        for (number, address) in [(1, "support@shop.example"), (2, "sales@shop.example")] {
            connect(&desk, number, address).await;
        }
        let queue =
            Arc::new(Reluctant { queue: sqlite.queue("inbound", true), takes: AtomicUsize::new(usize::MAX) });
        let store = Arc::new(Full { objects: sqlite.objects(), full: AtomicBool::new(false) });
        let blobs =
            Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks)).keeping_small_ones_in(store.clone());
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let receiver = Receiver {
            directory: Directory::new(desk.clone(), key),
            inbound: queue.clone(),
            blobs: blobs.clone(),
        };
        let post = Post::new(desk.clone(), receiver, "eu-central-1.amazonses.com".to_owned());
        Self { desk, post, queue, store, blobs, _folder: folder }
    }

    /// SES puts the mail into the bucket, then tells of it.
    async fn with_mail() -> Self {
        let office = Self::open().await;
        office.blobs.put(MAIL_KEY, MAIL.into()).await.unwrap();
        office
    }

    async fn told(&self, name: &str) -> Result<(), PostError> {
        self.post.take(&sample(name)).await
    }

    /// Which address what is in the queue came to, and what it is called.
    async fn queued(&self) -> Vec<(ConnectionId, String)> {
        let mut queued = Vec::new();
        for message in self.queue.receive(10, Duration::from_secs(60)).await.unwrap() {
            let (inbound, _) = Envelope::unpack(&message.body, &self.blobs).await.unwrap().unwrap();
            queued.push((inbound.thread.connection, inbound.key));
        }
        queued.sort();
        queued
    }
}

/// What SES tells.
fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Connects an address.
async fn connect(desk: &Desk, number: u128, address: &str) {
    let connection = StoredConnection {
        id: connection(number),
        channel: Channel::try_from("email").unwrap(),
        version: 1,
        name: address.to_owned(),
        settings: json!({"address": address}).as_object().unwrap().clone(),
        secrets: BTreeMap::new(),
        health: Health::Ok,
        resuming: false,
        created_at: desk.now(),
    };
    desk.save_connection(&connection, Vec::new()).await.unwrap();
}

fn connection(number: u128) -> ConnectionId {
    ConnectionId::new(Ulid::from_parts(1, number))
}

#[tokio::test]
async fn a_mail_that_no_queue_takes_is_told_again_and_there_once() {
    let office = Office::with_mail().await;
    office.queue.takes.store(0, Ordering::SeqCst);
    let refused = office.told("received.json").await;
    assert!(matches!(refused, Err(PostError::Receive(ReceiveError::Queue(_)))), "{refused:?}");

    // The first address has it, the second one not: that is not enough either.
    office.queue.takes.store(1, Ordering::SeqCst);
    let refused = office.told("received.json").await;
    assert!(matches!(refused, Err(PostError::Receive(ReceiveError::Queue(_)))), "{refused:?}");

    office.queue.takes.store(usize::MAX, Ordering::SeqCst);
    for _ in 0..2 {
        office.told("received.json").await.unwrap();
    }
    let queued = office.queued().await;
    let whom: Vec<ConnectionId> = queued.iter().map(|(whom, _)| *whom).collect();
    assert_eq!(whom, [connection(1), connection(2)], "each address has it once: {queued:?}");
}

#[tokio::test]
async fn a_mail_that_cannot_be_kept_is_told_again_and_there_once() {
    let office = Office::with_mail().await;
    office.store.full.store(true, Ordering::SeqCst);
    let refused = office.told("received.json").await;
    assert!(matches!(refused, Err(PostError::Receive(ReceiveError::Blob(_)))), "{refused:?}");
    assert_eq!(office.queued().await, [], "nothing names an original that is not there");

    office.store.full.store(false, Ordering::SeqCst);
    office.told("received.json").await.unwrap();
    assert_eq!(office.queued().await.len(), 2);
}

#[tokio::test]
async fn a_mail_that_cannot_be_read_is_told_again() {
    let office = Office::open().await;
    let missing = office.told("received.json").await;
    assert!(matches!(missing, Err(PostError::Blob(BlobError::Missing(_)))), "{missing:?}");
    office.blobs.put(MAIL_KEY, MAIL.into()).await.unwrap();
    office.told("received.json").await.unwrap();
    assert_eq!(office.queued().await.len(), 2);
}

/// SES does not tell again of what was taken, so nothing is taken for an address that is only not known yet.
#[tokio::test]
async fn a_mail_for_an_address_that_was_just_connected_is_there() {
    let office = Office::with_mail().await;
    office.told("received.json").await.unwrap();
    connect(&office.desk, 3, "new@shop.example").await;
    let told = sample("received.json").replace("sales@shop.example", "new@shop.example");
    office.post.take(&told).await.unwrap();
    let whom: Vec<ConnectionId> = office.queued().await.into_iter().map(|(whom, _)| whom).collect();
    assert_eq!(whom, [connection(1), connection(2), connection(3)]);
}

#[tokio::test]
async fn a_report_that_no_queue_takes_is_told_again_and_there_once() {
    let office = Office::open().await;
    office.queue.takes.store(0, Ordering::SeqCst);
    let refused = office.told("bounce_event.json").await;
    assert!(matches!(refused, Err(PostError::Receive(ReceiveError::Queue(_)))), "{refused:?}");
    office.queue.takes.store(usize::MAX, Ordering::SeqCst);
    for _ in 0..2 {
        office.told("bounce_event.json").await.unwrap();
    }
    let queued = office.queued().await;
    assert_eq!(queued.len(), 1, "{queued:?}");
    assert!(queued[0].1.starts_with("ses:"), "{queued:?}");
}
