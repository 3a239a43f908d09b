//! A desk behind the webhooks of one channel, with four connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use channels::directory::place;
use channels::{Directory, Platform, Receiver, receiver};
use desk::channel::Channel;
use desk::ids::ConnectionId;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde_json::json;
use store::Desk;
use store::connections::{Health, StoredConnection};
use store::environment::{Environment as _, System};
use store::queue::{Depth, Message, Outgoing, Queue, QueueError};
use store::seal::{SealingKey, Secret};
use store::sqlite::{Sqlite, TableName};
use tower::ServiceExt as _;

use super::attempt::{Attempt, Proof};
use crate::fixtures;

/// The secret of the connection that is attacked.
pub(super) const SECRET: &str = "Aq3-of_OURS-0123456789-abcdefghij";
/// The secret of another connection of the same channel.
pub(super) const OTHER: &str = "Bq3-of_ours-0123456789-ABCDEFGHIJ";
/// A secret that the connection had before.
pub(super) const OLD: &str = "Aq2-of_OURS-0123456789-abcdefghij";
/// A secret that the connection will have.
pub(super) const NEW: &str = "Aq4-of_OURS-0123456789-abcdefghij";

/// Where requests can go.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// The webhook of the connection that is attacked.
    pub(super) own: String,
    /// Webhooks of connections that have no secret, or an empty one.
    pub(super) without_secret: Vec<String>,
    /// The webhook of another connection.
    pub(super) other: String,
    /// Webhooks of nothing.
    pub(super) nowhere: Vec<String>,
}

/// The inbound queue: what was put in.
#[derive(Default)]
struct Taken(Mutex<Vec<Outgoing>>);

#[async_trait]
impl Queue for Taken {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        messages.iter().try_for_each(|message| message.check(true))?;
        self.0.lock().unwrap().extend(messages);
        Ok(())
    }

    async fn receive(&self, _: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth::default())
    }
}

/// A desk behind the webhooks of one channel.
pub(super) struct Gate {
    pub(super) paths: Paths,
    proof: Proof,
    channel: Channel,
    connection: ConnectionId,
    desk: Desk,
    key: Arc<SealingKey>,
    router: Router,
    inbound: Arc<Taken>,
    _folder: tempfile::TempDir,
}

impl Gate {
    pub(super) async fn new(platform: &'static dyn Platform, proof: Proof) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment.clone());
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let inbound = Arc::new(Taken::default());
        let receiver = Receiver {
            directory: Directory::new(desk.clone(), Arc::clone(&key)),
            inbound: inbound.clone(),
            blobs: fixtures::blobs(),
        };
        let [own, other, empty, none] = [0; 4].map(|_| ConnectionId::new(environment.ulid()));
        let webhook = |id: &str| format!("/webhooks/{}/{id}", platform.name());
        let paths = Paths {
            own: webhook(&own.to_string()),
            other: webhook(&other.to_string()),
            without_secret: vec![webhook(&empty.to_string()), webhook(&none.to_string())],
            nowhere: vec![
                webhook(&ConnectionId::new(environment.ulid()).to_string()),
                webhook(&own.to_string().to_lowercase()),
                webhook(&format!("{own}%00")),
                webhook(&format!("{own}/")),
                webhook(&format!("x/../{own}")),
                webhook(""),
                format!("/webhooks/webchat/{own}"),
                format!("/webhooks//{own}"),
            ],
        };
        let gate = Self {
            paths,
            proof,
            channel: platform.name().try_into().unwrap(),
            connection: own,
            desk,
            key,
            router: receiver::webhook(platform, receiver),
            inbound,
            _folder: folder,
        };
        for (id, secret) in [(own, Some(SECRET)), (other, Some(OTHER)), (empty, Some("")), (none, None)] {
            gate.connect(id, 1, secret).await;
        }
        gate
    }

    async fn connect(&self, id: ConnectionId, version: u64, secret: Option<&str>) {
        let name = self.proof.setting;
        let seal = |secret| self.key.seal(self.desk.environment(), &place(id, name), &Secret::new(secret));
        let stored = StoredConnection {
            id,
            channel: self.channel.clone(),
            version,
            name: "Shop".to_owned(),
            settings: json!({"address": "support@shop.example", "bot_id": "42", "groups": true})
                .as_object()
                .cloned()
                .unwrap(),
            secrets: secret.map(|secret| (name.to_owned(), seal(secret))).into_iter().collect(),
            health: Health::Ok,
            resuming: false,
            created_at: self.desk.now(),
        };
        self.desk.save_connection(&stored, Vec::new()).await.unwrap();
    }

    /// Gives the connection that is attacked another secret.
    pub(super) async fn change_secret(&self, secret: &str) {
        self.connect(self.connection, 2, Some(secret)).await;
    }

    pub(super) async fn ask(&self, attempt: Attempt) -> StatusCode {
        let Attempt { method, path, headers, body } = attempt;
        let mut request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    /// How much is in the inbound queue.
    pub(super) fn taken(&self) -> usize {
        self.inbound.0.lock().unwrap().len()
    }
}
