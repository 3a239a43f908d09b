//! The functions on counted tables, in this process, on a clock that is moved by hand.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::Api;
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use channels::http::{Answer, Call, Http, HttpError, Reach, Transport};
use channels::platform::Outlets;
use channels::{Directory, Receiver};
use clock::Clock;
use desk::calendar::Zone;
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use object_store::memory::InMemory;
use relay::Relay;
use router::Router;
use sender::Sender;
use serde_json::{Value, json};
use store::Desk;
use store::blobs::{Blobs, NoLinks};
use store::environment::{Environment, System};
use store::queue::{Message, Queue as _};
use store::seal::SealingKey;
use store::sqlite::{Sqlite, SqliteChanges, SqliteQueue, SqliteTable, TableName};
use store::table::ChangeFeed as _;
use tempfile::TempDir;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::counting::{Asked, Counting};
use crate::figures::functions::request;

/// What may go wrong here: anything, and then there is no figure.
pub type Wrong = Box<dyn Error + Send + Sync>;

/// Monday, 23 November 2026, 10:00 UTC: people work.
const MONDAY: i64 = 1_795_428_000;
/// The installation's key.
pub const KEY: [u8; SealingKey::LENGTH] = [7; SealingKey::LENGTH];
/// How long a batch is in hand.
const IN_HAND: Duration = Duration::from_secs(300);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct Moved {
    seconds: AtomicI64,
    chance: System,
}

impl Environment for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds.load(Ordering::Relaxed)).unwrap_or_default()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.chance.fill(buffer);
    }
}

/// A Telegram that takes everything.
#[derive(Debug, Default)]
struct Agreeable {
    sent: AtomicI64,
    secret: Mutex<String>,
}

#[async_trait]
impl Transport for Agreeable {
    async fn carry(&self, call: Call, _: Reach) -> Result<Answer, HttpError> {
        let method = call.url.path().rsplit('/').next().unwrap_or_default().to_owned();
        let body = match call.body {
            channels::http::Body::Json(body) => body,
            _ => Value::Null,
        };
        let result = match method.as_str() {
            "getMe" => json!({"id": 7, "is_bot": true, "first_name": "Shop", "username": "shop_bot"}),
            "sendMessage" => {
                let message = 1_000_000 + self.sent.fetch_add(1, Ordering::Relaxed);
                json!({"message_id": message, "date": MONDAY, "chat": {"id": body["chat_id"], "type": "private"}})
            }
            _ => {
                if let Some(secret) = body["secret_token"].as_str() {
                    secret.clone_into(&mut self.secret.lock().unwrap_or_else(PoisonError::into_inner));
                }
                json!(true)
            }
        };
        let body = json!({"ok": true, "result": result}).to_string().into();
        Ok(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body })
    }
}

/// The functions, and a connected bot.
pub struct Rig {
    /// The desk, on the counted table.
    pub desk: Desk,
    main: Counting<SqliteTable>,
    index: Counting<SqliteTable>,
    environment: Arc<Moved>,
    inbound: SqliteQueue,
    outbound: SqliteQueue,
    changes: SqliteChanges,
    webhook: axum::Router,
    api: axum::Router,
    router: Router,
    relay: Relay,
    sender: Sender,
    clock: Clock,
    token: String,
    connection: String,
    secret: String,
    folder: TempDir,
}

