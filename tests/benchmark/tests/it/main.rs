//! The figures that depend on no clock are tests, too.

mod units;
