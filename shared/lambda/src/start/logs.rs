//! The log, as Lambda's advanced logging controls want it.

use std::env;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, registry};

/// Logs to standard output: JSON if `AWS_LAMBDA_LOG_FORMAT` says so, from the level of `AWS_LAMBDA_LOG_LEVEL`, else by
/// the filter of `RUST_LOG`, else from INFO.
///
/// Lines carry `timestamp` and `level` at the top, because Lambda filters by them.
pub(super) fn start() {
    let (log, lines) = (registry().with(filter()), fmt::layer().with_ansi(false));
    let begun = if env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        log.with(lines).try_init()
    } else {
        log.with(lines).try_init()
    };
    // It fails when somebody logs already: then that log serves.
    drop(begun);
}

/// By level and target alone: filtering by fields would bring an engine for regular expressions into every function.
fn filter() -> Targets {
    let filter = |text: String| match text.as_str() {
        "" => None,
        // Lambda knows a level that tracing does not.
        level if level.eq_ignore_ascii_case("fatal") => Some(Targets::new().with_default(LevelFilter::ERROR)),
        text => text.parse().ok(),
    };
    let text = env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| env::var("RUST_LOG"));
    text.ok().and_then(filter).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}
