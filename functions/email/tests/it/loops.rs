//! Whole exchanges: an answer to an acknowledgement, and two desks and a machine that answers everything, wired to each
//! other, until there is silence.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use channels::email::{Arrival, ReturnPath, Verdict, read, stamp};
use channels::http::Http;
use channels::platform::{Finding, Mailer, Outlets, SendError};
use channels::{Directory, Receiver};
use desk::calendar::Zone;
use desk::channel::Channel;
use desk::event::Fact;
use desk::ids::{ConnectionId, Ulid};
use jiff::Timestamp;
use object_store::memory::InMemory;
use router::Router;
use sender::Sender;
use serde_json::json;
use store::Desk;
use store::blobs::{Blobs, NoLinks};
use store::connections::{Health, StoredConnection};
use store::envelope::Outbound;
use store::environment::{Environment, System};
use store::queue::{Message, Queue as _};
use store::seal::SealingKey;
use store::sqlite::{Sqlite, SqliteQueue, TableName};
use tokio::time::Instant;

/// More mails than any exchange here may need.
const ENDLESS: usize = 1_000;

/// A clock that goes on by a while with every mail.
struct Moved(AtomicI64, System);

impl Environment for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.1.fill(buffer);
    }
}

/// A mail on its way.
#[derive(Debug, Clone)]
struct OnItsWay {
    to: String,
    mail: Vec<u8>,
}

/// What everybody's mails go through.
#[derive(Debug, Default)]
struct Wire(Mutex<VecDeque<OnItsWay>>);

impl Wire {
    fn carry(&self, to: &str, mail: impl Into<Vec<u8>>) {
        self.0.lock().unwrap().push_back(OnItsWay { to: to.to_owned(), mail: mail.into() });
    }
}

/// The way out of a desk.
#[derive(Debug)]
struct Post(Arc<Wire>);

#[async_trait]
impl Mailer for Post {
    async fn send(&self, _: &str, to: &[String], mail: Vec<u8>) -> Result<Option<String>, SendError> {
        for to in to {
            self.0.carry(to, mail.clone());
        }
        Ok(None)
    }

    async fn examine(&self, _: &str) -> Vec<Finding> {
        Vec::new()
    }
}

/// A desk with one address, which acknowledges.
struct Office {
    address: &'static str,
    desk: Desk,
    receiver: Receiver,
    router: Router,
    sender: Sender,
    inbound: SqliteQueue,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn open(address: &'static str, wire: &Arc<Wire>, clock: &Arc<Moved>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("desk.db"), clock.clone()).unwrap();
        let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), clock.clone());
        desk.install_defaults(Zone::try_from("UTC").unwrap()).await.unwrap();
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks));
        let key = Arc::new(SealingKey::new(&[7; 32]).unwrap());
        let directory = Directory::new(desk.clone(), key);
        let inbound = sqlite.queue("inbound", true);
        let receiver = Receiver {
            directory: directory.clone(),
            inbound: Arc::new(inbound.clone()),
            blobs: blobs.clone(),
        };
        let router = Router::new(desk.clone(), blobs.clone(), Arc::new(inbound.dead_letters()));
        let outlets = Outlets { http: Http::new(), mailer: Some(Arc::new(Post(Arc::clone(wire)))) };
        let sender = Sender::new(desk.clone(), directory, blobs, outlets);
        let settings = json!({"address": address, "acknowledgement": format!("{address} has got it.")});
        let connection = StoredConnection {
            id: connection(),
            channel: email(),
            version: 1,
            name: "Support".to_owned(),
            settings: settings.as_object().unwrap().clone(),
            secrets: BTreeMap::new(),
            health: Health::Ok,
            resuming: false,
            created_at: clock.now(),
        };
        desk.save_connection(&connection, Vec::new()).await.unwrap();
        Self { address, desk, receiver, router, sender, inbound, _folder: folder }
    }

    /// Takes in a mail whose domain stands for it, and sends what the desk says to it by itself.
    async fn takes(&self, mail: &[u8]) {
        let from = read(mail).from.remove(0).address;
        let arrival = Arrival {
            envelope_from: Some(ReturnPath::Address(from)),
            recipients: vec![self.address.to_owned()],
            spf: Verdict::Pass,
            dkim: Verdict::Pass,
            dmarc: Verdict::Pass,
            stamped: true,
        };
        let known = self.receiver.directory.connection(&email(), connection()).await.unwrap().unwrap();
        let platform = channels::platform("email").unwrap();
        self.receiver.receive(platform, &known.open, &stamp(mail, &arrival)).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(300);
        let batch = self.inbound.receive(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(self.router.handle(&batch, soon).await, []);
        for message in batch {
            self.inbound.delete(&message.receipt).await.unwrap();
        }
        // The newest ticket is the only one that can have got an answer just now.
        let mut newest = None;
        for number in (1..=ENDLESS as u64).rev() {
            newest = self.desk.ticket_by_number(number).await.unwrap();
            if newest.is_some() {
                break;
            }
        }
        let ticket = self.desk.ticket(newest.unwrap()).await.unwrap().unwrap();
        let thread = ticket.thread.unwrap();
        for reply in self.desk.unfinished_replies(&thread, None).await.unwrap() {
            let message = Message {
                id: "m".to_owned(),
                receipt: "r".to_owned(),
                body: Outbound { thread: thread.clone(), reply: reply.id }.pack("test").body,
                group: None,
                receives: 1,
                sent_at: Timestamp::UNIX_EPOCH,
            };
            assert_eq!(self.sender.handle(&[message], soon).await, []);
        }
    }
}

