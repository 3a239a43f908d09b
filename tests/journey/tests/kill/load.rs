//! Customers and agents who go on whatever happens to the desk, and know what it acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use journey::desk::Desk;
use journey::eventually;
use journey::mail::{Letter, MailServer, Office};
use journey::stage::{Line, Stage};
use journey::telegram::{Customer, Update};
use serde_json::{Value, json};

use crate::chance::Chance;

/// How long an agent goes on trying: longer than one request may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Customers who write all the time, each in a conversation of their own.
const REGULARS: usize = 10;
/// The same by mail.
const AUTHORS: usize = 4;
/// Every so manieth message is brought once more, though it was acknowledged.
const REPEATED: usize = 4;

/// A desk with everybody who writes to it.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) line: Line,
    pub(crate) server: MailServer,
    office: Office,
    regulars: Vec<(Customer, String)>,
    authors: Vec<(Letter, String)>,
    pace: Duration,
    over: AtomicBool,
}

/// What was acknowledged in a conversation, in order.
#[derive(Debug)]
pub(crate) struct Told {
    /// As tickets name it; the author's address for mail.
    pub(crate) conversation: String,
    /// The texts.
    pub(crate) texts: Vec<String>,
}

/// An answer that was accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) ticket: String,
    /// What the API returned.
    pub(crate) created: Value,
    pub(crate) text: String,
}

impl Scene {
    /// Has everybody write once, so that agents have tickets to answer.
    pub(crate) async fn set(stage: &Stage) -> Self {
        let line = stage.connect(json!({})).await;
        let server = MailServer::start().await;
        let office = Office::open(stage, &server, "support@shop.example", json!({})).await;
        let mut regulars = Vec::new();
        for number in 0..REGULARS {
            regulars.push(stage.asked(&line, &format!("Regular {number}"), "0").await);
        }
        let mut authors = Vec::new();
        let begun = Instant::now();
        for number in 0..AUTHORS {
            let letter = Letter::new(&address(number), &office.address, "Order", "0");
            office.deliver(&letter).await;
            let ticket = office.await_tickets(stage, number + 1).await[number]["id"].clone();
            authors.push((letter, ticket.as_str().expect("a ticket has an id").to_owned()));
        }
        let pace = begun.elapsed() / u32::try_from(authors.len()).expect("a few authors");
        let over = AtomicBool::new(false);
        Self { desk: stage.desk.clone(), line, server, office, regulars, authors, pace, over }
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

    /// How many regular customers there are.
    pub(crate) fn regulars(&self) -> usize {
        self.regulars.len()
    }

    /// How many of them write mails.
    pub(crate) fn authors(&self) -> usize {
        self.authors.len()
    }

    /// A customer writes one message after the other.
    pub(crate) async fn chats(&self, regular: usize, mut chance: Chance) -> Told {
        let (customer, _) = &self.regulars[regular];
        let mut texts = vec!["0".to_owned()];
        let mut latest: Option<Update> = None;
        while self.goes_on() {
            let text = texts.len().to_string();
            let update = customer.text(&text);
            match latest.as_ref().filter(|_| chance.once_in(REPEATED)) {
                // The platform did not hear that the last one was taken, and is late with it.
                Some(late) => {
                    tokio::join!(self.line.bot.deliver(late), self.line.bot.deliver(&update));
                }
                None => {
                    self.line.bot.deliver(&update).await;
                }
            }
            texts.push(text);
            latest = Some(update);
        }
        Told { conversation: customer.chat().to_string(), texts }
    }

    /// Somebody writes mails that go on from their first one.
    pub(crate) async fn mails(&self, author: usize, mut chance: Chance) -> Told {
        let (first, _) = &self.authors[author];
        let mut texts = vec!["0".to_owned()];
        while self.goes_on() {
            let text = texts.len().to_string();
            let letter = Letter::new(&address(author), &self.office.address, "Re: Order", &text)
                .with("In-Reply-To", first.id())
                .with("References", first.id());
            self.office.deliver(&letter).await;
            if chance.once_in(REPEATED) {
                self.office.deliver(&letter).await;
            }
            texts.push(text);
        }
        Told { conversation: address(author), texts }
    }

    /// One new customer after the other asks something in two messages.
    pub(crate) async fn newcomers(&self) -> Vec<Told> {
        let mut told = Vec::new();
        while self.goes_on() {
            let customer = self.line.bot.customer("Newcomer");
            let texts = vec!["Hello".to_owned(), "Where is my parcel?".to_owned()];
            for text in &texts {
                customer.says(text).await;
            }
            told.push(Told { conversation: customer.chat().to_string(), texts });
        }
        told
    }

    /// An agent answers one customer after the other, and asks again when they do not know whether it was accepted.
    pub(crate) async fn answers(&self, agent: usize, mut chance: Chance) -> Vec<Accepted> {
        let tickets: Vec<_> = self
            .regulars
            .iter()
            .map(|(_, ticket)| ticket)
            .chain(self.authors.iter().map(|(_, it)| it))
            .collect();
        let mut accepted = Vec::new();
        while self.goes_on() {
            let ticket = tickets[chance.below(tickets.len())].clone();
            let text = format!("Answer {agent}/{}.", accepted.len());
            let key = format!("{agent}-{}", accepted.len());
            let created = self.answer(&ticket, &text, &key).await;
            if chance.once_in(REPEATED) {
                let again = self.answer(&ticket, &text, &key).await;
                assert_eq!((&again["id"], &again["seq"]), (&created["id"], &created["seq"]), "done once");
            }
            accepted.push(Accepted { ticket, created, text });
        }
        accepted
    }

    async fn answer(&self, ticket: &str, text: &str, key: &str) -> Value {
        let path = format!("/tickets/{ticket}/replies");
        let body = json!({"text": text});
        eventually("the answer is accepted", PATIENCE, async || {
            let headers = [("idempotency-key", key)];
            match self.desk.attempt(Method::POST, &path, Some(&body), &headers).await {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }
}

fn address(author: usize) -> String {
    format!("author{author}@example.org")
}
