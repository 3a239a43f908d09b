//! Connections that a gateway holds, from opening to closing.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly, in its helpers, too")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use channels::directory::{place, unseal};
use channels::webchat::pass::Pass;
use channels::{Connection, Directory};
use desk::channel::{Channel, ThreadKey};
use desk::ids::{ConnectionId, Ulid, VisitorId};
use jiff::SignedDuration;
use live::{Door, Gateway, GatewayEvent};
use mutations::{config, damaged_text};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::Desk;
use store::connections::{Health, StoredConnection};
use store::environment::{Environment as _, System};
use store::live::{Live, is_typing, open_of};
use store::seal::{SealingKey, Secret};
use store::sqlite::{Sqlite, SqliteTable, TableName};

#[derive(Debug, Clone, Default)]
struct Pushed(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Live for Pushed {
    async fn push(&self, _: &ThreadKey, frame: &str) {
        self.0.lock().unwrap().push(frame.to_owned());
    }
}

struct Stage {
    gateway: Gateway<Pushed>,
    pushed: Pushed,
    index: SqliteTable,
    desk: Desk,
    chat: Connection,
    token: String,
    thread: ThreadKey,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), environment.clone());
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let id = ConnectionId::new(environment.ulid());
        let sealed = key.seal(&*environment, &place(id, "secret"), &Secret::new("a secret of ours"));
        let origins = serde_json::json!({"allowed_origins": ["https://shop.example"]});
        let stored = StoredConnection {
            id,
            channel: Channel::try_from("webchat").unwrap(),
            version: 1,
            name: "Shop".to_owned(),
            settings: origins.as_object().cloned().unwrap(),
            secrets: [("secret".to_owned(), sealed)].into(),
            health: Health::Ok,
            resuming: false,
            created_at: environment.now(),
        };
        desk.save_connection(&stored, Vec::new()).await.unwrap();
        let open = unseal(&stored, &key).unwrap();
        let visitor = VisitorId::new(Ulid::from_parts(1, 1));
        let token = Pass::new(&open, visitor, None, None, desk.now()).sign(&open).unwrap();
        let index = sqlite.table(TableName::Index);
        let door = Door {
            desk: desk.clone(),
            index: Arc::new(index.clone()),
            directory: Directory::new(desk.clone(), key),
            public_url: None,
        };
        let pushed = Pushed::default();
        let gateway = Gateway::new(door, pushed.clone());
        let thread = open.thread(visitor.to_string());
        Self { gateway, pushed, index, desk, chat: open, token, thread, _folder: folder }
    }

    /// A token that was given out so long ago, with the secret of `chat`.
    fn token_of(&self, chat: &Connection, ago: SignedDuration) -> String {
        let at = self.desk.now().checked_sub(ago).unwrap();
        Pass::new(chat, VisitorId::new(Ulid::from_parts(1, 1)), None, None, at).sign(chat).unwrap()
    }

    async fn connect(&self, token: &str, origin: &str) -> u16 {
        let connect = GatewayEvent::Connect {
            id: "L0SM9cOFvHcCIhw=".to_owned(),
            endpoint: "https://abc.execute-api.example/live".to_owned(),
            token: token.to_owned(),
            origin: Some(origin.to_owned()),
        };
        self.gateway.handle(connect).await
    }

    async fn says(&self, text: &str) -> u16 {
        let (id, text) = ("L0SM9cOFvHcCIhw=".to_owned(), text.to_owned());
        self.gateway.handle(GatewayEvent::Message { id, text }).await
    }

    async fn open(&self) -> usize {
        open_of(&self.index, &self.thread).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_connection_is_known_from_opening_to_closing() {
    let stage = Stage::new().await;
    assert_eq!(stage.says(r#"{"type":"ping"}"#).await, 200, "nobody is there, and nothing happens");
    assert_eq!(stage.connect(&stage.token, "https://shop.example").await, 200);
    let open = open_of(&stage.index, &stage.thread).await.unwrap();
    assert_eq!(open.first().unwrap().endpoint, "https://abc.execute-api.example/live");
    assert_eq!(stage.says(r#"{"type":"ping"}"#).await, 200);
    assert_eq!(*stage.pushed.0.lock().unwrap(), [r#"{"type":"pong"}"#]);
    for text in ["", "x", "[]", r#"{"type":"later"}"#] {
        assert_eq!(stage.says(text).await, 200, "{text}");
    }
    assert!(!is_typing(&stage.index, &stage.thread, stage.desk.now()).await.unwrap());
    stage.says(r#"{"type":"typing"}"#).await;
    assert!(is_typing(&stage.index, &stage.thread, stage.desk.now()).await.unwrap());

    let gone = GatewayEvent::Disconnect { id: "L0SM9cOFvHcCIhw=".to_owned() };
    assert_eq!(stage.gateway.handle(gone.clone()).await, 200);
    assert_eq!(stage.open().await, 0);
    assert_eq!(stage.gateway.handle(gone).await, 200);
}

#[tokio::test]
async fn who_may_not_come_in_stays_out() {
    let stage = Stage::new().await;
    for token in ["", "x.y", &format!("{}A", stage.token)] {
        assert_eq!(stage.connect(token, "https://shop.example").await, 401, "{token}");
    }
    // One that has run out, though it is good for a new session; and one of another chat.
    let day = SignedDuration::from_hours(24);
    let expired = stage.token_of(&stage.chat, day);
    assert_eq!(stage.connect(&expired, "https://shop.example").await, 401);
    let other = Connection { id: ConnectionId::new(Ulid::from_parts(2, 2)), ..stage.chat.clone() };
    assert_eq!(
        stage.connect(&stage.token_of(&other, SignedDuration::ZERO), "https://shop.example").await,
        401
    );
    let nearly = stage.token_of(&stage.chat, day - SignedDuration::from_mins(5));
    assert_eq!(stage.connect(&nearly, "https://shop.example").await, 200);
    let gone = GatewayEvent::Disconnect { id: "L0SM9cOFvHcCIhw=".to_owned() };
    assert_eq!(stage.gateway.handle(gone).await, 200);
    assert_eq!(stage.connect(&stage.token, "https://evil.example").await, 403);
    assert_eq!(stage.connect(&stage.token, "null").await, 403);
    assert_eq!(stage.open().await, 0);
}

#[test]
fn whatever_a_stranger_says_changes_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stage = runtime.block_on(Stage::new());
    assert_eq!(runtime.block_on(stage.connect(&stage.token, "https://shop.example")), 200);
    let frames =
        [r#"{"type":"ping"}"#, r#"{"type":"later","a":[1,{}]}"#].map(|frame| frame.as_bytes().to_vec());
    let said = (damaged_text(vec![stage.token.clone().into_bytes()]), damaged_text(frames.to_vec()));
    let heard = |(token, text): (String, String)| {
        let refused = runtime.block_on(stage.connect(&token, "https://shop.example"));
        prop_assert!(refused == 401 || token == stage.token, "{refused}: {token}");
        prop_assert_eq!(runtime.block_on(stage.says(&text)), 200);
        prop_assert_eq!(runtime.block_on(stage.open()), 1);
        Ok(())
    };
    if let Err(error) = TestRunner::new(config()).run(&said, heard) {
        panic!("{error}");
    }
}
