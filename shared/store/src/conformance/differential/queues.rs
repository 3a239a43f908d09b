//! Random steps on two queues.

use std::time::Duration;

use chance::Chance;

use super::answer::Answer;
use super::compared::{Compared, Delivery, Queues};
use super::log::{Log, Place};
use crate::conformance::queues::{LONG, SHORT};
use crate::queue::{MAX_RECEIVE, MAX_RECEIVES, Message, Outgoing};

/// How many deduplication ids a run uses: few, so that some repeat.
const IDS: u64 = 40;
/// With several groups, no more messages are sent than one request takes, where groups come in any order.
const MANY: u64 = MAX_RECEIVE as u64;
/// Longer than a deduplication id is known, and than anything is hidden.
const AGES: Duration = Duration::from_mins(6);

/// The kind of queue that a run is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A standard queue.
    Standard,
    /// A FIFO queue, with messages of so many groups.
    Fifo(u64),
}

impl Kind {
    /// The kinds, one for each seed.
    pub fn of(seed: u64) -> Self {
        match seed % 4 {
            0 => Self::Standard,
            1 => Self::Fifo(1),
            _ => Self::Fifo(3),
        }
    }

    /// Whether its queues are FIFO.
    pub fn is_fifo(self) -> bool {
        self != Self::Standard
    }
}

/// A run and what it has in hand.
struct Run<'a> {
    compared: Compared<'a>,
    chance: Chance,
    kind: Kind,
    seed: u64,
    step: usize,
    /// What is hidden for longer than the run takes.
    held: Vec<Delivery>,
    /// What ran out, and what was deleted.
    stale: Vec<(Delivery, bool)>,
    name: String,
    /// How often what may still be there was delivered, by body.
    worn: Vec<(String, u32)>,
}

/// Makes `steps` random steps on empty queues, then takes everything out of them and of those of their dead letters.
///
/// # Panics
/// At the first answer that differs in another way than is known.
pub async fn queues(log: &Log, queues: &Queues, seed: u64, steps: usize) {
    let mut run = Run {
        compared: Compared { log, queues },
        chance: Chance::new(seed),
        kind: Kind::of(seed),
        seed,
        step: 0,
        held: Vec::new(),
        stale: Vec::new(),
        name: format!("run-{seed}"),
        worn: Vec::new(),
    };
    for step in 0..steps {
        run.step = step;
        run.step().await;
        run.filled().await;
    }
    run.empty().await;
}

