//! The desk in one process: every function, its event sources, and one listener.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Api, Storage};
use axum::middleware::from_fn;
use channels::email::Email;
use channels::email::dns::{Lookup, Resolver};
use channels::http::Http;
use channels::platform::Outlets;
use channels::{Directory, Receiver};
use clock::Clock;
use desk::calendar::Zone;
use live::{Door, Hub};
use object_store::local::LocalFileSystem;
use relay::Relay;
use sender::Sender;
use store::Desk;
use store::blobs::Blobs;
use store::contacts::ContactSearch;
use store::dead_letters::{DeadLetters, Source};
use store::environment::{Environment, System};
use store::queue::Queue;
use store::sqlite::{Sqlite, SqliteQueue, TableName};
use store::table::Table;
use tokio::net::TcpListener;
use url::Url;
use webchat::{Sockets, Webchat};
use worker::Worker;

use crate::home::Home;
use crate::links::{LocalLinks, Uploads};
use crate::options::Serve;
use crate::smtp::{self, Authenticator, Reception};
use crate::{client_address, demo, links, loops, polling, welcome};

/// How many batches of a queue are worked on at once. A conversation is never in two of them.
const AT_ONCE: usize = 8;
/// How long a message is in hand, for work inside this process.
const QUICK: Duration = Duration::from_secs(60);
/// How long a message is in hand, for work that waits for platforms.
const SLOW: Duration = Duration::from_secs(300);

/// Runs the desk until the process is asked to end.
pub(crate) async fn run(options: Serve) -> Result<(), Box<dyn Error>> {
    start_log();
    allow_connections();
    let environment: Arc<dyn Environment> = Arc::new(System::new());
    let zone = Zone::try_from(options.time_zone.as_str())?;
    let home = Home::take(&options.data)?;
    let key = Arc::new(home.sealing_key(&*environment)?);
    let sqlite = Sqlite::open_feeding(&home.database(), Arc::clone(&environment), relay::READS)
        .map_err(|error| home.without_database(error))?;
    // Whatever was in hand when the last process ended is in nobody's hand now.
    sqlite.release_all().await?;

    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
    let url = format!("http://{}", listener.local_addr()?);

    let desk = Desk::new(Arc::new(sqlite.table(TableName::Main)), Arc::clone(&environment));
    desk.end_claims().await?;
    desk.install_defaults(zone).await?;
    let printed = api::first_token(&desk, options.api_token.as_deref()).await?;

    let base = options.public_url.clone().unwrap_or_else(|| url.clone());
    // What is acknowledged must outlive the machine's power, files included.
    let objects = Arc::new(LocalFileSystem::new_with_prefix(home.objects())?.with_fsync(true));
    let links = Arc::new(LocalLinks { base, key: Arc::clone(&key) });
    let blobs = Blobs::new(objects, links).keeping_small_ones_in(Arc::new(sqlite.objects()));
    let parts = Parts {
        directory: Directory::new(desk.clone(), Arc::clone(&key)),
        http: Http::new(),
        queues: Queues::of(&sqlite),
        public_url: options.public_url,
        hub: Hub::new(),
        desk,
        blobs,
        key,
        sqlite,
    };
    demo::install(&parts.desk, &parts.key).await?;
    parts.start_loops(Duration::from_secs(options.tick_seconds.max(1)));
    if let Some(address) = options.smtp {
        parts.take_mail(address, options.dns).await?;
    }
    let app = parts.app(options.dns);
    welcome::greet(&url, printed.as_ref().map(store::seal::Secret::expose));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(asked_to_end()).await?;
    drop(home);
    Ok(())
}

/// The queues of the desk.
struct Queues {
    inbound: SqliteQueue,
    outbound: SqliteQueue,
    work: SqliteQueue,
    relay_dead: SqliteQueue,
}

impl Queues {
    fn of(sqlite: &Sqlite) -> Self {
        Self {
            inbound: sqlite.queue("inbound", true),
            outbound: sqlite.queue("outbound", true),
            work: sqlite.queue("work", false),
            relay_dead: sqlite.queue("relay-dead", false),
        }
    }
}

/// Everything that functions are made of.
struct Parts {
    desk: Desk,
    directory: Directory,
    http: Http,
    queues: Queues,
    blobs: Blobs,
    key: Arc<store::seal::SealingKey>,
    sqlite: Sqlite,
    public_url: Option<String>,
    hub: Hub,
}

impl Parts {
    fn index(&self) -> Arc<dyn Table> {
        Arc::new(self.sqlite.table(TableName::Index))
    }

    fn receiver(&self) -> Receiver {
        Receiver {
            directory: self.directory.clone(),
            inbound: Arc::new(self.queues.inbound.clone()),
            blobs: self.blobs.clone(),
        }
    }

