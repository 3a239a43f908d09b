//! A desk with its chat, whose clock the tests move.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use channels::directory::place;
use channels::http::Http;
use channels::platform::{Finding, Mailer, Outlets, SendError};
use channels::{Directory, Receiver};
use desk::calendar::Zone;
use desk::channel::{Channel, ThreadKey};
use desk::event::{Actor, Fact};
use desk::ids::{ConnectionId, TicketId};
use desk::reply::Reply as Outgoing;
use desk::ticket::Ticket;
use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use router::Router;
use sender::Sender;
use serde_json::{Value, json};
use store::Desk;
use store::answering::Answer as Reply;
use store::blobs::{BlobError, Blobs, Links, UploadForm};
use store::connections::{Health, StoredConnection};
use store::envelope::Outbound;
use store::environment::{Environment, System};
use store::live::Live;
use store::queue::{Message, Queue as _};
use store::seal::{SealingKey, Secret};
use store::sqlite::{Sqlite, SqliteQueue, TableName};
use tokio::time::Instant;
use tower::ServiceExt as _;
use webchat::{Sockets, Webchat};

/// A Wednesday, in working hours.
const START: &str = "2026-03-04T12:00:00Z";

/// The page that shows the chat.
pub(crate) const SHOP: &str = "https://shop.example";
/// The shop's shared secret.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A clock that the tests move, and chance of the machine.
struct Moved {
    second: AtomicI64,
    system: System,
}

impl Environment for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.second.fetch_add(1, Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.system.fill(buffer);
    }
}

/// Links that the desk serves itself.
struct OwnLinks;

#[async_trait]
impl Links for OwnLinks {
    async fn upload(&self, key: &str, size: u64, kind: &str, _: Timestamp) -> Result<UploadForm, BlobError> {
        let fields = json!({"key": key, "size": size, "Content-Type": kind});
        Ok(UploadForm {
            url: "https://objects.test/".to_owned(),
            fields: fields.as_object().cloned().unwrap(),
        })
    }

    async fn download(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<String>, BlobError> {
        Ok(None)
    }
}

/// What was pushed, and to whom.
#[derive(Debug, Default)]
pub(crate) struct Pushed(Mutex<Vec<(ThreadKey, Value)>>);

#[async_trait]
impl Live for Pushed {
    async fn push(&self, thread: &ThreadKey, frame: &str) {
        self.0.lock().unwrap().push((thread.clone(), serde_json::from_str(frame).unwrap()));
    }
}

/// A mail that left: to whom, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
}

impl Sent {
    /// A header field's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let unfolded = self.text.replace("\r\n\t", " ").replace("\r\n ", " ");
        let mut lines = unfolded.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    }
}

/// Takes every mail.
#[derive(Debug, Default)]
pub(crate) struct Post(Mutex<Vec<Sent>>);

#[async_trait]
impl Mailer for Post {
    async fn send(&self, _: &str, to: &[String], mail: Vec<u8>) -> Result<Option<String>, SendError> {
        let text = String::from_utf8(mail).unwrap();
        self.0.lock().unwrap().push(Sent { to: to.to_vec(), text });
        Ok(None)
    }

    async fn examine(&self, _: &str) -> Vec<Finding> {
        Vec::new()
    }
}