impl Run<'_> {
    async fn step(&mut self) {
        match self.chance.below(20) {
            0..=3 => self.send().await,
            4..=7 => {
                let received = self.receive(LONG).await;
                self.held.extend(received);
            }
            8..=10 => self.delete().await,
            11..=12 => self.release(Duration::ZERO).await,
            // An extension.
            13 if !self.held.is_empty() => {
                let at = self.chance.place(self.held.len());
                let (found, expected) = &self.held[at];
                self.told("extend", found, expected, Some(LONG * 2)).await;
            }
            14 => self.release(SHORT).await,
            15 => {
                let received = self.receive(SHORT).await;
                self.stale.extend(received.into_iter().map(|delivery| (delivery, false)));
                self.await_return().await;
            }
            16 => self.use_stale().await,
            17 | 18 => {
                while !self.held.is_empty() {
                    self.release(Duration::ZERO).await;
                }
            }
            19 if self.compared.queues.skips && self.chance.once_in(3) => {
                (self.compared.queues.pause)(AGES).await;
                self.stale.extend(self.held.drain(..).map(|delivery| (delivery, false)));
                self.await_return().await;
            }
            _ => {}
        }
    }

    async fn send(&mut self) {
        let waiting = self.compared.queues.sqlite.depth().await.unwrap();
        let most = if self.takes_all() { MANY.saturating_sub(waiting.waiting + waiting.in_hand) } else { 4 };
        let count = self.chance.below(most.min(4) + 1);
        let fifo = self.kind.is_fifo();
        let messages: Vec<Outgoing> = (0..count)
            .map(|number| {
                let group = match self.kind {
                    Kind::Standard => None,
                    Kind::Fifo(groups) => Some(format!("{}-{}", self.name, self.chance.below(groups))),
                };
                let deduplication = fifo.then(|| format!("{}-{}", self.name, self.chance.below(IDS)));
                Outgoing { body: format!("{} {}.{number}", self.name, self.step), group, deduplication }
            })
            .collect();
        let expected = Answer::Told(self.compared.queues.sqlite.send(messages.clone()).await);
        let ask = async || Answer::Told(self.compared.queues.one.send(messages.clone()).await);
        self.compared.same(&self.place(&messages), ask, &expected).await;
    }

    /// Whether groups meet that may come in any order, so that only all of them at once can be compared.
    fn takes_all(&self) -> bool {
        self.kind == Kind::Fifo(3) && self.compared.log.allows("which group comes first")
    }

    async fn receive(&mut self, hidden: Duration) -> Vec<Delivery> {
        let limit = match self.chance.pick(&[1, 1, 2, 3, 10]) {
            _ if self.takes_all() => MAX_RECEIVE,
            _ if self.hopeless() > 0 => 1,
            limit => *limit,
        };
        let deliveries = self.compared.receive(&self.place(&("receive", limit)), limit, hidden).await;
        for (found, _) in &deliveries {
            self.worn.retain(|(body, _)| *body != found.body);
            self.worn.push((found.body.clone(), found.receives));
        }
        deliveries
    }

    async fn delete(&mut self) {
        if !self.held.is_empty() {
            let (found, expected) = self.held.swap_remove(self.chance.place(self.held.len()));
            self.told("delete", &found, &expected, None).await;
            self.worn.retain(|(body, _)| *body != found.body);
            self.stale.push(((found, expected), true));
        }
    }

    async fn release(&mut self, after: Duration) {
        if !self.held.is_empty() {
            let (found, expected) = self.held.swap_remove(self.chance.place(self.held.len()));
            self.told("release", &found, &expected, Some(after)).await;
            self.stale.push(((found, expected), false));
            if !after.is_zero() {
                self.await_return().await;
            }
        }
    }

    /// Uses a receipt that ran out, or whose message is gone.
    async fn use_stale(&mut self) {
        let works = self.compared.log.allows("a receipt that ran out");
        let usable: Vec<&Delivery> =
            self.stale.iter().filter(|(_, gone)| *gone || !works).map(|(delivery, _)| delivery).collect();
        if !usable.is_empty() {
            let (found, expected) = usable[self.chance.place(usable.len())].clone();
            let after = self.chance.once_in(2).then_some(Duration::ZERO);
            self.told("use what ran out", &found, &expected, after).await;
        }
    }

    /// Releases a delivery, or deletes it.
    async fn told(&self, what: &str, found: &Message, expected: &Message, after: Option<Duration>) {
        let what = (what, &expected.body, after);
        self.compared.told(&self.place(&what), [&found.receipt, &expected.receipt], after).await;
    }

    /// Waits until nothing is hidden but what is held.
    async fn await_return(&self) {
        self.compared.await_return(&self.place(&"all come back"), self.held.len() as u64).await;
    }

    /// How many messages may still be there that were delivered too often to come again.
    fn hopeless(&self) -> u64 {
        self.worn.iter().filter(|(_, receives)| *receives >= MAX_RECEIVES).count() as u64
    }

    /// Compares how full the queues are.
    async fn filled(&self) {
        self.compared.filled(&self.place(&"depth"), self.hopeless()).await;
    }

    /// Takes out everything, dead letters last.
    async fn empty(&mut self) {
        while !self.held.is_empty() {
            self.release(Duration::ZERO).await;
        }
        loop {
            let received = self.receive(LONG).await;
            if received.is_empty() {
                break;
            }
            self.held.extend(received);
            while !self.held.is_empty() {
                self.delete().await;
            }
        }
        self.filled().await;
        self.compared.same_dead_letters(&self.place(&"dead letters")).await;
    }

    fn place<'p>(&self, what: &'p (dyn std::fmt::Debug + Sync)) -> Place<'p> {
        Place { seed: self.seed, step: self.step, what }
    }
}
