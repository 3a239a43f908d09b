//! A Telegram of our own: strict about what bots send, and able to misbehave like the real one.
//!
//! Serves the Bot API over HTTP (<https://core.telegram.org/bots/api>), keeps what stands in every chat, and brings
//! updates to the bots' webhooks. Nothing of it is shared with the desk's own code, so that an error in the desk's
//! idea of the platform is no error of both.

mod account;
mod answer;
mod customer;
mod delivery;
mod fault;
mod methods;
mod parameters;
mod sending;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use self::account::{Account, fresh_token};
pub use self::account::{Call, Message, Webhook};
pub use self::customer::{Customer, Update};
pub use self::delivery::{Delivered, SECRET_HEADER};
pub use self::fault::Fault;
pub use self::parameters::Upload;
use self::server::Platform;
use self::wire::{Listener, Scissors};

/// A running platform. Ends when dropped.
#[derive(Debug)]
pub struct Telegram {
    url: String,
    platform: Arc<Platform>,
    server: AbortHandle,
}

/// A bot of the platform, as its owner and the test see it.
#[derive(Debug, Clone)]
pub struct Bot {
    id: i64,
    platform: Arc<Platform>,
    client: reqwest::Client,
    desk_at: Arc<Mutex<Option<String>>>,
}

impl Telegram {
    /// Starts a platform on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port has an address"));
        let platform = Arc::new(Platform::default());
        let service = server::router(Arc::clone(&platform)).into_make_service_with_connect_info::<Scissors>();
        let server = tokio::spawn(axum::serve(Listener(listener), service).into_future()).abort_handle();
        Self { url, platform, server }
    }

    /// What goes into a connection's `api_url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A new bot.
    pub fn bot(&self) -> Bot {
        let account = Account::new();
        let id = account.id;
        self.platform.accounts().push(account);
        Bot { id, platform: Arc::clone(&self.platform), client: crate::client(), desk_at: Arc::default() }
    }
}

impl Drop for Telegram {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bot {
    /// The token that now holds.
    pub fn token(&self) -> String {
        self.platform.with(self.id, |account| account.token.clone())
    }

    /// Makes the token invalid and returns the new one.
    pub fn revoke_token(&self) -> String {
        self.platform.with(self.id, |account| {
            account.token = fresh_token(account.id);
            account.token.clone()
        })
    }

    /// The webhook, if one is set.
    pub fn webhook(&self) -> Option<Webhook> {
        self.platform.with(self.id, |account| account.webhook.clone())
    }

    /// Tells where the desk's webhooks really are, whatever public address it believes to have.
    pub fn reach_desk_at(&self, base: &str) {
        *self.desk_at.lock().expect("no panic while it is held") =
            Some(base.trim_end_matches('/').to_owned());
    }

    /// A customer in a private chat.
    pub fn customer(&self, name: &str) -> Customer {
        Customer::new(self, name, "private")
    }

    /// Somebody in a group that the bot is in.
    pub fn group(&self, name: &str) -> Customer {
        Customer::new(self, name, "group")
    }

    /// Has the next matching request go wrong. `send` stands for every method that sends something.
    pub fn fail(&self, method: &str, chat: Option<i64>, fault: Fault) {
        self.platform.with(self.id, |account| account.faults.plan(method, chat, fault));
    }

    /// How many planned faults have not struck yet.
    pub fn faults_left(&self) -> usize {
        self.platform.with(self.id, |account| account.faults.len())
    }

    /// Everything that stands in a chat.
    pub fn chat(&self, chat: i64) -> Vec<Message> {
        self.platform.with(self.id, |account| {
            account.chats.get(&chat).map(|chat| chat.messages.clone()).unwrap_or_default()
        })
    }

    /// What the bot wrote into a chat.
    pub fn sent(&self, chat: i64) -> Vec<Message> {
        self.chat(chat).into_iter().filter(|message| message.from_bot).collect()
    }

    /// The texts that the bot wrote into a chat.
    pub fn texts(&self, chat: i64) -> Vec<String> {
        self.sent(chat).into_iter().filter_map(|message| message.text).collect()
    }

    /// Every call of a method, answered or not.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.platform.with(self.id, |account| {
            account.calls.iter().filter(|call| call.method == method).cloned().collect()
        })
    }

    /// Whether the press of a button was acknowledged.
    pub fn acknowledged(&self, press: &Update) -> bool {
        let id = press.body["callback_query"]["id"].as_str().unwrap_or_default();
        self.platform.with(self.id, |account| account.callbacks.get(id).copied().unwrap_or_default())
    }
}
