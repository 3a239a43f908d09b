//! Ports for servers that start in a moment, and again after a kill.
//!
//! A port that the system gives may be gone before its server listens: every connection that anybody opens takes one of
//! the same range. These are below that range (32768 and up on Linux, 49152 and up elsewhere), and one process never
//! hands out one twice.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

const PORTS: Range<u32> = 10_000..30_000;

/// An address of the loopback interface on which nobody listens.
///
/// # Panics
/// When all ports are taken.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    // Processes that run side by side begin in different places.
    let first = std::process::id().wrapping_mul(7919);
    (0..count)
        .map(|_| PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count)
        .filter_map(|port| u16::try_from(port).ok())
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}
