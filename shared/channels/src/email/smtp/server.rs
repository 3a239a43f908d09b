//! The server that an `smtp_url` names.

use std::fmt;
use std::io::Error;
use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use url::Url;

use super::answer::Failure;
use crate::http::tls;
use crate::platform::{SendError, SendFailure};

/// Passwords with fewer bytes are words by chance.
const SHORT: usize = 4;

/// A mail server to send through: `smtp://user:password@host:587` or `smtps://user:password@host:465`.
///
/// User and password are percent-encoded where they have reserved characters, and may be absent. `smtps` speaks TLS
/// from the first byte; `smtp` insists on STARTTLS, except towards this very machine, where there is nobody to listen
/// in. `?tls=none` and `?tls=required` say otherwise.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<Login>,
}

/// As whom to log in.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    Never,
    Upgrade,
    FromTheStart,
}

/// A text that is no `smtp_url`. It may hold a password, and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// There is none.
    #[error("The setting smtp_url is empty.")]
    Missing,
    /// It is not of the form.
    #[error(
        "The setting smtp_url does not look like smtp://user:password@host:587 or smtps://user:password@host:465. \
         Characters such as @, : and / in the password must be percent-encoded."
    )]
    Unreadable,
    /// It has a parameter that is not known.
    #[error(
        "The only parameter that the setting smtp_url takes is tls=required or tls=none, and smtps needs none."
    )]
    Parameter,
}

/// Everything of the connection waits until its owner mends the setting.
impl From<BadUrl> for SendError {
    fn from(error: BadUrl) -> Self {
        let reason = match error {
            BadUrl::Missing => "no_smtp_url",
            BadUrl::Unreadable | BadUrl::Parameter => "bad_smtp_url",
        };
        Self { class: SendFailure::Unauthorized, reason, detail: error.to_string() }
    }
}

impl FromStr for Server {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        if text.trim().is_empty() {
            return Err(BadUrl::Missing);
        }
        let url = Url::parse(text.trim()).map_err(|_| BadUrl::Unreadable)?;
        let host = host(url.host_str().unwrap_or_default()).ok_or(BadUrl::Unreadable)?;
        let mut parameters = url.query_pairs();
        let wish = parameters.next();
        if parameters.next().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(BadUrl::Unreadable);
        }
        let wish = wish.as_ref().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let (port, tls) = match (url.scheme(), wish) {
            ("smtps", None) => (465, Tls::FromTheStart),
            ("smtp", Some(("tls", "required"))) => (587, Tls::Upgrade),
            ("smtp", Some(("tls", "none"))) => (587, Tls::Never),
            ("smtp", None) if is_this_machine(&host) => (587, Tls::Never),
            ("smtp", None) => (587, Tls::Upgrade),
            ("smtp" | "smtps", Some(_)) => return Err(BadUrl::Parameter),
            _ => return Err(BadUrl::Unreadable),
        };
        let decoded = |text| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| BadUrl::Unreadable)?;
            if text.chars().any(char::is_control) { Err(BadUrl::Unreadable) } else { Ok(text.into_owned()) }
        };
        let login = match (decoded(url.username())?, decoded(url.password().unwrap_or_default())?) {
            (user, password) if user.is_empty() && password.is_empty() => None,
            (user, password) => Some(Login { user, password }),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), tls, login })
    }
}

impl Server {
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn needs_tls(&self) -> bool {
        self.tls != Tls::Never
    }

    pub(super) fn starts_with_tls(&self) -> bool {
        self.tls == Tls::FromTheStart
    }

    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// What TLS needs. The certificates of the system are read from files.
    pub(super) async fn tls(&self) -> Result<ClientConfig, Failure> {
        let read = tokio::task::spawn_blocking(tls).await.map_err(Error::other)?;
        Ok(read.map_err(Error::other)?)
    }

    /// A text of the server without the secret that it may repeat, in the clear or as it was sent.
    pub(super) fn without_secret(&self, text: &str) -> String {
        let Some(Login { user, password }) = &self.login else { return text.to_owned() };
        if password.is_empty() {
            return text.to_owned();
        }
        let sent = BASE64.encode(format!("\0{user}\0{password}"));
        let text = text.replace(&sent, "…").replace(&BASE64.encode(password), "…");
        // The gaps that a very short password leaves would give it away.
        if password.len() < SHORT { text } else { text.replace(password, "…") }
    }
}

/// A host as it is looked up. The standard leaves names in such URLs percent-encoded.
fn host(text: &str) -> Option<String> {
    if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return Some(address.to_owned());
    }
    let name = percent_decode_str(text).decode_utf8().ok()?;
    idna::domain_to_ascii(&name).ok().filter(|name| !name.is_empty())
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
