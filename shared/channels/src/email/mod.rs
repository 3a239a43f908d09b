//! E-mail: [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322) messages, however they arrive.
//!
//! Reading is pure and total: any bytes in, a [`Mail`] out. What a mail says about how it arrived is believed only
//! where our own receiver wrote it on top, see [`Arrival`].

mod channel;
pub mod compose;
pub mod dns;
mod incoming;
pub mod mail;
mod outgoing;
pub mod smtp;
mod token;

pub use channel::{Email, MAX_MAIL};
use channel::{attachment_kind, part_source};
pub use mail::{
    Arrival, Automatic, Bounce, BouncedRecipient, Complaint, Mail, Mailbox, Part, ReturnPath, Verdict,
};
