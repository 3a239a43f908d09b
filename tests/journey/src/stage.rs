//! Everything that a journey needs: a desk, a Telegram, and the connection between the two.

use serde_json::{Value, json};

use crate::desk::{Desk, SOON};
use crate::eventually;
use crate::target::{Emulator, Local, Receiving, Turn};
use crate::telegram::{Bot, Customer, Telegram};

/// A desk with a Telegram of its own.
#[derive(Debug)]
pub struct Stage {
    /// The desk's API.
    pub desk: Desk,
    /// The platform.
    pub telegram: Telegram,
    /// Where the desk runs.
    pub target: Target,
}

/// Where the desk runs.
#[derive(Debug)]
pub enum Target {
    /// In one process.
    Local(Box<Local>),
    /// On the AWS emulator.
    Emulator(Emulator),
}

/// A bot that is connected to the desk.
#[derive(Debug, Clone)]
pub struct Line {
    /// The connection's id.
    pub id: String,
    /// What `POST /connections` answered.
    pub created: Value,
    /// The bot.
    pub bot: Bot,
}

impl Stage {
    /// A new desk in one process.
    pub async fn local(receiving: Receiving) -> Self {
        let local = Local::start(receiving).await;
        let desk = Desk::new(local.url(), local.token());
        Self { desk, telegram: Telegram::start().await, target: Target::Local(Box::new(local)) }
    }

    /// The deployed desk, which other journeys may be using, too.
    pub async fn emulator(turn: Turn) -> Self {
        let emulator = Emulator::take(turn).await;
        let desk = Desk::new(emulator.url(), emulator.token());
        Self { desk, telegram: Telegram::start().await, target: Target::Emulator(emulator) }
    }

    /// The desk's process.
    ///
    /// # Panics
    /// When it has none.
    pub fn process(&mut self) -> &mut Local {
        match &mut self.target {
            Target::Local(local) => local,
            Target::Emulator(_) => panic!("this journey is for the desk in one process"),
        }
    }

    /// Runs a command of the command line against the desk: its exit code, and what it printed.
    ///
    /// # Panics
    /// When the desk is not a process of this machine.
    pub async fn command(&self, token: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        match &self.target {
            Target::Local(local) => local.command(token, arguments).await,
            Target::Emulator(_) => panic!("this journey is for the desk in one process"),
        }
    }

    /// Has the clock look at what is due. The desk in one process does so each second by itself.
    pub async fn tick(&self) {
        if let Target::Emulator(emulator) = &self.target {
            emulator.tick().await;
        }
    }

    /// Has the clock look again and again until a ticket is as `right` wants it.
    pub async fn tick_until(&self, ticket: &str, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        eventually(what, SOON, async || {
            self.tick().await;
            let ticket = self.desk.ticket(ticket).await;
            if right(&ticket) { Ok(ticket) } else { Err(ticket) }
        })
        .await
    }

    /// Everything that the desk has logged.
    pub fn log(&self) -> String {
        match &self.target {
            Target::Local(local) => local.log(),
            Target::Emulator(emulator) => emulator.log(),
        }
    }

    /// Connects a new bot, with more settings than it needs.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn connect(&self, more: Value) -> Line {
        let bot = self.telegram.bot();
        bot.reach_desk_at(self.desk.base());
        let mut settings = json!({"token": bot.token(), "api_url": self.telegram.url()});
        for (name, value) in more.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        let body = json!({"channel": "telegram", "name": "Shop bot", "settings": settings});
        // A deployed desk without a domain of its own learns its public URL from this request.
        let asked_at = match self.target {
            Target::Local(_) => None,
            Target::Emulator(_) => Some(("forwarded", "host=desk.example.com;proto=https")),
        };
        let created =
            self.desk.ask(http::Method::POST, "/connections", Some(&body), asked_at.as_slice()).await;
        assert_eq!(created.status, 201, "{:#}", created.body);
        let created = created.body;
        let id = created["id"].as_str().expect("a connection has an id").to_owned();
        Line { id, created, bot }
    }

    /// All tickets of a conversation, the oldest first.
    pub async fn tickets_of(&self, line: &Line, customer: &Customer) -> Vec<Value> {
        self.tickets_in(line, &customer.chat().to_string()).await
    }

    /// All tickets of the conversation with this name.
    pub async fn tickets_in(&self, line: &Line, conversation: &str) -> Vec<Value> {
        let tickets = self.desk.list("/tickets?channel=telegram").await;
        let here = |ticket: &Value| ticket["connection"] == line.id && ticket["conversation"] == conversation;
        let mut tickets: Vec<_> = tickets.into_iter().filter(here).collect();
        tickets.sort_by_key(|ticket| ticket["number"].as_u64());
        tickets
    }

    /// Waits for the only ticket of a conversation and returns its id.
    pub async fn ticket_of(&self, line: &Line, customer: &Customer) -> String {
        let ticket =
            eventually("the conversation has a ticket", SOON, async || {
                match <[Value; 1]>::try_from(self.tickets_of(line, customer).await) {
                    Ok([ticket]) => Ok(ticket),
                    Err(tickets) => Err(tickets),
                }
            })
            .await;
        ticket["id"].as_str().expect("a ticket has an id").to_owned()
    }

    /// Has a new customer ask something, and returns them with their ticket's id.
    pub async fn asked(&self, line: &Line, name: &str, question: &str) -> (Customer, String) {
        let customer = line.bot.customer(name);
        customer.says(question).await;
        let ticket = self.ticket_of(line, &customer).await;
        (customer, ticket)
    }

    /// Waits until a conversation's ticket has received `count` messages, and returns their texts.
    pub async fn received(&self, ticket: &str, count: usize) -> Vec<String> {
        eventually(&format!("{count} messages arrived"), SOON, async || {
            let texts = self.texts_received(ticket).await;
            if texts.len() >= count { Ok(texts) } else { Err(texts) }
        })
        .await
    }

    /// The texts that a ticket has received so far.
    pub async fn texts_received(&self, ticket: &str) -> Vec<String> {
        let messages = self.desk.events_of(ticket, "message_received").await;
        messages
            .iter()
            .map(|event| event["content"]["text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A journey that fails leaves behind what the desk has to say about it.
impl Drop for Stage {
    #[expect(clippy::print_stderr, reason = "shown with the failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(60)..).unwrap_or_default();
            eprintln!("the desk's log ends with:\n{}", tail.join("\n"));
        }
    }
}
