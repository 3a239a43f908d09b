//! Requests from outside, as a gateway brings them to functions.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use live::GatewayEvent;
use tower::ServiceExt as _;

use super::pool::Pool;
use super::{Cloud, older};
use crate::fault::{Ended, invoke};

/// How long what a window does may take, as the template has it.
const CONNECTION: Duration = Duration::from_secs(10);

/// A function that requests come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Webhooks of Telegram.
    Telegram,
    /// Webhooks of Telegram, to a version before this one.
    Older,
    /// Mails.
    Email,
    /// The chat of the firm's site.
    Webchat,
    /// The REST API.
    Api,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Older => "older",
            Self::Email => "email",
            Self::Webchat => "webchat",
            Self::Api => "api",
        }
    }

    /// As the template has it.
    const fn timeout(self) -> Duration {
        match self {
            Self::Telegram | Self::Older | Self::Webchat => Duration::from_secs(10),
            Self::Email => Duration::from_secs(60),
            Self::Api => Duration::from_secs(28),
        }
    }
}

/// What whoever asked hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Cloud {
    /// Brings a request to a function. `None` when no answer comes back.
    pub async fn request(self: &Arc<Self>, door: Door, request: Request<Body>) -> Option<Heard> {
        tokio::time::sleep(Duration::from_millis(self.chance.between(5, 40))).await;
        let pool: &Pool<Router> = match door {
            Door::Telegram => &self.pools.telegram,
            Door::Older => &self.pools.older,
            Door::Email => &self.pools.email,
            Door::Webchat => &self.pools.webchat,
            Door::Api => &self.pools.api,
        };
        let kept = pool.take(&self.chance, || match door {
            Door::Telegram => telegram::handler(self.receiver()),
            Door::Older => older::handler(self.receiver()),
            Door::Email => email::handler(self.receiver()),
            Door::Webchat => self.new_webchat(),
            Door::Api => self.new_api(),
        });
        let name = format!("{}/{}", door.name(), kept.number);
        let what = format!("{} {}", request.method(), request.uri().path());
        let router = kept.function.clone();
        let answered = invoke(name.clone(), door.timeout(), async {
            let Ok(response) = router.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            self.faults
                .answer_arrives(&format!("answer {what} {}", parts.status))
                .await
                .then_some(Heard { status: parts.status, body })
        })
        .await;
        match answered {
            Ended::Done(heard) => {
                pool.give_back(kept);
                heard
            }
            Ended::Broken => Some(Heard { status: StatusCode::BAD_GATEWAY, body: Bytes::new() }),
            Ended::Panicked => {
                self.complain(format!("{name} panicked on {what}"));
                None
            }
        }
    }

    /// Tells of a connection that a window opens, uses or closes. What the function answers, if that comes back.
    pub async fn tell_of_window(&self, event: GatewayEvent) -> Option<u16> {
        let kept = self.pools.live.take(&self.chance, || self.new_live());
        let name = format!("live/{}", kept.number);
        let answered = invoke(name.clone(), CONNECTION, async {
            let status = kept.function.handle(event).await;
            self.faults.answer_arrives(&format!("answer to a window {status}")).await.then_some(status)
        });
        match answered.await {
            Ended::Done(status) => {
                self.pools.live.give_back(kept);
                status
            }
            Ended::Broken => None,
            Ended::Panicked => {
                self.complain(format!("{name} panicked"));
                None
            }
        }
    }
}