impl Rig {
    /// A new desk, warm: what processes keep for a while has been read.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn new() -> Result<Self, Wrong> {
        Self::on(crate::local::folder()?).await
    }

    /// The same with a bot whose API is at this address, for whoever sends from another process.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn calling(api_url: &str) -> Result<Self, Wrong> {
        Self::set_up(crate::local::folder()?, json!({"token": "7:bot", "api_url": api_url})).await
    }

    /// The same on what a folder holds.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn on(folder: TempDir) -> Result<Self, Wrong> {
        Self::set_up(folder, json!({"token": "7:bot"})).await
    }

    async fn set_up(folder: TempDir, bot: Value) -> Result<Self, Wrong> {
        let environment = Arc::new(Moved { seconds: MONDAY.into(), chance: System::new() });
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone())?;
        let main = Counting::new(sqlite.table(TableName::Main));
        let index = Counting::new(sqlite.table(TableName::Index));
        let desk = Desk::new(Arc::new(main.clone()), environment.clone());
        desk.install_defaults(Zone::try_from("UTC")?).await?;
        let key = Arc::new(SealingKey::new(&KEY).ok_or("a key of the right length")?);
        let directory = Directory::new(desk.clone(), Arc::clone(&key));
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks));
        let platform = Arc::new(Agreeable::default());
        let http = Http::over(platform.clone());
        let (inbound, outbound, work) =
            (sqlite.queue("inbound", true), sqlite.queue("outbound", true), sqlite.queue("work", false));
        let receiver = Receiver {
            directory: directory.clone(),
            inbound: Arc::new(inbound.clone()),
            blobs: blobs.clone(),
        };
        let api = api::handler(Api {
            desk: desk.clone(),
            index: Arc::new(index.clone()),
            key,
            directory: directory.clone(),
            http: http.clone(),
            dns: None,
            mailer: None,
            blobs: blobs.clone(),
            inbound: Arc::new(inbound.clone()),
            queues: Vec::new(),
            dead_letters: Vec::new(),
            public_url: Some("https://desk.example".to_owned()),
            live: Arc::new(store::live::Nobody),
            limits: None,
            storage: None,
        });
        let token = api::first_token(&desk, None).await?.ok_or("a token")?.expose().to_owned();
        let relay = Relay::new(
            Arc::new(outbound.clone()),
            Arc::new(work),
            Arc::new(sqlite.queue("relay-dead", false)),
        );
        let mut rig = Self {
            webhook: telegram::handler(receiver),
            api,
            router: Router::new(desk.clone(), blobs.clone(), Arc::new(inbound.dead_letters())),
            relay: relay.telling(desk.clone(), Arc::new(store::live::Nobody)),
            sender: Sender::new(desk.clone(), directory, blobs, Outlets { http, mailer: None }),
            clock: Clock::new(desk.clone(), Arc::new(index.clone()), Arc::new(outbound.clone())),
            changes: sqlite.changes(),
            desk,
            main,
            index,
            environment,
            inbound,
            outbound,
            token,
            connection: String::new(),
            secret: String::new(),
            folder,
        };
        rig.connection = rig.connects("telegram", bot).await?;
        platform.secret.lock().unwrap_or_else(PoisonError::into_inner).clone_into(&mut rig.secret);
        // Another chat warms everything.
        rig.says(1, 1, "Hello").await?;
        rig.routed().await?;
        rig.relayed().await?;
        rig.sweep().await?;
        // What the setting up changed is recomputed with the first sweep; the second finds nothing.
        rig.sweep().await?;
        rig.asked();
        Ok(rig)
    }

    /// Makes a connection. Its id.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn connects(&self, channel: &str, settings: Value) -> Result<String, Wrong> {
        let wanted = json!({"channel": channel, "name": "Shop", "settings": settings});
        let created = self.ask("/connections", &wanted).await?;
        Ok(created["id"].as_str().ok_or("a connection")?.to_owned())
    }

    /// A token of its API.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("desk.db")
    }

    /// A customer with a ticket writes so many more messages, which stay in the queue. The events of their webhooks.
    ///
    /// # Errors
    /// When one is not acknowledged.
    pub async fn said_without_routing(&self, count: usize) -> Result<Vec<Value>, Wrong> {
        const CHAT: i64 = 44;
        self.says(CHAT, 1, "Good morning! Where is my parcel?").await?;
        self.routed().await?;
        let path = format!("/webhooks/telegram/{}", self.connection);
        let headers =
            [("content-type", "application/json"), ("x-telegram-bot-api-secret-token", self.secret.as_str())];
        let mut events = Vec::with_capacity(count);
        for message in (2_i64..).take(count) {
            let text = format!("{message}: it was due on Monday, and nobody tells me anything.");
            self.says(CHAT, message, &text).await?;
            let body = self.update(CHAT, message, &text).to_string();
            events.push(request("POST", &path, Some(&body), &headers));
        }
        Ok(events)
    }

    /// What was asked of the tables since the last time.
    pub fn asked(&self) -> Asked {
        self.main.take().and(self.index.take())
    }

    /// Moves the clock on.
    pub fn pass(&self, seconds: i64) {
        self.environment.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Somebody writes: the platform calls the webhook.
    ///
    /// # Errors
    /// When it is not acknowledged.
    pub async fn says(&self, chat: i64, message: i64, text: &str) -> Result<(), Wrong> {
        let body = self.update(chat, message, text);
        let request = Request::post(format!("/webhooks/telegram/{}", self.connection))
            .header("content-type", "application/json")
            .header("x-telegram-bot-api-secret-token", &self.secret)
            .body(Body::from(body.to_string()))?;
        let status = self.webhook.clone().oneshot(request).await?.status();
        if status == 200 { Ok(()) } else { Err(format!("the webhook answered {status}").into()) }
    }

    fn update(&self, chat: i64, message: i64, text: &str) -> Value {
        let person = json!({"id": chat, "is_bot": false, "first_name": "Anna", "language_code": "en"});
        json!({"update_id": 10_000 * chat + message, "message": {
            "message_id": message, "from": person, "date": self.desk.now().as_second(),
            "chat": {"id": chat, "first_name": "Anna", "type": "private"}, "text": text,
        }})
    }

    /// The router takes what is in its queue. How many messages there were.
    ///
    /// # Errors
    /// When one fails.
    pub async fn routed(&self) -> Result<usize, Wrong> {
        let batch = self.inbound.receive(10, IN_HAND).await?;
        let failed = self.router.handle(&batch, Instant::now() + IN_HAND).await;
        done(&self.inbound, &batch, failed.len()).await
    }

    /// The relay hands on what was inserted of what its stream lets through. How many records there were.
    ///
    /// # Errors
    /// When one fails.
    pub async fn relayed(&self) -> Result<usize, Wrong> {
        let all = self.changes.inserted(1000).await?;
        let Some(last) = all.last().map(|last| last.position.clone()) else { return Ok(0) };
        let read = |sk: &str| relay::READS.iter().any(|start| sk.starts_with(start));
        let told: Vec<_> = all.into_iter().filter(|one| read(&one.item.key.sk)).collect();
        self.relay.handle(&told).await?;
        self.changes.acknowledge(&last).await?;
        Ok(told.len())
    }

    /// The sender sends what is in its queue. How many messages there were.
    ///
    /// # Errors
    /// When one fails.
    pub async fn sent(&self) -> Result<usize, Wrong> {
        let batch = self.outbound.receive(10, IN_HAND).await?;
        let failed = self.sender.handle(&batch, Instant::now() + IN_HAND).await;
        done(&self.outbound, &batch, failed.len()).await
    }

    /// The clock looks at what is due. How much that was.
    ///
    /// # Errors
    /// When it cannot look, or something fails.
    pub async fn sweep(&self) -> Result<usize, Wrong> {
        let swept = self.clock.sweep(|| true).await?;
        if swept.failed == 0 { Ok(swept.due) } else { Err(format!("{swept:?}").into()) }
    }

    /// An agent answers the ticket with a number.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn answers(&self, number: u64, text: &str) -> Result<(), Wrong> {
        let ticket = self.desk.ticket_by_number(number).await?.ok_or("a ticket")?;
        self.asked();
        self.ask(&format!("/tickets/{ticket}/replies"), &json!({"text": text})).await?;
        Ok(())
    }

    async fn ask(&self, path: &str, body: &Value) -> Result<Value, Wrong> {
        let request = Request::post(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Body::from(body.to_string()))?;
        let (parts, body) = self.api.clone().oneshot(request).await?.into_parts();
        let bytes = to_bytes(body, usize::MAX).await?;
        if !parts.status.is_success() {
            return Err(format!("{path}: {} {}", parts.status, String::from_utf8_lossy(&bytes)).into());
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

async fn done(queue: &SqliteQueue, batch: &[Message], failed: usize) -> Result<usize, Wrong> {
    if failed > 0 {
        return Err(format!("{failed} messages failed").into());
    }
    for message in batch {
        queue.delete(&message.receipt).await?;
    }
    Ok(batch.len())
}
