//! The ways to platforms, and everything that platforms do besides doing as they are asked.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use channels::http::{Answer, Call, HttpError, Reach, Reached, Transport};
use channels::platform::{Finding, Mailer, SendError, SendFailure};
use http::{HeaderMap, StatusCode};

use super::{Fate, Faults, Port, crash};
use crate::chance::Chance;
use crate::platform::{BotApi, PostOffice, Posted};

/// How long an honest request takes.
const WAY: Duration = Duration::from_millis(40);

/// Requests to the Bot API, which may be struck.
#[derive(Debug, Clone)]
pub struct FaultyTransport {
    bots: Arc<BotApi>,
    faults: Arc<Faults>,
    chance: Arc<Chance>,
}

impl FaultyTransport {
    /// Strikes the way to the Bot API.
    pub fn new(bots: Arc<BotApi>, faults: Arc<Faults>, chance: Arc<Chance>) -> Self {
        Self { bots, faults, chance }
    }

    async fn take(&self, call: Call) -> Answer {
        self.bots.is_asked();
        tokio::time::sleep(WAY).await;
        let answer = self.bots.answer(&call.url, &Posted::read(call.body).await);
        // Some look for a token for a while before they say that they know none.
        if answer.status == StatusCode::UNAUTHORIZED && self.chance.happens(500) {
            tokio::time::sleep(Duration::from_secs(self.chance.between(1, 5))).await;
        }
        answer
    }

    /// A refusal in one of the forms that platforms know: certain or not, short or long.
    async fn refuse(&self, timeout: Duration) -> Result<Answer, HttpError> {
        match self.chance.below(6) {
            0 => Err(failure(Reached::No, "unreachable")),
            1 => Ok(BotApi::refusal(500, "Internal Server Error", None)),
            2 => Ok(BotApi::refusal(429, "Too Many Requests", Some(1 + self.chance.below(4)))),
            3 => Ok(BotApi::refusal(429, "Too Many Requests", Some(60 + self.chance.below(120)))),
            4 => Ok(Answer {
                status: StatusCode::BAD_GATEWAY,
                headers: HeaderMap::new(),
                body: "<html>".into(),
            }),
            // Nobody ever hears what became of it; nothing did.
            _ => self.silence(timeout).await,
        }
    }

    async fn silence(&self, timeout: Duration) -> Result<Answer, HttpError> {
        tokio::time::sleep(timeout).await;
        Err(failure(Reached::Maybe, "timeout"))
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn carry(&self, call: Call, _: Reach) -> Result<Answer, HttpError> {
        let method = call.url.path_segments().and_then(Iterator::last).unwrap_or_default().to_owned();
        let timeout = call.timeout;
        let what = format!("request {method}");
        match self.faults.meet(Port::Platform, &what).await {
            Fate::Passes | Fate::Conflict => Ok(self.take(call).await),
            Fate::Late(milliseconds) => {
                let late = Duration::from_millis(milliseconds);
                // Nobody waits any more for what comes too late, though it comes.
                if late >= timeout {
                    let platform = self.clone();
                    self.faults.comes_later(milliseconds, &what, async move { platform.take(call).await });
                    return self.silence(timeout).await;
                }
                tokio::time::sleep(late).await;
                Ok(self.take(call).await)
            }
            fate @ (Fate::Overdue(milliseconds) | Fate::CrashOverdue(milliseconds)) => {
                let platform = self.clone();
                self.faults.comes_later(milliseconds, &what, async move { platform.take(call).await });
                if matches!(fate, Fate::CrashOverdue(_)) {
                    return crash().await;
                }
                Err(failure(Reached::Maybe, "broken"))
            }
            Fate::CrashBefore => crash().await,
            Fate::CrashAfter => {
                self.take(call).await;
                crash().await
            }
            Fate::AcknowledgementLost => {
                self.take(call).await;
                if self.chance.happens(500) {
                    return self.silence(timeout).await;
                }
                Err(failure(Reached::Maybe, "broken"))
            }
            Fate::Refused => self.refuse(timeout).await,
            Fate::Throttled(seconds) => Ok(BotApi::refusal(429, "Too Many Requests", Some(seconds))),
        }
    }
}

fn failure(reached: Reached, reason: &'static str) -> HttpError {
    HttpError { reached, reason, detail: "struck".to_owned() }
}

/// A provider of mail, which may be struck.
#[derive(Debug)]
pub struct FaultyMailer {
    post: Arc<PostOffice>,
    faults: Arc<Faults>,
    chance: Arc<Chance>,
}

impl FaultyMailer {
    /// Strikes the way to the post office.
    pub fn new(post: Arc<PostOffice>, faults: Arc<Faults>, chance: Arc<Chance>) -> Self {
        Self { post, faults, chance }
    }
}

#[async_trait]
impl Mailer for FaultyMailer {
    async fn send(&self, _: &str, recipients: &[String], mail: Vec<u8>) -> Result<Option<String>, SendError> {
        let fate = self.faults.meet(Port::Platform, "mail").await;
        let failed = |class, reason| SendError { class, reason, detail: "struck".to_owned() };
        match fate {
            Fate::CrashBefore => crash().await,
            Fate::Overdue(milliseconds) | Fate::CrashOverdue(milliseconds) => {
                let (post, recipients) = (Arc::clone(&self.post), recipients.to_vec());
                let take = async move { post.take(&recipients, &mail) };
                self.faults.comes_later(milliseconds, "mail", take);
                if matches!(fate, Fate::CrashOverdue(_)) {
                    return crash().await;
                }
                return Err(failed(SendFailure::Uncertain, "timeout"));
            }
            Fate::Throttled(seconds) => {
                return Err(failed(SendFailure::Throttled(Duration::from_secs(seconds)), "throttled"));
            }
            Fate::Refused => {
                return Err(match self.chance.below(4) {
                    0 => failed(SendFailure::Transient, "unavailable"),
                    1 => failed(SendFailure::Throttled(Duration::from_secs(2)), "throttled"),
                    2 => failed(SendFailure::Throttled(Duration::from_secs(90)), "throttled"),
                    _ => failed(SendFailure::Uncertain, "timeout"),
                });
            }
            Fate::Late(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            _ => {}
        }
        tokio::time::sleep(WAY).await;
        self.post.take(recipients, &mail);
        match fate {
            Fate::CrashAfter => crash().await,
            Fate::AcknowledgementLost => Err(failed(SendFailure::Uncertain, "timeout")),
            _ => Ok(None),
        }
    }

    async fn examine(&self, _: &str) -> Vec<Finding> {
        Vec::new()
    }
}
