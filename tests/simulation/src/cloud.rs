//! The account that the desk runs in: its engines, its functions, and the services that call them.

mod functions;
mod gateway;
mod objects;
mod older;
mod pool;
mod queues;
mod schedule;
mod stream;
mod topic;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use store::Desk;
use store::environment::Environment;
use store::seal::SealingKey;

use self::functions::Pools;
pub use self::gateway::{Door, Heard};
use self::schedule::Sweeps;
use crate::chance::Chance;
use crate::engine::{MemoryQueue, MemoryTable, Weather};
use crate::fault::Faults;
use crate::invariants::Watch;
use crate::platform::{BotApi, PostOffice, Windows};
use crate::time::{Hours, Machine};
use crate::trace::Trace;

/// How many shards the stream of the main table has.
const SHARDS: usize = 3;

/// The account.
pub struct Cloud {
    /// The exact time.
    pub hours: Hours,
    /// What happens.
    pub trace: Arc<Trace>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// The main table.
    pub main: MemoryTable,
    /// The index table.
    pub index: MemoryTable,
    /// What customers wrote.
    pub inbound: MemoryQueue,
    /// Conversations with something to send.
    pub outbound: MemoryQueue,
    /// What may take a while.
    pub work: MemoryQueue,
    /// What the receiver of mails failed at: it has no queue, but its dead letters are in one.
    pub email: MemoryQueue,
    /// What the relay could not understand.
    pub relay_dead: MemoryQueue,
    /// Telegram.
    pub bots: Arc<BotApi>,
    /// The way out for mail.
    pub post: Arc<PostOffice>,
    /// Windows of the site's chat.
    pub windows: Arc<Windows>,
    objects: Arc<InMemory>,
    key: Arc<SealingKey>,
    /// Chance of the services: sizes of batches, machines, delays.
    chance: Arc<Chance>,
    /// Chance of ids and secrets.
    ids: Arc<Chance>,
    /// Chance of platforms.
    moods: Arc<Chance>,
    /// The most milliseconds that a machine's clock is off.
    skew: u64,
    pools: Pools,
    sweeps: Sweeps,
    /// How many invocations are under way that nobody waits for.
    invocations: AtomicUsize,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Cloud {
    /// An account with an empty desk. `rough` engines and machines make use of all that their contracts allow.
    #[expect(clippy::expect_used, reason = "the key has the length that it must have")]
    pub fn new(chance: &Chance, rough: bool, keep_trace: bool) -> Arc<Self> {
        let hours = Hours::begin();
        let trace = Arc::new(Trace::new(hours, keep_trace));
        let services = Arc::new(chance.fork("services"));
        let weather = || {
            if rough { Weather::rough(Arc::new(chance.fork("weather"))) } else { Weather::calm() }
        };
        let complaints: Arc<Mutex<Vec<String>>> = Arc::default();
        let watch = Watch::new(Arc::clone(&complaints));
        let main = MemoryTable::with(weather(), SHARDS, Some(Box::new(move |changes| watch.look(changes))));
        Arc::new(Self {
            hours,
            faults: Arc::new(Faults::new(Arc::clone(&trace))),
            trace,
            main,
            index: MemoryTable::new(weather()),
            inbound: MemoryQueue::new("inbound", true, weather(), hours),
            outbound: MemoryQueue::new("outbound", true, weather(), hours),
            work: MemoryQueue::new("work", false, weather(), hours),
            email: MemoryQueue::new("email", false, weather(), hours),
            relay_dead: MemoryQueue::new("relay-dead", false, weather(), hours),
            bots: Arc::new(BotApi::new("1:first")),
            post: Arc::default(),
            windows: Arc::default(),
            objects: Arc::new(InMemory::new()),
            key: Arc::new(SealingKey::new(&[7; SealingKey::LENGTH]).expect("a key of the right length")),
            ids: Arc::new(chance.fork("ids")),
            moods: Arc::new(chance.fork("moods")),
            chance: services,
            skew: if rough { 100 } else { 0 },
            pools: Pools::default(),
            sweeps: Sweeps::default(),
            invocations: AtomicUsize::new(0),
            complaints,
        })
    }

    /// Starts everything that calls functions by itself.
    pub fn start(self: &Arc<Self>) {
        queues::start(self);
        stream::start(self, SHARDS);
        schedule::start(self);
    }

    /// A desk that nothing strikes, for whoever installs it.
    pub fn calm_desk(&self) -> Desk {
        let machine = Machine::new(self.hours, SignedDuration::ZERO, Arc::clone(&self.ids));
        Desk::new(Arc::new(self.main.clone()), Arc::new(machine))
    }

    /// Time and chance of a new machine.
    fn machine(&self) -> Arc<dyn Environment> {
        let off = i64::try_from(self.chance.below(2 * self.skew + 1)).unwrap_or_default()
            - i64::try_from(self.skew).unwrap_or_default();
        Arc::new(Machine::new(self.hours, SignedDuration::from_millis(off), Arc::clone(&self.ids)))
    }

    /// The queues whose dead letters can be sent again, with their names.
    pub fn with_dead_letters(&self) -> [(&'static str, &MemoryQueue); 4] {
        [&self.inbound, &self.outbound, &self.work, &self.email].map(|queue| (queue.name(), queue))
    }

    /// Waits until the clock looks for what is due.
    pub async fn swept(&self) {
        self.sweeps.begins.notified().await;
    }

    /// When the clock looked for what is due, and missed nothing: from when to when.
    pub fn whole_sweeps(&self) -> Vec<(Timestamp, Timestamp)> {
        self.sweeps.whole.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nothing is under way any more: no message, no insertion, no invocation.
    pub fn is_quiet(&self) -> bool {
        let queues = [&self.inbound, &self.outbound, &self.work];
        queues.iter().all(|queue| queue.is_empty())
            && self.invocations.load(Ordering::SeqCst) == 0
            && self.faults.all_arrived()
            && (0..SHARDS).all(|shard| self.main.feed(shard).is_empty())
    }

    /// Notes that something is as it must never be.
    pub fn complain(&self, what: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Everything that was as it must never be.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
