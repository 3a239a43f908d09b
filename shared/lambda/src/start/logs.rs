//! The log, as Lambda's advanced logging controls want it.

use std::env;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Logs to standard output: JSON if `AWS_LAMBDA_LOG_FORMAT` says so, from the level of `AWS_LAMBDA_LOG_LEVEL`, else by
/// the filter of `RUST_LOG`, else from INFO.
///
/// Lines carry `timestamp` and `level` at the top, because Lambda filters by them.
pub(super) fn start() {
    let log = tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(false);
    let begun = if env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        log.try_init()
    };
    // It fails when somebody logs already: then that log serves.
    drop(begun);
}

fn filter() -> EnvFilter {
    match env::var("AWS_LAMBDA_LOG_LEVEL") {
        // Lambda knows a level that tracing does not.
        Ok(level) if level.eq_ignore_ascii_case("fatal") => {
            EnvFilter::default().add_directive(LevelFilter::ERROR.into())
        }
        Ok(level) => EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info")),
        Err(_) => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
    }
}
