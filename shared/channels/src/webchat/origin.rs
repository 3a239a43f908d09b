//! Which pages may show the chat: the `Origin` of a request (RFC 6454) against the connection's list.

use serde_json::Value;
use url::{Origin, Url};

use crate::Connection;

/// The entry that allows every origin.
pub(super) const ANY: &str = "*";

/// The origins that the owner allowed.
pub(super) fn listed(connection: &Connection) -> impl Iterator<Item = &str> {
    let list = connection.settings.get("allowed_origins").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a text is the origin of pages on the web.
pub(super) fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.origin().ascii_serialization() == text.to_ascii_lowercase()
    })
}

/// Whether a page of this origin may use the chat. `own` are URLs of the desk itself, whose pages always may.
pub fn allows<'a>(connection: &Connection, origin: &str, own: impl IntoIterator<Item = &'a str>) -> bool {
    let same = |url: &str| {
        let parsed = Url::parse(url).map(|url| url.origin());
        parsed
            .is_ok_and(|parsed| matches!(parsed, Origin::Tuple(..)) && parsed.ascii_serialization() == origin)
    };
    listed(connection).any(|listed| listed == ANY || same(listed)) || own.into_iter().any(same)
}