/// A desk with its chat.
pub(crate) struct Stage {
    pub(crate) desk: Desk,
    pub(crate) blobs: Blobs,
    pub(crate) connection: ConnectionId,
    pub(crate) pushed: Arc<Pushed>,
    post: Arc<Post>,
    receiver: Receiver,
    environment: Arc<Moved>,
    key: Arc<SealingKey>,
    chat: axum::Router,
    router: Router,
    sender: Sender,
    inbound: SqliteQueue,
    _folder: tempfile::TempDir,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body, after a check of the status.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// A check that it is a problem.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        let body = self.is(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["code"], code, "{body}");
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A visitor with a token.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) session: Value,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = START.parse().unwrap();
        let environment =
            Arc::new(Moved { second: AtomicI64::new(start.as_millisecond()), system: System::new() });
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment.clone());
        desk.install_defaults(Zone::try_from("UTC").unwrap()).await.unwrap();
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(OwnLinks));
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let directory = Directory::new(desk.clone(), Arc::clone(&key));
        let inbound = sqlite.queue("inbound", true);
        let pushed = Arc::new(Pushed::default());
        let post = Arc::new(Post::default());
        let receiver = Receiver {
            directory: directory.clone(),
            inbound: Arc::new(inbound.clone()),
            blobs: blobs.clone(),
        };
        let chat = webchat::handler(Webchat {
            desk: desk.clone(),
            index: Arc::new(sqlite.table(TableName::Index)),
            key: Arc::clone(&key),
            receiver: receiver.clone(),
            live: pushed.clone(),
            sockets: Sockets::Here,
            public_url: Some("https://desk.example".to_owned()),
        });
        let router = Router::new(desk.clone(), blobs.clone(), Arc::new(inbound.dead_letters()));
        let sender = Sender::new(
            desk.clone(),
            directory,
            blobs.clone(),
            Outlets { http: Http::new(), mailer: Some(post.clone()) },
        )
        .telling(pushed.clone());
        let connection = ConnectionId::new(environment.ulid());
        let stage = Self {
            desk,
            blobs,
            connection,
            pushed,
            post,
            receiver,
            environment,
            key,
            chat,
            router,
            sender,
            inbound,
            _folder: folder,
        };
        stage.connect(connection, json!({"allowed_origins": [SHOP]})).await;
        stage
    }

    /// An address of the firm that is connected.
    pub(crate) async fn office(&self, address: &str) -> ConnectionId {
        let id = ConnectionId::new(self.environment.ulid());
        self.connect_to("email", id, json!({"address": address})).await;
        id
    }

    /// Another connection with the shop's shared secret among its keys.
    pub(crate) async fn connect(&self, id: ConnectionId, settings: Value) {
        self.connect_to("webchat", id, settings).await;
    }

    async fn connect_to(&self, channel: &str, id: ConnectionId, settings: Value) {
        let keys = json!([{"kid": "shop", "alg": "HS256", "key": SECRET}]).to_string();
        let secrets = [("secret", format!("secret of {id}")), ("jwt_keys", keys)];
        let seal = |(name, secret): (&str, String)| {
            let sealed = self.key.seal(&*self.environment, &place(id, name), &Secret::new(secret));
            (name.to_owned(), sealed)
        };
        let connection = StoredConnection {
            id,
            channel: Channel::try_from(channel).unwrap(),
            version: 1,
            name: "Shop".to_owned(),
            settings: settings.as_object().cloned().unwrap(),
            secrets: secrets.map(seal).into_iter().collect::<BTreeMap<_, _>>(),
            health: Health::Ok,
            resuming: false,
            created_at: self.environment.now(),
        };
        self.desk.save_connection(&connection, Vec::new()).await.unwrap();
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: SignedDuration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap();
        self.environment.second.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.environment.now()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.chat.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/webchat/{}/{path}", self.connection);
        let mut request = Request::builder().method(method).uri(path).header("origin", SHOP);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Asks for a session.
    pub(crate) async fn session(&self, body: Value) -> Answer {
        self.ask(Method::POST, "session", None, Some(body)).await
    }

    /// A visitor whom `body` makes.
    pub(crate) async fn guest(&self, body: Value) -> Guest {
        let session = self.session(body).await.is(200);
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        Guest { token: text("token"), id: text("visitor"), session }
    }

    pub(crate) async fn post(&self, guest: &Guest, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&guest.token), Some(body)).await
    }

    /// Has a visitor write, and the router take it.
    pub(crate) async fn says(&self, guest: &Guest, client_id: &str, text: &str) {
        self.post(guest, "messages", json!({"client_id": client_id, "text": text})).await.is(202);
        self.route().await;
    }

    /// A page of a visitor's conversation.
    pub(crate) async fn page(&self, guest: &Guest, query: &str) -> Value {
        self.ask(Method::GET, &format!("messages{query}"), Some(&guest.token), None).await.is(200)
    }

    /// The texts of a visitor's conversation.
    pub(crate) async fn texts(&self, guest: &Guest) -> Vec<String> {
        texts(&self.page(guest, "").await)
    }

    /// Has the router take everything that waits.
    pub(crate) async fn route(&self) {
        loop {
            let batch = self.inbound.receive(10, Duration::from_secs(60)).await.unwrap();
            if batch.is_empty() {
                return;
            }
            assert_eq!(self.router.handle(&batch, soon()).await, []);
            for message in batch {
                self.inbound.delete(&message.receipt).await.unwrap();
            }
        }
    }

    /// How many messages wait for the router.
    pub(crate) async fn waiting(&self) -> usize {
        usize::try_from(self.inbound.depth().await.unwrap().waiting).unwrap()
    }

    pub(crate) fn thread(&self, guest: &Guest) -> ThreadKey {
        let channel = Channel::try_from("webchat").unwrap();
        ThreadKey { channel, connection: self.connection, conversation: guest.id.clone() }
    }

    /// The latest ticket of a visitor.
    pub(crate) async fn ticket(&self, guest: &Guest) -> Ticket {
        let thread = self.desk.thread(&self.thread(guest)).await.unwrap().unwrap();
        self.desk.ticket(thread.ticket).await.unwrap().unwrap()
    }

    /// Writes an answer without sending it.
    pub(crate) async fn write(&self, ticket: TicketId, answer: Reply) {
        self.desk.answer(ticket, None, answer, Actor::System, None, |_| Ok(Vec::new())).await.unwrap();
    }

    /// Answers on a ticket and sends it.
    pub(crate) async fn reply(&self, guest: &Guest, ticket: TicketId, text: &str) {
        self.write(ticket, Reply { text: Some(text.to_owned()), ..Reply::default() }).await;
        self.deliver(guest).await;
    }

    /// Has the sender send what a conversation has to send.
    pub(crate) async fn deliver(&self, guest: &Guest) {
        self.deliver_in(&self.thread(guest)).await;
    }

    /// Has the sender look at the copies of a visitor's answers.
    pub(crate) async fn deliver_copies(&self, guest: &Guest) {
        for reply in self.replies(guest).await {
            if let Some(thread) = &reply.copied_to {
                self.deliver_in(thread).await;
            }
        }
    }

    /// The answers of a visitor's latest ticket that stand in the chat, oldest first.
    pub(crate) async fn replies(&self, guest: &Guest) -> Vec<Outgoing> {
        let events = self.desk.events(self.ticket(guest).await.id, 0, 100).await.unwrap().items;
        let ids = events.iter().filter_map(|event| match &event.fact {
            Fact::Replied(replied) => Some(replied.reply),
            _ => None,
        });
        let mut replies = self.desk.replies(&self.thread(guest), &ids.collect::<Vec<_>>()).await.unwrap();
        replies.sort_by_key(|reply| reply.id);
        replies
    }

    /// Every mail that left.
    pub(crate) fn mails(&self) -> Vec<Sent> {
        self.post.0.lock().unwrap().clone()
    }

    /// Has a mail come in, and the router take it.
    pub(crate) async fn mail(&self, office: ConnectionId, mail: &str) {
        let channel = Channel::try_from("email").unwrap();
        let known = self.receiver.directory.connection(&channel, office).await.unwrap().unwrap();
        let email = channels::platform("email").unwrap();
        self.receiver.receive(email, &known.open, mail.as_bytes()).await.unwrap();
        self.route().await;
    }

    /// Has the sender send what a conversation has to send.
    pub(crate) async fn deliver_in(&self, thread: &ThreadKey) {
        for reply in self.desk.unfinished_replies(thread, None).await.unwrap() {
            let body = Outbound { thread: thread.clone(), reply: reply.id }.pack("test").body;
            let message = Message {
                id: "m".to_owned(),
                receipt: "r".to_owned(),
                body,
                group: None,
                receives: 1,
                sent_at: Timestamp::UNIX_EPOCH,
            };
            self.sender.handle(&[message], soon()).await;
        }
    }

    /// The frames that were pushed to a visitor.
    pub(crate) fn frames(&self, guest: &Guest) -> Vec<Value> {
        let thread = self.thread(guest);
        let pushed = self.pushed.0.lock().unwrap();
        pushed.iter().filter(|(to, _)| *to == thread).map(|(_, frame)| frame.clone()).collect()
    }
}

pub(crate) fn texts(page: &Value) -> Vec<String> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["text"].as_str().unwrap_or("").to_owned())
        .collect()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(300)
}
