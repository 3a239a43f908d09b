//! E-mail: [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322) messages, however they arrive.
//!
//! Reading is pure and total: any bytes in, a [`Mail`] out. What a mail says about how it arrived is believed only
//! where our own receiver wrote it on top, see [`Arrival`].

pub mod arrival;
pub mod compose;
pub mod dns;
pub mod html;
pub mod mail;
pub mod smtp;

mod address;
mod automatic;
mod body;
mod bounce;
mod calendar;
mod channel;
mod charset;
mod header;
mod id;
mod incoming;
mod mime;
mod name;
mod outgoing;
mod parameters;
mod pictures;
mod quote;
mod read;
mod token;
mod transfer;
mod words;

pub use arrival::stamp;
pub use channel::{Email, MAX_MAIL};
use channel::{attachment_kind, part_source};
pub use id::own as message_id;
pub use mail::{
    Arrival, Automatic, Bounce, BouncedRecipient, Complaint, Mail, Mailbox, Part, ReturnPath, Verdict,
};
pub use read::{attachment, read};
pub use token::marked_reply;
