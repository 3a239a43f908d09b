//! Where a request came from, as handlers know it from API Gateway: an extension of type [`IpAddr`].

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

/// Notes the client's address on a request.
pub(crate) async fn note(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = behind(peer.ip(), request.headers());
    request.extensions_mut().insert(address);
    next.run(request).await
}

/// The client behind a proxy of this machine or its network: what the nearest proxy saw.
fn behind(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if channels::http::is_public(peer) {
        return peer;
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 203.0.113.7"));
        let of = |peer: &str| behind(peer.parse().unwrap(), &headers).to_string();
        assert_eq!(of("127.0.0.1"), "203.0.113.7");
        assert_eq!(of("9.9.9.9"), "9.9.9.9");
        assert_eq!(behind("127.0.0.1".parse().unwrap(), &HeaderMap::new()).to_string(), "127.0.0.1");
    }
}
