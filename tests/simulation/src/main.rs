//! `tests/simulate`: many seeds, and the plans of crashes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tells what it found")]

mod shown;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use simulation::crashes::{self, Struck};
use simulation::run::{Outcome, Scenario, Story, run};

use self::shown::{MANY, missing};

/// How many pairs of crashes of each story are tried when not all are.
const SAMPLE: u64 = 500;
/// How many failed runs are told.
const TOLD: usize = 5;
/// After how many runs it is told how far this has come: all pairs take an hour and more.
const STEP: usize = 10_000;

/// Runs the desk in simulation.
#[derive(Debug, Parser)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Shows what happened in each run of a seed.
    #[arg(long)]
    trace: bool,
    /// Which pairs of crashes to try; `from` decides which some are.
    #[arg(long, value_enum, default_value_t = Pairs::Some)]
    pairs: Pairs,
    /// Only the seeds, without the plans of crashes.
    #[arg(long)]
    only_seeds: bool,
    /// Only this story, with these effects of it struck: `visit/12:crash-before,30:acknowledgement-lost`; none of them
    /// for `visit/`.
    #[arg(long, value_name = "STORY/NUMBER:FATE,…")]
    struck: Option<Struck>,
}

/// Which pairs of crashes are tried.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Pairs {
    /// None.
    None,
    /// Some.
    Some,
    /// All.
    All,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let begun = Instant::now();
    let mut scenarios: Vec<Scenario> = match &options.struck {
        Some(Struck(story, struck)) => vec![Scenario::Story(*story, struck.clone())],
        None => (options.from..options.from.saturating_add(options.seeds)).map(Scenario::Seed).collect(),
    };
    let seeds = if options.struck.is_none() { options.seeds } else { 0 };
    if options.trace {
        tracing_subscriber::fmt()
            .without_time()
            .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
            .init();
        return show(&scenarios);
    }
    if !options.only_seeds && options.struck.is_none() {
        for story in Story::ALL {
            match crashes::effects(story) {
                Ok(effects) => {
                    println!("The story of the {} has {effects} effects.", story.name());
                    scenarios.extend(crashes::singles(story, effects));
                    match options.pairs {
                        Pairs::None => {}
                        Pairs::Some => {
                            scenarios.extend(crashes::pairs(story, effects, Some((SAMPLE, options.from))));
                        }
                        Pairs::All => scenarios.extend(crashes::pairs(story, effects, None)),
                    }
                }
                Err(broken) => return told(&[(Scenario::Story(story, BTreeMap::new()), broken)]),
            }
        }
    }
    let (failed, sums) = run_all(&scenarios);
    println!("{} messages, {} replies, {} effects", sums.said, sums.asked, sums.effects);
    println!("struck: {}", listed(&sums.struck));
    println!("seen: {}", listed(&sums.seen));
    if !failed.is_empty() {
        let _shown = told(&failed);
    }
    let never = if seeds >= MANY { missing(&sums.seen, &sums.struck) } else { Vec::new() };
    if !never.is_empty() {
        eprintln!("in so many seeds this never happened: {}", never.join(", "));
    }
    println!(
        "{} seeds, {} runs, {} failed, {:.1} seconds",
        seeds,
        scenarios.len(),
        failed.len(),
        begun.elapsed().as_secs_f64()
    );
    if failed.is_empty() && never.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts in one line.
fn listed<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(what, count)| format!("{what} {count}")).collect::<Vec<_>>().join(", ")
}

/// What all runs had together.
#[derive(Debug, Default)]
struct Sums {
    ended: usize,
    said: usize,
    asked: usize,
    effects: u64,
    struck: BTreeMap<&'static str, u64>,
    seen: BTreeMap<String, u64>,
}

/// Runs everything, on all cores. Returns what failed, with why.
fn run_all(scenarios: &[Scenario]) -> (Vec<(Scenario, Vec<String>)>, Sums) {
    let next = AtomicUsize::new(0);
    let found = Mutex::new((Vec::new(), Sums::default()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((at, scenario)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    scenarios.get(at).map(|scenario| (at, scenario))
                } {
                    let Outcome { broken, effects, struck, seen, said, .. } = run(scenario, false);
                    let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    found.1.said += said.0;
                    found.1.asked += said.1;
                    found.1.effects += effects;
                    for (kind, count) in struck {
                        *found.1.struck.entry(kind).or_default() += count;
                    }
                    for (kind, count) in seen {
                        *found.1.seen.entry(kind).or_default() += count;
                    }
                    if !broken.is_empty() {
                        eprintln!("{}", replay(scenario));
                        found.0.push((at, scenario.clone(), broken));
                    }
                    found.1.ended += 1;
                    if found.1.ended.is_multiple_of(STEP) {
                        eprintln!("{} of {} runs, {} failed", found.1.ended, scenarios.len(), found.0.len());
                    }
                }
            });
        }
    });
    let (mut failed, sums) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failed.sort_by_key(|(at, ..)| *at);
    (failed.into_iter().map(|(_, scenario, broken)| (scenario, broken)).collect(), sums)
}

/// Tells failed runs, the first one with all that happened in it.
fn told(failed: &[(Scenario, Vec<String>)]) -> ExitCode {
    if let Some((scenario, _)) = failed.first() {
        let outcome = run(scenario, true);
        eprintln!("{}", outcome.trace.join("\n"));
    }
    for (scenario, broken) in failed.iter().take(TOLD) {
        eprintln!("\n{}", replay(scenario));
        for what in broken {
            eprintln!("  - {what}");
        }
    }
    if failed.len() > TOLD {
        let rest: Vec<String> =
            failed.iter().skip(TOLD).map(|(scenario, _)| format!("{scenario:?}")).collect();
        eprintln!("\nand {} more: {}", rest.len(), rest.join(", "));
    }
    ExitCode::FAILURE
}

/// That a run failed, and how to see it again.
fn replay(scenario: &Scenario) -> String {
    match scenario {
        Scenario::Seed(seed) => {
            format!("seed {seed} failed; replay it: tests/simulate --from {seed} --seeds 1 --trace")
        }
        Scenario::Story(story, struck) => {
            let struck = Struck(*story, struck.clone());
            format!("the story failed; replay it: tests/simulate --struck '{struck}' --trace")
        }
    }
}

/// Shows what happens in each run, as it was and as the desk's own log has it.
fn show(scenarios: &[Scenario]) -> ExitCode {
    let mut failed = false;
    for scenario in scenarios {
        let outcome = run(scenario, true);
        println!("{}", outcome.trace.join("\n"));
        println!("{scenario:?}: {} effects, trace {:016x}", outcome.effects, outcome.hash);
        for what in &outcome.broken {
            println!("  - {what}");
        }
        failed |= !outcome.broken.is_empty();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
