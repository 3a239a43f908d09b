//! Where a call may go: the guard against server-side request forgery.
//!
//! Names are resolved once, and the connection goes to the very addresses that were checked, so that a name cannot
//! change its mind in between. Addresses written into a URL never come to the resolver and are checked by
//! themselves; [`Url`] has by then undone every spelling of them, such as `0x7f.1`.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Scheme, host and port that a call may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    origin: url::Origin,
    trusted: bool,
}

impl Origin {
    /// The origin of a URL, as long as it has public addresses.
    pub fn public(url: &Url) -> Self {
        Self { origin: url.origin(), trusted: false }
    }

    /// The origin of a URL that the owner chose, whatever its address: a server in their own network.
    pub fn trusted(url: &Url) -> Self {
        Self { origin: url.origin(), trusted: true }
    }

    /// Whether a URL leads to this origin. Credentials in a URL would be sent to it, and are refused.
    pub(super) fn holds(&self, url: &Url) -> bool {
        let web = matches!(url.scheme(), "http" | "https");
        let plain = url.username().is_empty() && url.password().is_none();
        let reachable = match url.host() {
            _ if self.trusted => true,
            Some(Host::Ipv4(address)) => is_public(address.into()),
            Some(Host::Ipv6(address)) => is_public(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        web && plain && reachable && url.origin() == self.origin
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.trusted
    }
}

/// Whether an address is one of the public Internet, by the
/// [registries](https://www.iana.org/assignments/iana-ipv4-special-registry) of special purposes: not private, local,
/// shared, reserved, documentation, multicast or unspecified, and not an IPv4 address in disguise.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = matches!(
        address.octets(),
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 stands for an IPv4 address: networks without IPv4 reach the rest of the world by it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocol assignments (Teredo among them), documentation and 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Only this block is given out; mapped, local and multicast addresses are all outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// A name that leads to an address which may not be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct NotPublic;

/// Whether a failure is the guard's doing.
pub(super) fn refused(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The operating system's resolver.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A resolver that refuses a name as soon as one of its addresses is not public: honest names do not mix them.
pub(super) struct Guarded {
    resolver: Arc<dyn Resolve>,
}

impl Guarded {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.resolver.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            if found.iter().any(|address| !is_public(address.ip())) {
                return Err(Box::new(NotPublic) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
