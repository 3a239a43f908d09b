//! The domain of Lambdesk, and nothing else: no I/O, no async, no clock, no randomness.
//!
//! A ticket is the fold of its events ([`ticket::Ticket::apply`]); what may happen next is decided by one pure
//! function, [`decide()`]. Time and new ids are handed in, so that the same input always gives the same output.
//!
//! | module | holds |
//! |---|---|
//! | [`ids`] | typed, prefixed ids |
//! | [`channel`] | channels, their classes, the address of a conversation |
//! | [`message`] | what people say to each other: text, attachments, places, cards |
//! | [`inbound`] | what a channel hands in, in one form for all platforms |
//! | [`event`] | what happened to a ticket |
//! | [`ticket`] | the head: the small fold that decisions need |
//! | [`command`], [`decide`](mod@decide) | what one may ask of a ticket, and the answer |
//! | [`sla`], [`calendar`] | service levels and working hours |
//! | [`settings`] | what the owner configures |
//! | [`reply`] | the delivery of one answer |
//! | [`access`] | who may do what |

pub mod access;
mod bounds;
pub mod calendar;
pub mod channel;
pub mod command;
pub mod correspondence;
pub mod decide;
pub mod event;
pub mod ids;
pub mod inbound;
pub mod message;
pub mod reply;
pub mod settings;
pub mod sla;
pub mod ticket;

pub use decide::decide;