    /// Starts everything that nobody calls.
    fn start_loops(&self, tick: Duration) {
        let queues = &self.queues;
        let router = router::Router::new(
            self.desk.clone(),
            self.blobs.clone(),
            Arc::new(queues.inbound.dead_letters()),
        );
        // Mail leaves through the server that each connection names; there is no provider besides.
        let outlets = Outlets { http: self.http.clone(), mailer: None };
        let sender = Sender::new(self.desk.clone(), self.directory.clone(), self.blobs.clone(), outlets)
            .telling(Arc::new(self.hub.clone()));
        let worker = Worker::new(
            self.desk.clone(),
            ContactSearch::new(self.index()),
            self.directory.clone(),
            self.blobs.clone(),
            self.http.clone(),
        );
        for _ in 0..AT_ONCE {
            let (router, sender, worker) = (router.clone(), sender.clone(), worker.clone());
            tokio::spawn(loops::consume(queues.inbound.clone(), QUICK, move |batch, deadline| {
                let router = router.clone();
                loops::group_by_group(batch, move |group| {
                    let router = router.clone();
                    async move { router.handle(&group, deadline).await }
                })
            }));
            tokio::spawn(loops::consume(queues.outbound.clone(), SLOW, move |batch, deadline| {
                let sender = sender.clone();
                async move { sender.handle(&batch, deadline).await }
            }));
            tokio::spawn(loops::consume(queues.work.clone(), SLOW, move |batch, deadline| {
                let worker = worker.clone();
                async move { worker.handle(&batch, deadline).await }
            }));
        }
        let outbound: Arc<dyn Queue> = Arc::new(queues.outbound.clone());
        let relay = Relay::new(
            Arc::clone(&outbound),
            Arc::new(queues.work.clone()),
            Arc::new(queues.relay_dead.clone()),
        )
        .telling(self.desk.clone(), Arc::new(self.hub.clone()));
        tokio::spawn(loops::relay(self.sqlite.changes(), relay));
        tokio::spawn(loops::tick(Clock::new(self.desk.clone(), self.index(), outbound), tick));
        tokio::spawn(loops::purge(self.sqlite.clone()));
        tokio::spawn(polling::run(self.desk.clone(), self.receiver(), self.http.clone()));
    }

    /// Starts to take mail by SMTP.
    async fn take_mail(&self, address: SocketAddr, dns: Option<SocketAddr>) -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("{address} cannot be listened on: {error}"))?;
        let resolver = dns.map_or_else(Resolver::system, Resolver::at)?;
        let url = self.public_url.as_deref().and_then(|url| url.parse::<Url>().ok());
        let host =
            url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned());
        let authenticator = Authenticator::new(&resolver, host.clone());
        let reception =
            Reception::new(self.desk.clone(), &Email, self.receiver(), authenticator, host.clone());
        tracing::info!(address = %listener.local_addr()?, "mail is taken by SMTP");
        tokio::spawn(smtp::serve(listener, host, Arc::new(reception), smtp::Limits::default()));
        Ok(())
    }

    /// Everything that is called over HTTP; `dns` is asked about domains instead of the system's.
    fn app(&self, dns: Option<SocketAddr>) -> axum::Router {
        let queues = &self.queues;
        let uploads =
            Uploads { desk: self.desk.clone(), blobs: self.blobs.clone(), key: Arc::clone(&self.key) };
        let chat = Webchat {
            desk: self.desk.clone(),
            index: self.index(),
            key: Arc::clone(&self.key),
            receiver: self.receiver(),
            live: Arc::new(self.hub.clone()),
            sockets: Sockets::Here,
            public_url: self.public_url.clone(),
        };
        let door = Door {
            desk: self.desk.clone(),
            index: self.index(),
            directory: self.directory.clone(),
            public_url: self.public_url.clone(),
        };
        let desk = api::handler(Api {
            desk: self.desk.clone(),
            index: self.index(),
            key: Arc::clone(&self.key),
            directory: self.directory.clone(),
            http: self.http.clone(),
            dns: dns
                .map_or_else(Resolver::system, Resolver::at)
                .ok()
                .map(|dns| Arc::new(dns) as Arc<dyn Lookup>),
            mailer: None,
            blobs: self.blobs.clone(),
            inbound: Arc::new(queues.inbound.clone()),
            queues: vec![
                ("inbound", Arc::new(queues.inbound.clone())),
                ("outbound", Arc::new(queues.outbound.clone())),
                ("work", Arc::new(queues.work.clone())),
            ],
            dead_letters: vec![
                dead_letters("inbound", &queues.inbound),
                dead_letters("outbound", &queues.outbound),
                dead_letters("work", &queues.work),
                DeadLetters { name: "relay", source: None, dead: Arc::new(queues.relay_dead.clone()) },
            ],
            public_url: self.public_url.clone(),
            live: Arc::new(self.hub.clone()),
            limits: None,
            storage: Some(Arc::new(Disk(self.sqlite.clone()))),
        })
        .merge(email::handler(self.receiver()))
        .merge(telegram::handler(self.receiver()))
        .merge(webchat::handler(chat))
        .merge(live::handler(door, self.hub.clone()))
        .merge(links::handler(uploads));
        demo::handler(self.desk.clone(), self.public_url.clone())
            .fallback_service(desk)
            .layer(from_fn(client_address::note))
    }
}

/// The one file on the owner's disk.
struct Disk(Sqlite);

impl Storage for Disk {
    fn trouble(&self) -> Option<String> {
        self.0.trouble()
    }
}

fn dead_letters(name: &'static str, queue: &SqliteQueue) -> DeadLetters {
    let source = Some(Source::Queue(Arc::new(queue.clone())));
    DeadLetters { name, source, dead: Arc::new(queue.dead_letters()) }
}

/// Lets the process have as many files open as the system allows at all: each visitor's open connection is one.
fn allow_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let allowed = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, ..allowed }) {
        tracing::warn!(%error, "the limit of open connections stays at {:?}", allowed.current);
    }
}

fn start_log() {
    let level = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // What it cannot write it would complain of on the same stream, and panic when that fails, too: a log on a full
    // disk must not end the desk.
    tracing_subscriber::fmt()
        .with_env_filter(level)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .init();
}

async fn asked_to_end() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "the process cannot be asked to end");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
