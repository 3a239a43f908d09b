//! The product as its users see it: customers on a fake Telegram and on the site's chat, agents on the REST API, and nothing in between
//! but HTTP. The journeys themselves are in `tests/it`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support of tests: what goes wrong here fails the test, with its reason"
)]

pub mod desk;
pub mod mail;
pub mod port;
pub mod stage;
pub mod target;
pub mod telegram;
pub mod webchat;

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// How long whoever brings a message goes on trying here; platforms and mail servers try for hours. It is longer than one
/// request may take: one that is handed to a connection at the very moment at which that ends can be forgotten by both
/// (tokio's channel keeps what is sent while its receiver is dropped), and ends by [`client`]'s timeout.
const DELIVERY: Duration = Duration::from_secs(120);

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "journeys run in real time")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// An HTTP client that follows no redirects and knows no proxy.
///
/// # Panics
/// When it cannot be built.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client without special wishes")
}

/// Looks again and again until `look` finds what is awaited, and returns it.
///
/// # Panics
/// When it is not found within `patience`; tells what was seen last.
pub async fn eventually<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(20);
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) => {
                assert!(Instant::now() < deadline, "{what}: not within {patience:?}; last seen: {seen:#?}");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}
