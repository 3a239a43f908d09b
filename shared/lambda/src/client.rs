//! The HTTP client under everything that this crate asks AWS.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;

use crate::{Error, sdk};

/// How long an unused connection is kept where a request that finds it gone is made again. AWS closes its own after a
/// minute or more, and a frozen function does not notice.
pub(crate) const REPEATED: Duration = Duration::from_secs(90);
/// The same where nobody repeats a request: one that is written to a closed connection is lost with its fate unknown.
pub(crate) const ONCE: Duration = Duration::from_secs(10);

/// A client that is made for its first request: most functions that may need one do not need it for the event that they
/// start with. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    idle: Duration,
    made: Arc<OnceLock<reqwest::Client>>,
}

impl Client {
    /// A client that keeps unused connections for so long.
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, made: Arc::default() }
    }

    /// The client itself. Whoever asks repeats what may be repeated, and a function reaches AWS without a proxy.
    ///
    /// # Errors
    /// When the system has no certificates.
    pub(crate) fn get(&self) -> Result<&reqwest::Client, Error> {
        if let Some(client) = self.made.get() {
            return Ok(client);
        }
        let made = reqwest::Client::builder()
            .tls_backend_preconfigured(channels::http::tls()?)
            .user_agent(sdk::application())
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(sdk::CONNECT_TIMEOUT)
            .pool_idle_timeout(self.idle)
            .build()?;
        Ok(self.made.get_or_init(|| made))
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection came about.
    Unconnected,
    /// It took too long.
    TimedOut,
    /// The connection broke before the answer was there.
    Broken,
    /// The request is none that can be sent.
    Unsendable,
    /// Anything else, such as an answer that is not HTTP.
    Other,
}

impl Failure {
    /// What an error of the client says.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if error.is_connect() {
            return Self::Unconnected;
        }
        if error.is_builder() {
            return Self::Unsendable;
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.is::<std::io::Error>() {
                return Self::Broken;
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>() {
                if error.is_user() {
                    return Self::Unsendable;
                }
                if error.is_closed() || error.is_canceled() || error.is_incomplete_message() {
                    return Self::Broken;
                }
            }
            source = cause.source();
        }
        Self::Other
    }
}
