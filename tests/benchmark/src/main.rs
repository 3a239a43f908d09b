//! `tests/bench`: measures, and prints one table.

#![expect(clippy::print_stdout, reason = "a command line tells what it found")]

use std::io;
use std::process::ExitCode;

use benchmark::figures::{acknowledgement, clock, cost, functions, mail, units};
use benchmark::table::{Row, Table};
use benchmark::{Scale, tell};
use clap::{Parser, ValueEnum};

/// Measures what the desk costs and how fast it is, and prints one table.
#[derive(Debug, Parser)]
#[command(name = "tests/bench")]
struct Options {
    /// Which figures; all when none is named.
    #[arg(value_enum)]
    figures: Vec<Figure>,
    /// Small enough for trying out; the figures are no measure then.
    #[arg(long)]
    quick: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// DynamoDB requests and capacity units.
    Units,
    /// What a million chat messages cost, and a month in which nobody writes.
    Cost,
    /// Mails to durable tickets in one process, over SMTP and HTTP; and the same mails again.
    Mail,
    /// How soon webhooks are acknowledged by one process, and its memory.
    Acknowledgement,
    /// Functions as Lambda gets them: cold starts, warm handlers, binaries.
    Functions,
    /// A sweep of the clock with few and with many open tickets.
    Clock,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let scale = if options.quick { Scale::QUICK } else { Scale::FULL };
    let wanted = |figure: &Figure| options.figures.is_empty() || options.figures.contains(figure);
    let mut table = Table::default();
    for figure in Figure::value_variants().iter().filter(|figure| wanted(figure)) {
        match measured(*figure, scale).await {
            Ok(rows) => table.0.extend(rows),
            Err(error) => table.0.push(Row::unmeasured(format!("{figure:?}"), &error)),
        }
    }
    if options.quick {
        tell("this was a quick run; its figures are no measure");
    }
    print!("{table}");
    if table.0.iter().any(Row::is_unmeasured) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn measured(figure: Figure, scale: Scale) -> io::Result<Vec<Row>> {
    match figure {
        Figure::Units => units::measure(scale).await,
        Figure::Mail => {
            tokio::task::spawn_blocking(move || mail::measure(scale)).await.map_err(io::Error::other)?
        }
        Figure::Cost => cost::measure().await,
        Figure::Clock => clock::measure(scale).await,
        Figure::Functions => functions::measure(scale).await,
        Figure::Acknowledgement => acknowledgement::measure(scale).await,
    }
}
