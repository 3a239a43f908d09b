//! The desk in one process where things end badly: it is killed again and again, its disk is full, its folder cannot
//! be written. Whatever it acknowledged is there afterwards.
//!
//! Apart from the journeys, because the load and the moments of the kills are to be the only ones on the machine.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is not there fails the test, with its reason"
)]

mod full_disk;
mod kills;
mod ledger;
mod load;
mod moments;
mod read_only;

use std::io::Write as _;

/// Says something past the test runner, which swallows what passing tests print.
fn report(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("the terminal is there");
}
