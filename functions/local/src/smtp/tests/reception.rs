//! What becomes durable of a mail, and for whom.

use channels::email::dns::Resolver;
use channels::{Directory, Receiver};
use desk::event::Raw;
use object_store::memory::InMemory;
use serde_json::json;
use store::Desk as Records;
use store::blobs::Blobs;
use store::connections::{Health, StoredConnection};
use store::environment::System;
use store::queue::Queue as _;
use store::seal::SealingKey;
use store::sqlite::{Sqlite, SqliteQueue, TableName};

use super::*;
use crate::links::LocalLinks;

/// A desk in a folder of its own, with two e-mail connections and one of another channel.
struct Stage {
    reception: Reception,
    desk: Records,
    inbound: SqliteQueue,
    blobs: Blobs,
    _folder: tempfile::TempDir,
}

fn stored(id: &str, channel: &str, address: &str) -> StoredConnection {
    StoredConnection {
        id: id.parse().unwrap(),
        channel: channel.try_into().unwrap(),
        version: 1,
        name: "Shop".to_owned(),
        settings: [("address".to_owned(), json!(address))].into_iter().collect(),
        secrets: Default::default(),
        health: Health::Ok,
        resuming: false,
        created_at: "2026-03-01T10:00:00Z".parse().unwrap(),
    }
}

const SUPPORT: &str = "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA1";
const SALES: &str = "cnx_01ARZ3NDEKTSV4RRFFQ69G5FA2";

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Arc::new(System::new());
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), environment.clone()).unwrap();
        let desk = Records::new(Arc::new(sqlite.table(TableName::Main)), environment);
        for connection in [
            stored(SUPPORT, "email", "Support@Shop.example"),
            stored(SALES, "email", "sales@почта.рф"),
            stored("cnx_01ARZ3NDEKTSV4RRFFQ69G5FA3", "telegram", "bot@shop.example"),
        ] {
            desk.save_connection(&connection, Vec::new()).await.unwrap();
        }
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let links = LocalLinks { base: "http://desk.example".to_owned(), key: Arc::clone(&key) };
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(links));
        let inbound = sqlite.queue("inbound", true);
        let receiver = Receiver {
            directory: Directory::new(desk.clone(), key),
            inbound: Arc::new(inbound.clone()),
            blobs: blobs.clone(),
        };
        let resolver = Resolver::at(authentication::dns(Default::default()).await).unwrap();
        let authenticator = Authenticator::new(&resolver, "desk.example".to_owned());
        let platform = channels::platform("email").unwrap();
        let reception =
            Reception::new(desk.clone(), platform, receiver, authenticator, "desk.example".to_owned());
        Self { reception, desk, inbound, blobs, _folder: folder }
    }

    async fn accepts(&self, address: &str) -> Option<String> {
        self.reception.accepts(address).await.unwrap().map(|id| id.to_string())
    }

    async fn envelope(&self, recipients: &[&str]) -> Envelope {
        let mut known = Vec::new();
        for address in recipients {
            let connection = self.reception.accepts(address).await.unwrap().unwrap();
            known.push(Recipient { address: (*address).to_owned(), connection });
        }
        Envelope {
            client: "127.0.0.1".parse().unwrap(),
            helo: "mx.customer.example".to_owned(),
            from: Some("ivan@customer.example".to_owned()),
            recipients: known,
        }
    }
}

#[tokio::test]
async fn the_addresses_of_the_desk_are_those_of_its_connections() {
    let stage = Stage::new().await;
    for address in ["support@shop.example", "SUPPORT+x@shop.example"] {
        assert_eq!(stage.accepts(address).await.as_deref(), Some(SUPPORT), "{address}");
    }
    for address in ["sales+t0ken@почта.рф", "sales@xn--80a1acny.xn--p1ai"] {
        assert_eq!(stage.accepts(address).await.as_deref(), Some(SALES), "{address}");
    }
    for address in
        ["bot@shop.example", "supporter@shop.example", "support@shop.example.evil.example", "", "@"]
    {
        assert_eq!(stage.accepts(address).await, None, "{address}");
    }
}

#[tokio::test]
async fn a_mail_goes_to_every_connection_that_it_is_for() {
    let stage = Stage::new().await;
    let recipients = ["support+a@shop.example", "sales@почта.рф", "support@shop.example"];
    let envelope = stage.envelope(&recipients).await;
    let mail = "From: Ivan <ivan@customer.example>\r\nReceived: earlier\r\n\r\nWhere is it?\r\n";
    stage.reception.deliver(envelope, mail.as_bytes().to_vec()).await.unwrap();

    let mut found = Vec::new();
    for message in stage.inbound.receive(10, Duration::from_secs(60)).await.unwrap() {
        let (inbound, _) =
            store::envelope::Envelope::unpack(&message.body, &stage.blobs).await.unwrap().unwrap();
        let Some(Raw::Object(key)) = inbound.raw else { panic!("the mail is kept whole") };
        let raw = String::from_utf8(stage.blobs.get(&key).await.unwrap().to_vec()).unwrap();
        assert!(raw.starts_with("X-Lambdesk-Arrival: begin\r\n"), "{raw}");
        let (_, below) = raw.split_once("X-Lambdesk-Arrival: end\r\n").unwrap();
        assert!(
            below.starts_with(
                "Received: from mx.customer.example ([127.0.0.1])\r\n by desk.example with ESMTP; "
            ),
            "{raw}"
        );
        assert!(raw.ends_with(mail), "{raw}");
        let read = channels::email::read(raw.as_bytes());
        found.push((inbound.thread.connection.to_string(), read.arrival.recipients));
    }
    found.sort();
    assert_eq!(found[0], (SUPPORT.to_owned(), vec![recipients[0].to_owned(), recipients[2].to_owned()]));
    assert_eq!(found[1].0, SALES);
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_mail_for_a_connection_that_is_gone_is_not_acknowledged() {
    let stage = Stage::new().await;
    let envelope = stage.envelope(&["support@shop.example"]).await;
    stage.desk.delete_connection(&stored(SUPPORT, "email", "")).await.unwrap();
    assert!(stage.reception.deliver(envelope, b"From: a@b.example\r\n\r\nhi\r\n".to_vec()).await.is_err());
    assert!(stage.inbound.receive(10, Duration::from_secs(60)).await.unwrap().is_empty());
}
