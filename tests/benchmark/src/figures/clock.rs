//! A sweep of the clock with ten tickets due, among few open ones and among many.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use ::clock::Clock;
use store::Desk;
use store::environment::System;
use store::sqlite::{Sqlite, TableName};

use crate::counting::{Asked, Counting};
use crate::table::Row;
use crate::{Scale, fill, local, tell};

/// Tickets that are due.
const DUE: usize = 10;
/// Open tickets of the desk that the other one is compared with.
const FEW: usize = 1000;

/// Measures both.
///
/// # Errors
/// When the desk does not do what it must.
pub async fn measure(scale: Scale) -> io::Result<Vec<Row>> {
    let (few, few_took) = sweep(FEW).await?;
    let (many, many_took) = sweep(scale.tickets).await?;
    Ok(vec![Row::new(
        format!("clock: one sweep, {DUE} due, {FEW} and {} open tickets", scale.tickets),
        format!(
            "{} requests, {} read and {} write units; {} requests, {} and {} units; {few_took:.1} and {many_took:.1} ms",
            few.calls(),
            few.read_units,
            few.write_units,
            many.calls(),
            many.read_units,
            many.write_units
        ),
        "units exactly equal",
        few == many,
    )])
}

/// What a sweep asked for, and how many milliseconds it took on SQLite.
async fn sweep(open: usize) -> io::Result<(Asked, f64)> {
    tell(&format!("storing {open} tickets for the clock"));
    let folder = local::folder()?;
    let database = folder.path().join("desk.db");
    fill::tickets(&database, open).await?;
    fill::overdue(&database, DUE).await?;
    let environment = Arc::new(System::new());
    let sqlite = Sqlite::open(&database, environment.clone()).map_err(io::Error::other)?;
    let main = Counting::new(sqlite.table(TableName::Main));
    let index = Counting::new(sqlite.table(TableName::Index));
    let desk = Desk::new(Arc::new(main.clone()), environment);
    desk.reload_settings().await.map_err(io::Error::other)?;
    main.take();
    let clock = Clock::new(desk, Arc::new(index.clone()), Arc::new(sqlite.queue("outbound", true)));
    let begun = Instant::now();
    let swept = clock.sweep(|| true).await.map_err(io::Error::other)?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    if swept.due != DUE || swept.failed > 0 {
        return Err(io::Error::other(format!("the clock swept something else: {swept:?}")));
    }
    Ok((main.take().and(index.take()), took))
}
