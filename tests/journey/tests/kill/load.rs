//! Customers and agents who go on whatever happens to the desk, and know what it acknowledged.

mod agents;
mod chats;
mod mails;
mod pictures;
mod visitors;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chance::Chance;
use journey::desk::{Answer, Desk};
use journey::eventually;
use journey::mail::{Letter, MailServer, Office};
use journey::stage::{Line, Stage};
use journey::telegram::Customer;
use journey::webchat::{Chat, Visitor, upload};
use serde_json::{Value, json};

pub(crate) use self::agents::Accepted;
pub(crate) use self::pictures::Picture;
pub(crate) use self::visitors::Visit;

/// How long somebody goes on trying: longer than one request may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Customers who write all the time, each in a conversation of their own.
const REGULARS: usize = 10;
/// The same by mail, every second one by SMTP.
const AUTHORS: usize = 4;
/// The same in the chat of the site, which lets nobody write more often than every three seconds for long.
const VISITORS: usize = 5;
/// Every so manieth message is brought once more, though it was acknowledged.
const REPEATED: u64 = 4;
/// Every so manieth message has a file.
const FILES: u64 = 12;

/// A desk with everybody who writes to it.
pub(crate) struct Scene {
    pub(crate) line: Line,
    pub(crate) server: MailServer,
    pub(crate) regulars: Vec<Customer>,
    desk: Desk,
    smtp: SocketAddr,
    office: Office,
    /// The first mails of those who write more.
    authors: Vec<Letter>,
    visitors: Vec<Visitor>,
    /// The tickets of all of them, for agents to answer.
    tickets: Vec<String>,
    pace: Duration,
    over: AtomicBool,
}

/// What was acknowledged in a conversation, in order.
#[derive(Debug)]
pub(crate) struct Told {
    /// As tickets name it; the author's address for mail.
    pub(crate) conversation: String,
    pub(crate) messages: Vec<Said>,
}

/// A message, or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) file: Option<Picture>,
}

impl Told {
    /// A conversation of which [`Scene::set`] has had the first message.
    fn begun(conversation: &str) -> Self {
        Self { conversation: conversation.to_owned(), messages: vec![Said::text("0")] }
    }

    /// What comes next.
    fn next(&self, chance: &mut Chance) -> Said {
        Said::with_chance(self.messages.len().to_string(), FILES, chance)
    }
}

impl Said {
    fn text(text: &str) -> Self {
        Self { text: text.to_owned(), file: None }
    }

    /// Every `files`th has a file.
    fn with_chance(text: String, files: u64, chance: &mut Chance) -> Self {
        let file = chance.once_in(files).then(|| Picture::like_no_other(chance));
        Self { text, file }
    }
}

impl Scene {
    /// Has everybody write once, so that agents have tickets to answer.
    pub(crate) async fn set(stage: &mut Stage) -> Self {
        let smtp = stage.process().smtp();
        let stage = &*stage;
        let line = stage.connect(json!({})).await;
        let server = MailServer::start().await;
        let office = Office::open(stage, &server, "support@shop.example", json!({})).await;
        let chat = Chat::connect(&stage.desk, json!({})).await;
        let mut scene = Self {
            desk: stage.desk.clone(),
            line,
            server,
            smtp,
            office,
            regulars: Vec::new(),
            authors: Vec::new(),
            visitors: Vec::new(),
            tickets: Vec::new(),
            pace: Duration::ZERO,
            over: AtomicBool::new(false),
        };
        for number in 0..REGULARS {
            let (customer, ticket) = stage.asked(&scene.line, &format!("Regular {number}"), "0").await;
            scene.regulars.push(customer);
            scene.tickets.push(ticket);
        }
        for _ in 0..VISITORS {
            let (visitor, ticket) = visitors::comes(stage, &chat).await;
            scene.visitors.push(visitor);
            scene.tickets.push(ticket);
        }
        let begun = Instant::now();
        for number in 0..AUTHORS {
            scene.begins(number).await;
            let ticket = scene.office.await_tickets(stage, number + 1).await[number]["id"].clone();
            scene.tickets.push(ticket.as_str().expect("a ticket has an id").to_owned());
        }
        scene.pace = begun.elapsed() / u32::try_from(AUTHORS).expect("a few authors");
        scene
    }

    /// How long a mail took to become a ticket while nothing disturbed it.
    pub(crate) fn pace(&self) -> Duration {
        self.pace
    }

    /// Everybody stops after what they are at.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }
}

/// Asks until the desk has done it, which may put somebody off and must not refuse.
async fn insist<F>(what: &str, ask: impl Fn() -> F) -> Value
where
    F: Future<Output = Result<Answer, reqwest::Error>>,
{
    eventually(what, PATIENCE, async || match ask().await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body),
        Ok(answer) => {
            assert!(answer.status == 429 || answer.status >= 500, "{what}: {answer:?}");
            Err(format!("{answer:?}"))
        }
        Err(error) => Err(format!("{error:?}")),
    })
    .await
}

/// Uploads a file that was announced.
async fn uploaded(announced: &Value, Picture(bytes): &Picture) {
    eventually("the file is uploaded", PATIENCE, async || match upload(announced, bytes).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// The bytes at a link, which `token` opens if it has to be opened.
pub(crate) async fn downloaded(link: &str, token: Option<&str>) -> Picture {
    let client = journey::client();
    eventually("the file is there", PATIENCE, async || {
        let request = client.get(link);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
        assert!(!answer.status().is_client_error(), "{answer:?}");
        let bytes = match answer.error_for_status() {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        bytes.map(Picture).map_err(|error| format!("{error:?}"))
    })
    .await
}
