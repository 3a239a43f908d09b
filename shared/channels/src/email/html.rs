//! HTML in mails: what may be shown of it, and the text in it.

mod sanitise;
mod text;

pub use sanitise::{Images, Sanitised, sanitise};
pub(super) use text::text;
