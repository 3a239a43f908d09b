//! Where Lambdesk keeps things.
//!
//! Ports, each with engines that one suite holds to one behaviour: [`table`], [`queue`], [`blobs`], [`environment`].

pub mod blobs;
pub mod environment;
pub mod queue;
pub mod seal;
pub mod table;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "sqlite")]
pub mod sqlite;
