//! A desk with its API, and what it takes to ask it.

use std::sync::Arc;

use api::Api;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request as HttpRequest, StatusCode};
use channels::Directory;
use channels::http::Http;
use desk::access::Scope;
use desk::calendar::Zone;
use desk::channel::{Channel, ChannelClass, ThreadKey};
use desk::command::{Command, Request};
use desk::event::{Actor, MessageReceived, Said};
use desk::ids::{ConnectionId, TeamId, TokenId};
use desk::inbound::Sender;
use desk::message::MessageContent;
use desk::ticket::{Priority, Ticket};
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use serde_json::{Map, Value, json};
use store::Desk;
use store::blobs::{BlobError, Blobs, Links, UploadForm};
use store::connections::{Health, StoredConnection};
use store::contacts::ContactSearch;
use store::dead_letters::{DeadLetters, Source};
use store::environment::{Environment, System};
use store::messages::put_platform_message;
use store::opening::{Customer, Start};
use store::seal::{SealingKey, Secret};
use store::settings::Versioned;
use store::sqlite::{Sqlite, TableName};
use store::tokens::StoredToken;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A desk with its API.
pub(crate) struct Stage {
    pub(crate) desk: Desk,
    pub(crate) api: Api,
    pub(crate) router: Router,
    /// A token with all rights.
    pub(crate) token: String,
    _folder: TempDir,
}

/// What the API answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{} {}", self.status, String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, after a check of the status.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// The body, after a check that it is a problem with this status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> Value {
        let body = self.is(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], "about:blank");
        assert!(body["title"].is_string() && body["detail"].is_string());
        body
    }
}

/// Links without signatures: uploads go nowhere, downloads are the desk's own.
struct PlainLinks;

#[async_trait]
impl Links for PlainLinks {
    async fn upload(&self, key: &str, size: u64, kind: &str, _: Timestamp) -> Result<UploadForm, BlobError> {
        let fields = json!({"key": key, "size": size, "Content-Type": kind});
        Ok(UploadForm {
            url: "https://objects.test/".to_owned(),
            fields: fields.as_object().cloned().unwrap(),
        })
    }

    async fn download(&self, _: &str, name: &str, _: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(name.ends_with(".linked").then(|| "https://objects.test/signed".to_owned()))
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(public_url: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment: Arc<dyn Environment> = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.sqlite"), Arc::clone(&environment)).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment);
        desk.install_defaults(Zone::try_from("Europe/Berlin").unwrap()).await.unwrap();
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).unwrap();
        let objects = LocalFileSystem::new_with_prefix(objects).unwrap();
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let inbound = sqlite.queue("inbound.fifo", true);
        let api = Api {
            desk: desk.clone(),
            index: Arc::new(sqlite.table(TableName::Index)),
            key: Arc::clone(&key),
            directory: Directory::new(desk.clone(), key),
            http: Http::new(),
            dns: None,
            mailer: None,
            blobs: Blobs::new(Arc::new(objects), Arc::new(PlainLinks)),
            inbound: Arc::new(inbound.clone()),
            queues: vec![("inbound", Arc::new(inbound.clone()))],
            dead_letters: vec![
                DeadLetters {
                    name: "inbound",
                    source: Some(Source::Queue(Arc::new(inbound.clone()))),
                    dead: Arc::new(inbound.dead_letters()),
                },
                DeadLetters {
                    name: "relay",
                    source: None,
                    dead: Arc::new(sqlite.queue("relay-dead", false)),
                },
            ],
            public_url: public_url.map(str::to_owned),
            live: Arc::new(store::live::Nobody),
            limits: None,
            storage: None,
        };
        let token = api::first_token(&desk, None).await.unwrap().unwrap().expose().to_owned();
        Self { desk, router: api::handler(api.clone()), api, token, _folder: folder }
    }

    pub(crate) async fn send(&self, request: HttpRequest<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// Asks with a token and headers.
    pub(crate) async fn ask_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = HttpRequest::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        self.send(request).await
    }

