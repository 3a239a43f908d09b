//! Under which URL the desk is reached.

use std::net::IpAddr;

use ::http::header::{FORWARDED, HOST};
use ::http::{HeaderMap, Uri};

use crate::http::is_public;

/// A base URL of the desk, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The URL.
    pub url: String,
    /// Whether platforms on the Internet can reach it.
    pub public: bool,
}

impl Address {
    /// What the owner says, else what the request was sent to.
    pub fn new(public_url: Option<&str>, headers: &HeaderMap, uri: &Uri) -> Self {
        match public_url {
            Some(url) => Self { url: url.trim_end_matches('/').to_owned(), public: true },
            None => Self::of_request(headers, uri),
        }
    }

    /// What a request was sent to.
    pub fn of_request(headers: &HeaderMap, uri: &Uri) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let forwarded = text(FORWARDED.as_str());
        let host = forwarded
            .and_then(|forwarded| directive(forwarded, "host"))
            .or_else(|| text(HOST.as_str()))
            .or_else(|| uri.authority().map(::http::uri::Authority::as_str))
            .filter(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', '\\']))
            .unwrap_or("localhost");
        let scheme = forwarded
            .and_then(|forwarded| directive(forwarded, "proto"))
            .or_else(|| text("x-forwarded-proto")?.split(',').next())
            .unwrap_or("http")
            .trim();
        let scheme = if scheme.eq_ignore_ascii_case("https") { "https" } else { "http" };
        let url = format!("{scheme}://{host}");
        let public = scheme == "https" && url::Url::parse(&url).is_ok_and(|url| reachable(&url));
        Self { url, public }
    }
}

/// A directive of the first hop of a `Forwarded` header (RFC 7239).
fn directive<'a>(forwarded: &'a str, name: &str) -> Option<&'a str> {
    let first = forwarded.split(',').next()?;
    first.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// Whether a host can be one of the Internet: no address of a private network, no name of this machine or its
/// neighbours.
fn reachable(url: &url::Url) -> bool {
    match url.host() {
        None => false,
        Some(url::Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let local = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];
            name.contains('.') && !local.iter().any(|suffix| name.ends_with(suffix))
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Address {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        Address::of_request(&headers, &Uri::from_static("/api/v1/connections"))
    }

    #[test]
    fn a_public_request_tells_the_public_url() {
        let gateway =
            of(&[("host", "abc.execute-api.eu-central-1.amazonaws.com"), ("x-forwarded-proto", "https")]);
        assert_eq!(gateway.url, "https://abc.execute-api.eu-central-1.amazonaws.com");
        assert!(gateway.public);
        let proxied = of(&[
            ("host", "127.0.0.1:8080"),
            ("forwarded", "for=1.2.3.4;host=\"desk.example.org\";proto=https"),
        ]);
        assert_eq!(proxied, Address { url: "https://desk.example.org".to_owned(), public: true });
    }

    #[test]
    fn what_only_neighbours_reach_is_not_public() {
        for host in [
            "localhost:8080",
            "127.0.0.1",
            "10.1.2.3",
            "[::1]:80",
            "[fd00::1]",
            "desk",
            "desk.local",
            "a.localhost",
        ] {
            assert!(!of(&[("host", host), ("x-forwarded-proto", "https")]).public, "{host}");
        }
        assert!(!of(&[("host", "desk.example.org")]).public);
        assert!(!of(&[]).public);
        assert_eq!(of(&[("host", "evil.org/x")]).url, "http://localhost");
    }
}
