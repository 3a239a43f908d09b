//! The suites that every engine of a port must pass.
