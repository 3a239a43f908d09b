//! What goes wrong: every effect on the world outside a function has a number within its run, and may be struck.

mod invocation;
mod live;
mod objects;
mod outlets;
mod plan;
mod ports;

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::queue::QueueError;

use self::invocation::Invocation;
pub use self::invocation::{Ended, Stall, invoke, invoke_stalling};
pub use self::live::FaultyLive;
pub use self::objects::FaultyObjects;
pub use self::outlets::{FaultyMailer, FaultyTransport};
pub use self::plan::{Fate, Outage, Plan, Port, Rates};
pub use self::ports::{FaultyQueue, FaultyTable};
use crate::trace::Trace;

/// The function that replies leave by.
const SENDER: &str = "sender";

/// Strikes effects as a plan says.
#[derive(Debug)]
pub struct Faults {
    state: Mutex<State>,
    trace: Arc<Trace>,
    /// How many requests are under way whose senders gave up.
    under_way: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    outages: Vec<Outage>,
    effects: u64,
    struck: BTreeMap<&'static str, u64>,
    doubtful: u64,
}

impl State {
    /// Notes that something struck a run of a function, or the consumer that begins one.
    fn strike(&mut self, word: &'static str, invocation: Option<&Invocation>) {
        *self.struck.entry(word).or_default() += 1;
        // A platform that wants to be left alone has said what became of the request.
        let is_certain = word == Fate::Throttled(0).word();
        self.doubtful += u64::from(!is_certain && invocation.is_none_or(|run| run.is_of(SENDER)));
    }

    fn is_out(&self, port: Port) -> bool {
        self.outages.iter().any(|outage| outage.hits(port))
    }
}

impl Faults {
    /// Nothing goes wrong until a plan is made.
    pub fn new(trace: Arc<Trace>) -> Self {
        let state =
            State { plan: Plan::Off, outages: Vec::new(), effects: 0, struck: BTreeMap::new(), doubtful: 0 };
        Self { state: Mutex::new(state), trace, under_way: Arc::default() }
    }

    /// From now on effects are counted, from 1, and struck as the plan says.
    pub fn follow(&self, plan: Plan) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.plan = plan;
        state.effects = 0;
    }

    /// A port is out for a while, as long as a plan is followed.
    pub fn suffer(&self, outage: Outage) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).outages.push(outage);
    }

    /// Nothing goes wrong any more, and nothing is counted.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.plan = Plan::Off;
        state.outages.clear();
    }

    /// How many effects there were since the plan was made.
    pub fn effects(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).effects
    }

    /// How often each kind of fault struck.
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).struck.clone()
    }

    /// How often something struck after which a sender need not know what became of a reply.
    pub fn doubtful(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).doubtful
    }

    /// Whether no request is under way any more whose sender gave up.
    pub fn all_arrived(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    /// Whether and how the consumer stalls that begins now.
    pub fn stall(&self, visibility: Duration) -> Option<Stall> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stall = state.plan.stall(visibility)?;
        state.strike("stalled", None);
        Some(stall)
    }

    /// Counts an effect and tells what becomes of it, once its time has come.
    async fn meet(&self, port: Port, what: &str) -> Fate {
        invocation::stall().await;
        self.fate(port, what)
    }

    /// Counts an effect and tells what becomes of it.
    fn fate(&self, port: Port, what: &str) -> Fate {
        let Some(invocation) = invocation::current() else { return Fate::Passes };
        let (fate, number) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(state.plan, Plan::Off) {
                return Fate::Passes;
            }
            state.effects += 1;
            let number = state.effects;
            // A function may end, or hear nothing, while something is out, too.
            let fate = match state.plan.fate(number, port) {
                Fate::Passes | Fate::Late(_) | Fate::Conflict if state.is_out(port) => Fate::Refused,
                fate => fate,
            };
            if fate != Fate::Passes {
                state.strike(fate.word(), Some(&invocation));
            }
            (fate, number)
        };
        match fate {
            Fate::Passes => self.trace.note(&format!("#{number} {invocation}: {what}")),
            fate => self.trace.note(&format!("#{number} {invocation}: {what}  *** {} ***", fate.word())),
        }
        fate
    }

    /// Whether a reading comes to nothing. Readings have no numbers, because they change nothing.
    fn unreadable(&self, port: Port, what: &str) -> bool {
        let Some(invocation) = invocation::current() else { return false };
        let fails = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let fails = state.is_out(port) || state.plan.reading_fails();
            if fails {
                state.strike("unreadable", Some(&invocation));
            }
            fails
        };
        if fails {
            self.trace.note(&format!("{invocation}: {what}  *** not readable ***"));
        }
        fails
    }

    /// Has an effect, or not, as fate will have it. `error` says a fate in the words of the port.
    async fn effect<T: Send, E: Send>(
        &self,
        port: Port,
        what: &str,
        error: impl Fn(&Fate) -> E,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        match self.meet(port, what).await {
            Fate::Passes => work.await,
            Fate::Late(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                work.await
            }
            fate @ Fate::Overdue(milliseconds) => {
                self.comes_later(milliseconds, what, work);
                Err(error(&fate))
            }
            Fate::CrashOverdue(milliseconds) => {
                self.comes_later(milliseconds, what, work);
                crash().await
            }
            Fate::CrashBefore => crash().await,
            Fate::CrashAfter => {
                let _nobody_learns = work.await;
                crash().await
            }
            fate @ Fate::AcknowledgementLost => match work.await {
                Ok(_) => Err(error(&fate)),
                failed => failed,
            },
            fate => Err(error(&fate)),
        }
    }

    /// Carries a request out some time after its sender gave up. It does what it does then: its conditions are looked
    /// at when it comes, and nobody learns of its answer.
    fn comes_later(&self, milliseconds: u64, what: &str, work: impl Future<Output: Send> + Send + 'static) {
        let (trace, under_way) = (Arc::clone(&self.trace), Arc::clone(&self.under_way));
        let what = format!("{what}  *** comes now ***");
        under_way.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            trace.note(&what);
            let _nobody_learns = work.await;
            under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Invokes a function without waiting for it, or not, as fate will have it.
    pub async fn invocation(&self, work: impl FnOnce() + Send + 'static) -> Result<(), QueueError> {
        let error = |fate: &Fate| QueueError::Unavailable(fate.word().to_owned());
        self.effect(Port::Queue, "invoke", error, async {
            work();
            Ok(())
        })
        .await
    }

    /// Whether the answer of a function reaches whoever called it.
    pub async fn answer_arrives(&self, what: &str) -> bool {
        match self.meet(Port::Answer, what).await {
            Fate::Passes => true,
            Fate::Late(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                true
            }
            _ => false,
        }
    }

    /// Whether the service that called a function takes note of what it answered.
    pub async fn is_noted(&self, what: &str) -> bool {
        self.answer_arrives(what).await
    }
}

/// Ends the invocation where it stands.
async fn crash<T>() -> T {
    if let Some(invocation) = invocation::current() {
        invocation.crash();
    }
    pending().await
}
