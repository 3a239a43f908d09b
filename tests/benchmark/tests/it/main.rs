//! The figures that depend on no clock are tests, too.

#![expect(clippy::unwrap_used, reason = "tests")]

mod units;
