//! The token that a request proves itself with: [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750#section-2.1).

use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;

/// The bearer token of a request. Of two `Authorization` headers neither counts: somebody in between added one, and
/// then neither proves anything.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
