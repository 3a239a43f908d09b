//! HTML in mails: what may be shown of it, and the text in it.

mod sanitise;
mod text;
mod tokens;

pub use sanitise::{Images, Sanitised, sanitise};
pub(super) use text::text;

/// Text as HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