fn email() -> Channel {
    Channel::try_from("email").unwrap()
}

fn connection() -> ConnectionId {
    ConnectionId::new(Ulid::from_parts(1, 7))
}

/// A mail without any sign of a machine, as a new one or as an answer to another one.
fn letter(number: usize, from: &str, to: &str, answered: Option<&str>) -> String {
    let answers =
        answered.map(|id| format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n")).unwrap_or_default();
    format!(
        "Message-ID: <{number}@machine>\r\nDate: Sun, 8 Mar 2026 13:00:00 +0000\r\nFrom: {from}\r\nTo: {to}\r\n{answers}\
         Subject: Matter {number}\r\n\r\nThis is text {number}.\r\n"
    )
}

/// Two desks, and a machine that answers every mail with a new text under the address that `name` gives for it,
/// `pause` after the mail came. How many mails went over the wire until there was silence.
async fn exchange(name: impl Fn(usize) -> String, answers: bool, pause: Duration) -> usize {
    let start: Timestamp = "2026-03-08T13:00:00Z".parse().unwrap();
    let clock = Arc::new(Moved(AtomicI64::new(start.as_millisecond()), System::new()));
    let wire = Arc::new(Wire::default());
    let one = Office::open("support@one.example", &wire, &clock).await;
    let two = Office::open("help@two.example", &wire, &clock).await;
    // Somebody starts it, and sees to it that the desks write to one another.
    wire.carry(one.address, letter(ENDLESS, &name(ENDLESS), one.address, None));
    wire.carry(two.address, letter(ENDLESS + 1, &name(ENDLESS + 1), two.address, None));
    wire.carry(one.address, letter(ENDLESS + 2, two.address, one.address, None));
    wire.carry(two.address, letter(ENDLESS + 3, one.address, two.address, None));
    for number in 0..ENDLESS {
        let Some(OnItsWay { to, mail }) = wire.0.lock().unwrap().pop_front() else { return number };
        clock.0.fetch_add(i64::try_from(pause.as_millis()).unwrap(), Ordering::SeqCst);
        match [&one, &two].into_iter().find(|office| office.address == to) {
            Some(office) => office.takes(&mail).await,
            None => {
                let got = read(&mail);
                let id = got.message_id.as_deref().filter(|_| answers);
                let back = &got.from[0].address;
                wire.carry(back, letter(number, &name(number), back, id));
            }
        }
    }
    ENDLESS
}

#[tokio::test]
async fn an_answer_to_an_acknowledgement_belongs_to_its_ticket() {
    let start: Timestamp = "2026-03-08T13:00:00Z".parse().unwrap();
    let clock = Arc::new(Moved(AtomicI64::new(start.as_millisecond()), System::new()));
    let wire = Arc::new(Wire::default());
    let office = Office::open("support@one.example", &wire, &clock).await;
    office.takes(letter(1, "ann@example.org", office.address, None).as_bytes()).await;
    let got = wire.0.lock().unwrap().pop_front().unwrap();
    assert_eq!(got.to, "ann@example.org");
    let acknowledgement = read(&got.mail);
    assert_eq!(acknowledgement.subject, "Re: [#1] Support", "it repeats nothing of the question");

    let answer = letter(2, "ann@example.org", office.address, acknowledgement.message_id.as_deref());
    let answer = answer.replace("Subject: Matter 2", "Subject: Re: [#1] Support");
    office.takes(answer.as_bytes()).await;
    assert_eq!(wire.0.lock().unwrap().len(), 0, "an answer is not acknowledged");
    assert_eq!(office.desk.ticket_by_number(2).await.unwrap(), None);
    let ticket = office.desk.ticket_by_number(1).await.unwrap().unwrap();
    let events = office.desk.events(ticket, 0, 100).await.unwrap().items;
    let received = events.iter().filter(|event| matches!(event.fact, Fact::MessageReceived(_)));
    assert_eq!(received.count(), 2);
}

/// A letter of an address, another one each time.
fn byte(number: usize) -> char {
    char::from(b'a' + u8::try_from(number % 26).unwrap())
}

#[tokio::test]
async fn a_machine_whose_name_changes_is_answered_no_more() {
    let second = Duration::from_secs(1);
    let exchanged =
        exchange(|number| format!("robot{}{}@machine.example", number / 26, byte(number)), false, second)
            .await;
    // The letters of the start, and one acknowledgement and one more mail for each that is allowed at two desks.
    assert!((20..200).contains(&exchanged), "{exchanged}");
}

#[tokio::test]
async fn a_machine_whose_domain_changes_is_answered_no_more() {
    let second = Duration::from_secs(1);
    let below =
        exchange(|number| format!("robot@{}{}.machine.example", byte(number), number / 26), false, second)
            .await;
    assert!((20..200).contains(&below), "{below}");
    let other =
        exchange(|number| format!("robot@{}{}.example", byte(number), number / 26), false, second).await;
    assert!((20..400).contains(&other), "{other}");
}

#[tokio::test]
async fn a_slow_machine_is_answered_no_more_for_the_day() {
    let minutes = Duration::from_secs(4 * 60);
    let exchanged = exchange(|number| format!("robot{number}@machine.example"), false, minutes).await;
    assert!((20..ENDLESS).contains(&exchanged), "{exchanged}");
}

#[tokio::test]
async fn a_machine_that_answers_what_it_got_is_never_answered_again() {
    let second = Duration::from_secs(1);
    let exchanged = exchange(|number| format!("robot{number}@machine.example"), true, second).await;
    // Four letters, four acknowledgements, of which two come back to the machine and are answered once.
    assert_eq!(exchanged, 10);
}
