//! Calling the Bot API: <https://core.telegram.org/bots/api#making-requests>.
//!
//! The token is a part of every URL. It leaves this module in no error: URLs are never shown, and what a server
//! says is cleared of it.

use std::time::Duration;

use ::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::Connection;
use crate::http::{Answer, Body, Call, Http, HttpError, Origin};

/// Telegram's own servers.
const CLOUD: &str = "https://api.telegram.org";

/// The time for a call without files.
pub(super) const TEXT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time for a call with a file.
pub(super) const FILE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most bytes of a method's answer. A hundred updates of the longest texts stay far below.
const ANSWER_LIMIT: u64 = 16 * 1024 * 1024;

/// The longest description of an error that is kept, in characters.
const DETAIL_LIMIT: usize = 300;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// The connection's settings do not allow a call.
    Settings { reason: &'static str, detail: &'static str },
    /// No whole answer came.
    Http(HttpError),
    /// The Bot API refused.
    Refused(Refusal),
    /// Something else answered, such as a proxy.
    Foreign { status: u16 },
    /// The answer says that all is well, or seems to, and cannot be read.
    Garbled,
}

const BAD_API_URL: CallError =
    CallError::Settings { reason: "bad_api_url", detail: "`api_url` is not the URL of a server." };

/// An answer that is not ok: <https://core.telegram.org/bots/api#responseparameters>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The error code, one of HTTP.
    pub(super) code: u16,
    /// What Telegram says.
    pub(super) description: String,
    /// Seconds to wait.
    pub(super) retry_after: Option<u64>,
    /// The supergroup that the group became.
    pub(super) migrate_to_chat_id: Option<i64>,
}

impl Refusal {
    /// Whether the description holds a phrase, which is given in lower case.
    pub(super) fn says(&self, phrase: &str) -> bool {
        self.description.to_lowercase().contains(phrase)
    }
}

/// The Bot API, for one connection.
pub(super) struct Api<'a> {
    http: &'a Http,
    token: &'a str,
    base: Url,
    origin: Origin,
}

impl<'a> Api<'a> {
    /// Takes the token and `api_url` of a connection. An address that the owner chose may be one of their own
    /// network.
    pub(super) fn new(http: &'a Http, connection: &'a Connection) -> Result<Self, CallError> {
        let no_token = CallError::Settings { reason: "no_token", detail: "The connection has no bot token." };
        let token = connection.secret("token").ok_or(no_token)?;
        let own = connection.text("api_url").map(str::trim).filter(|url| !url.is_empty());
        let base = own.unwrap_or(CLOUD).parse::<Url>().ok().filter(Url::has_host).ok_or(BAD_API_URL)?;
        let in_cloud = CLOUD.parse::<Url>().is_ok_and(|cloud| cloud.origin() == base.origin());
        let origin = if in_cloud { Origin::public(&base) } else { Origin::trusted(&base) };
        Ok(Self { http, token, base, origin })
    }

    /// Calls a method and reads its result.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        body: Body,
        timeout: Duration,
    ) -> Result<T, CallError> {
        let url = self.url(&[&format!("bot{}", self.token), method])?;
        let call = Call { method: Method::POST, url, body, timeout, limit: ANSWER_LIMIT };
        let answer = self.make(call).await?;
        let status = answer.status.as_u16();
        let verdict: Verdict = serde_json::from_slice(&answer.body).map_err(|_| match status {
            200..=299 => CallError::Garbled,
            status => CallError::Foreign { status },
        })?;
        if !verdict.ok {
            return Err(CallError::Refused(self.refusal(verdict, status)));
        }
        let Success { result } = serde_json::from_slice(&answer.body).map_err(|_| CallError::Garbled)?;
        Ok(result)
    }

    /// Downloads a file by the segments of its path: <https://core.telegram.org/bots/api#file>.
    pub(super) async fn download(&self, path: &[&str], limit: u64) -> Result<Answer, CallError> {
        let bot = format!("bot{}", self.token);
        let segments: Vec<&str> = ["file", &bot].into_iter().chain(path.iter().copied()).collect();
        let url = self.url(&segments)?;
        let call = Call { method: Method::GET, url, body: Body::Empty, timeout: FILE_TIMEOUT, limit };
        let answer = self.make(call).await?;
        match answer.status.as_u16() {
            200 => Ok(answer),
            status => Err(match serde_json::from_slice::<Verdict>(&answer.body) {
                Ok(verdict) => CallError::Refused(self.refusal(verdict, status)),
                Err(_) => CallError::Foreign { status },
            }),
        }
    }

    async fn make(&self, call: Call) -> Result<Answer, CallError> {
        let answer = self.http.call(call, std::slice::from_ref(&self.origin)).await;
        answer.map_err(|error| CallError::Http(HttpError { detail: self.clear(&error.detail), ..error }))
    }

    /// The segments behind the base URL, each encoded, so that no token or path leads elsewhere.
    fn url(&self, segments: &[&str]) -> Result<Url, CallError> {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut().map_err(|()| BAD_API_URL)?.pop_if_empty().extend(segments);
        Ok(url)
    }

    fn refusal(&self, verdict: Verdict, status: u16) -> Refusal {
        let parameters = verdict.parameters.unwrap_or_default();
        Refusal {
            code: verdict.error_code.unwrap_or(status),
            description: self.clear(&verdict.description.unwrap_or_default()),
            retry_after: parameters.retry_after,
            migrate_to_chat_id: parameters.migrate_to_chat_id,
        }
    }

    fn clear(&self, text: &str) -> String {
        text.replace(self.token, "…").chars().take(DETAIL_LIMIT).collect()
    }
}

#[derive(Deserialize)]
struct Verdict {
    ok: bool,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

#[derive(Deserialize)]
struct Success<T> {
    result: T,
}
