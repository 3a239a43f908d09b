//! DynamoDB requests and capacity units of what happens most. Nothing of it depends on time: the same is a test.

use std::io;

use crate::counting::Asked;
use crate::rig::{Rig, Wrong};
use crate::table::Row;
use crate::{Scale, fill, local, tell};

/// What each way costs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Units {
    /// A message on a conversation that has an open ticket, by the router.
    pub existing: Asked,
    /// The first message of a stranger, by the router.
    pub stranger: Asked,
    /// The same message once more, by the router.
    pub duplicate: Asked,
    /// What the relay reads for a message that came in.
    pub relayed: Asked,
    /// An agent's answer: the API.
    pub reply_api: Asked,
    /// The same: the sender.
    pub reply_sender: Asked,
    /// A sweep of the clock that finds nothing.
    pub idle: Asked,
    /// What a sweep costs more that finds a deadline missed.
    pub breach: Asked,
}

impl Units {
    /// Counts on a desk of its own.
    ///
    /// # Errors
    /// When the desk does not do what it must.
    pub async fn count() -> Result<Self, Wrong> {
        Ok(Self::count_with(|| 0).await?.0)
    }

    /// Counts, and reads another counter, such as one of logged bytes, before and after the message on an existing
    /// conversation: how much that has grown.
    ///
    /// # Errors
    /// When the desk does not do what it must.
    pub async fn count_with(other: impl Fn() -> usize) -> Result<(Self, usize), Wrong> {
        let rig = Rig::new().await?;
        let (mut units, grown) = Self::of_messages(&rig, 0, other).await?;
        units.add_deadlines(&rig).await?;
        Ok((units, grown))
    }

    /// Counts what messages and answers cost on a desk that has so many tickets already.
    ///
    /// # Errors
    /// When the desk does not do what it must.
    pub async fn count_among(tickets: usize) -> Result<Self, Wrong> {
        let folder = local::folder()?;
        fill::tickets(&folder.path().join("desk.db"), tickets).await?;
        Ok(Self::of_messages(&Rig::on(folder).await?, tickets as u64, || 0).await?.0)
    }

    async fn of_messages(rig: &Rig, stored: u64, other: impl Fn() -> usize) -> Result<(Self, usize), Wrong> {
        let mut units = Self::default();

        rig.says(42, 1, "Good morning! Where is my parcel?").await?;
        let webhook = rig.asked();
        if webhook != Asked::default() {
            return Err(format!("a warm webhook asks the table: {webhook:?}").into());
        }
        rig.routed().await?;
        units.stranger = rig.asked();
        rig.relayed().await?;
        rig.asked();

        let before = other();
        rig.says(42, 2, &"It was due on Monday, and nobody tells me anything. ".repeat(4)).await?;
        rig.routed().await?;
        units.existing = rig.asked();
        rig.relayed().await?;
        units.relayed = rig.asked();
        let grown = other() - before;

        // The queue forgets after five minutes that it has had this one.
        rig.pass(600);
        rig.sweep().await?;
        rig.asked();
        rig.says(42, 2, &"It was due on Monday, and nobody tells me anything. ".repeat(4)).await?;
        // Processes look again at what they keep; that is none of this message's.
        rig.asked();
        if rig.routed().await? != 1 {
            return Err("the queue took a repetition for itself".into());
        }
        units.duplicate = rig.asked();

        rig.answers(stored + 2, "It left this morning.").await?;
        units.reply_api = rig.asked();
        rig.relayed().await?;
        rig.asked();
        if rig.sent().await? != 1 {
            return Err("there was nothing to send".into());
        }
        units.reply_sender = rig.asked();
        Ok((units, grown))
    }

    async fn add_deadlines(&mut self, rig: &Rig) -> Result<(), Wrong> {
        rig.says(43, 1, "Is anybody there?").await?;
        rig.routed().await?;
        rig.relayed().await?;
        rig.sweep().await?;
        rig.asked();
        rig.sweep().await?;
        self.idle = rig.asked();
        rig.pass(30 * 24 * 3600);
        // A process that is at work knows the settings.
        rig.desk.reload_settings().await?;
        rig.asked();
        let due = rig.sweep().await?;
        self.breach = each_of(&rig.asked(), &self.idle, due)?;
        Ok(())
    }

    /// The rows of the table.
    pub fn rows(&self) -> Vec<Row> {
        vec![
            row("DynamoDB: inbound on an existing conversation", &self.existing, &EXISTING),
            row("DynamoDB: inbound of a new contact", &self.stranger, &STRANGER),
            row("DynamoDB: inbound that is a duplicate", &self.duplicate, &DUPLICATE),
            row("DynamoDB: a reply, the API's part", &self.reply_api, &REPLY_API),
            row("DynamoDB: a reply, the sender's part", &self.reply_sender, &REPLY_SENDER),
            row("DynamoDB: an SLA breach, beside the sweep", &self.breach, &BREACH),
        ]
    }
}

