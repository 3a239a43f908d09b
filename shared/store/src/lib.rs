//! Where Lambdesk keeps things.
//!
//! [`desk::Desk`] is the main table with its repositories and `execute`; start reading there.
//!
//! Ports, each with engines that one suite holds to one behaviour: [`table`], [`queue`], [`blobs`], [`environment`].

pub mod allowances;
pub mod answering;
pub mod attachments;
pub mod blobs;
pub mod buckets;
pub mod connections;
pub mod contacts;
pub mod copies;
pub mod dead_letters;
pub mod desk;
pub mod envelope;
pub mod environment;
pub mod execute;
pub mod heartbeat;
pub mod keys;
pub mod live;
pub mod messages;
pub mod offices;
pub mod opening;
pub mod queue;
pub mod replies;
pub mod seal;
pub mod settings;
pub mod suppressions;
pub mod table;
pub mod threads;
pub mod tickets;
pub mod tokens;
pub mod visitors;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use crate::desk::Desk;
