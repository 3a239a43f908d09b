//! What the owner promises, and when it changes.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use desk::ids::{PolicyId, Ulid};
use desk::sla::{Conditions, Metric, Policy};
use serde_json::{Value, json};
use store::settings::Versioned;

use super::{Stage, pause};
use crate::chance::Chance;
use crate::cloud::Cloud;

/// The only policy that matters: it goes before all others and applies to everything.
const POLICY: PolicyId = PolicyId::new(Ulid::from_parts(1, 1));

/// What the owner promises, in seconds, around the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// To the first answer.
    pub first_response: Option<u64>,
    /// To each later answer.
    pub next_response: Option<u64>,
    /// To the solution.
    pub resolution: Option<u64>,
}

impl Promise {
    /// When the warning comes, in per cent.
    pub const WARN_PERCENT: u8 = 50;

    /// One as owners make them.
    pub fn drawn(chance: &Chance) -> Self {
        Self {
            first_response: Some(chance.between(5, 60) * 60),
            next_response: Some(chance.between(5, 120) * 60),
            resolution: Some(chance.between(1, 12) * 3600),
        }
    }

    /// One of which now and then a part is missing.
    fn drawn_in_part(chance: &Chance) -> Self {
        let part = |seconds: Option<u64>| seconds.filter(|_| !chance.happens(150));
        let Self { first_response, next_response, resolution } = Self::drawn(chance);
        Self {
            first_response: part(first_response),
            next_response: part(next_response),
            resolution: part(resolution),
        }
    }

    /// What is promised for a metric, if anything.
    pub const fn target(&self, metric: Metric) -> Option<u64> {
        match metric {
            Metric::FirstResponse => self.first_response,
            Metric::NextResponse => self.next_response,
            Metric::Resolution => self.resolution,
        }
    }

    /// Has it stand when the desk is opened.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn install(self, cloud: &Arc<Cloud>) -> Result<(), String> {
        let policy = Policy {
            id: POLICY,
            name: "Everybody".to_owned(),
            position: 0,
            conditions: Conditions::default(),
            calendar: None,
            first_response: self.first_response,
            next_response: self.next_response,
            resolution: self.resolution,
            warn_percent: Some(Self::WARN_PERCENT),
        };
        let policy = Versioned { version: 1, value: policy };
        let saved = cloud.calm_desk().save_setting(&policy, false, Vec::new()).await;
        saved.map_err(|error| error.to_string())
    }

    fn body(self) -> Value {
        json!({
            "name": "Everybody",
            "position": 0,
            "first_response": self.first_response,
            "next_response": self.next_response,
            "resolution": self.resolution,
            "warn_percent": Self::WARN_PERCENT,
        })
    }
}

/// The owner changes what is promised, several times: whenever it comes to mind, while the clock is about to bring the
/// tickets in line with the change before, or just before it comes, when functions trust what they have read.
pub async fn change_promises(stage: Stage, chance: Chance) {
    for _ in 0..chance.between(1, 3) {
        match chance.below(3) {
            0 => pause(&chance, &[5, 60, 1800, 20_000]).await,
            1 => {
                // For so long at most: the clock is not called while nothing is due.
                let _swept = tokio::time::timeout(Duration::from_hours(1), stage.cloud.swept()).await;
                tokio::time::sleep(Duration::from_millis(chance.below(200))).await;
            }
            _ => {
                let second = stage.cloud.hours.now().as_second().rem_euclid(60).unsigned_abs();
                tokio::time::sleep(Duration::from_secs((chance.between(45, 59) + 60 - second) % 60)).await;
            }
        }
        promise(&stage, Promise::drawn_in_part(&chance)).await;
    }
}

/// The owner changes what is promised.
pub(crate) async fn promise(stage: &Stage, promise: Promise) {
    stage.cloud.trace.note(&format!("the owner promises {promise:?}"));
    let place = stage.history.promise(promise, stage.cloud.hours.now());
    let (path, body) = (format!("/sla-policies/{POLICY}"), promise.body());
    // A change that met another one is made once more.
    for _ in 0..50 {
        let heard = stage.office.insist(&stage.cloud, Method::PUT, &path, None, Some(&body)).await;
        if heard.is_some_and(|(status, _)| status.is_success()) {
            return stage.history.promised(place, stage.cloud.hours.now());
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    stage.cloud.complain("what is promised could not be changed".to_owned());
}