/// What a way asks of DynamoDB, and what this may cost at most. The figures are the design's; a change that exceeds them must
/// earn it.
#[derive(Debug)]
pub struct Budget {
    reads: usize,
    writes: usize,
    transactions: &'static [usize],
    read_units: f64,
    write_units: usize,
}

impl Budget {
    /// Whether a way keeps to it.
    pub fn allows(&self, asked: &Asked) -> bool {
        (asked.reads, asked.writes) == (self.reads, self.writes)
            && asked.transactions == self.transactions
            && asked.read_units <= self.read_units
            && asked.write_units <= self.write_units
    }

    const fn new(
        reads: usize,
        writes: usize,
        transactions: &'static [usize],
        read_units: f64,
        write_units: usize,
    ) -> Self {
        Self { reads, writes, transactions, read_units, write_units }
    }
}

/// Thread and head; then head, event, platform message.
pub const EXISTING: Budget = Budget::new(2, 1, &[3], 2.0, 10);
/// Thread, connection, identity; the number; contact, identity, thread, head, two events, list, number, message.
pub const STRANGER: Budget = Budget::new(3, 2, &[9], 3.0, 21);
/// Thread and head.
pub const DUPLICATE: Budget = Budget::new(2, 0, &[], 2.0, 0);
/// The ticket, which tells whose windows are to be told.
pub const RELAYED: Budget = Budget::new(1, 0, &[], 1.0, 0);
/// The token, the ticket and its connection; then head, event, outbox; the ticket and the reply as they now stand.
pub const REPLY_API: Budget = Budget::new(5, 1, &[3], 5.0, 9);
/// What is to be sent and for which ticket; the claim; the result with the platform's message.
pub const REPLY_SENDER: Budget = Budget::new(2, 2, &[1, 2], 2.0, 9);
/// Three kinds of due items in four shards, and changed settings; the heartbeat.
pub const IDLE: Budget = Budget::new(13, 1, &[], 6.5, 1);
/// Head; then head and event.
pub const BREACH: Budget = Budget::new(1, 1, &[2], 1.0, 7);

/// Measures.
///
/// # Errors
/// When the desk does not do what it must.
pub async fn measure(scale: Scale) -> io::Result<Vec<Row>> {
    let units = Units::count().await.map_err(io::Error::other)?;
    tell(&format!("storing {} tickets for the units", scale.tickets));
    let among = Units::count_among(scale.tickets).await.map_err(io::Error::other)?;
    let equal = Units { idle: units.idle.clone(), breach: units.breach.clone(), ..among } == units;
    let mut rows = units.rows();
    rows.push(Row::new(
        format!("DynamoDB: the same messages and answers among {} tickets", scale.tickets),
        if equal { "the same" } else { "NOT THE SAME" },
        "exactly equal",
        equal,
    ));
    Ok(rows)
}

fn row(figure: &str, asked: &Asked, budget: &Budget) -> Row {
    let Asked { reads, writes, read_units, write_units, .. } = asked;
    let items = |of: &[usize]| match of {
        [] => "none".to_owned(),
        of => of.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let of = items(&asked.transactions);
    let measured = format!(
        "{reads} reads, {writes} writes (transactions of {of}); {read_units} read units, {write_units} write units"
    );
    let Budget { reads, writes, read_units, write_units, transactions } = budget;
    let of = items(transactions);
    let target =
        format!("{reads} reads, {writes} writes (of {of}); ≤ {read_units} read, ≤ {write_units} write units");
    Row::new(figure, measured, target, budget.allows(asked))
}

/// What each due ticket cost, of a sweep over several that cost the same.
fn each_of(sweep: &Asked, idle: &Asked, due: usize) -> Result<Asked, Wrong> {
    let each = |all: usize, idle: usize| {
        let more = all.saturating_sub(idle);
        if due > 0 && more.is_multiple_of(due) {
            Ok(more / due)
        } else {
            Err(format!("{more} for {due} due tickets"))
        }
    };
    Ok(Asked {
        reads: each(sweep.reads, idle.reads)?,
        writes: each(sweep.writes, idle.writes)?,
        transactions: sweep.transactions.iter().copied().step_by(due.max(1)).collect(),
        read_units: (sweep.read_units - idle.read_units) / due as f64,
        write_units: each(sweep.write_units, idle.write_units)?,
    })
}