    /// Asks in the name of a token.
    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask_with(method, path, &[("authorization", &bearer)], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask_as(&self.token, Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask_as(&self.token, Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask_as(&self.token, Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask_as(&self.token, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask_as(&self.token, Method::DELETE, path, None).await
    }

    /// Asks with the full token and one more header.
    pub(crate) async fn ask_and(
        &self,
        method: Method,
        path: &str,
        header: (&str, &str),
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.ask_with(method, path, &[("authorization", &bearer), header], body).await
    }

    /// A token with these rights.
    pub(crate) async fn token(&self, scopes: &[Scope], teams: &[TeamId]) -> String {
        let text = Secret::new(format!("ldk_{}", self.desk.environment().secret()));
        let stored = StoredToken {
            id: TokenId::new(self.desk.environment().ulid()),
            name: "script".to_owned(),
            scopes: scopes.to_vec(),
            teams: teams.to_vec(),
            agent: None,
            created_at: self.desk.now(),
        };
        self.desk.save_token(&text, &stored).await.unwrap();
        text.expose().to_owned()
    }

    /// A connection as it is stored, without any platform.
    pub(crate) async fn connection(&self, settings: Value) -> ConnectionId {
        let id = ConnectionId::new(self.desk.environment().ulid());
        let stored = StoredConnection {
            id,
            channel: telegram(),
            version: 1,
            name: "Bot".to_owned(),
            settings: settings.as_object().cloned().unwrap_or_else(Map::new),
            secrets: std::collections::BTreeMap::new(),
            health: Health::Ok,
            resuming: false,
            created_at: self.desk.now(),
        };
        self.desk.save_connection(&stored, Vec::new()).await.unwrap();
        id
    }

    pub(crate) async fn team(&self, name: &str) -> TeamId {
        let id = TeamId::new(self.desk.environment().ulid());
        let team = desk::settings::Team { id, name: name.to_owned(), sender_name: None };
        self.desk.save_setting(&Versioned { version: 1, value: team }, false, Vec::new()).await.unwrap();
        id
    }

    /// A ticket from a customer's message: number `message` in the conversation of `customer`.
    pub(crate) async fn ticket(
        &self,
        connection: ConnectionId,
        customer: &str,
        message: &str,
        said: Said,
        team: Option<TeamId>,
    ) -> Ticket {
        let key = ThreadKey { channel: telegram(), connection, conversation: customer.to_owned() };
        let sender = Sender {
            kind: "telegram".to_owned(),
            address: customer.to_owned(),
            name: Some(format!("Customer {customer}")),
            username: None,
            language: None,
            phone: None,
        };
        let thread = self.desk.thread(&key).await.unwrap();
        let start = Start {
            customer: Customer::Sender(sender),
            thread: Some((key.clone(), thread)),
            class: Some(ChannelClass::Messenger),
            priority: Priority::Normal,
            team,
            subject: said.message.summary(80),
            previous: None,
            related: None,
            correspondence: None,
            actor: None,
            cause: None,
        };
        let received = MessageReceived {
            message: message.to_owned(),
            sent_at: self.desk.now(),
            asks: true,
            album: None,
            attachments: said.message.attachments.len(),
            late: false,
            automatic: None,
            thread: None,
            new_author: false,
        };
        let ticket = self
            .desk
            .open_ticket(
                start,
                |contact| {
                    Some(Request {
                        actor: Actor::Contact { id: contact },
                        cause: None,
                        command: Command::Receive(Box::new(received.clone()), Box::new(said.clone())),
                    })
                },
                |_, ticket| Ok(vec![put_platform_message(&key, &key, message, ticket.id, ticket.seq)?]),
            )
            .await
            .unwrap();
        let contact = self.desk.contact(ticket.contact).await.unwrap().unwrap();
        ContactSearch::new(Arc::clone(&self.api.index)).add(&contact).await.unwrap();
        ticket
    }

    /// A ticket with a question, and the connection that it came by.
    pub(crate) async fn question(&self) -> Ticket {
        let connection = self.connection(json!({})).await;
        self.ticket(connection, "7", "1", text("Where is my order?"), None).await
    }

    /// All entries of a list, page by page.
    pub(crate) async fn all(&self, path: &str, limit: usize) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{joint}limit={limit}{cursor}")).await.is(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            found.extend(items.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// What the queue holds.
    pub(crate) async fn inbound(&self) -> Vec<String> {
        let taken = self.api.inbound.receive(10, std::time::Duration::from_secs(1)).await.unwrap();
        taken.into_iter().map(|message| message.body).collect()
    }
}

pub(crate) fn telegram() -> Channel {
    Channel::try_from("telegram").unwrap()
}

/// A message of text.
pub(crate) fn text(text: &str) -> Said {
    Said { message: MessageContent::text(text), ..Said::default() }
}
