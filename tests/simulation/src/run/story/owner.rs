//! What the owner does in stories, and what befalls them.

use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

use super::steps::Teller;
use crate::fault::{Outage, Port};
use crate::journey::{Promise, promise, read_again, replace_token};

impl Teller {
    /// Something is out of reach for so many seconds from now on.
    pub(super) fn is_out(&self, port: Port, seconds: u64) {
        let outage = Outage { port, from: Instant::now(), lasts: Duration::from_secs(seconds) };
        self.0.cloud.faults.suffer(outage);
    }

    /// The owner sends the dead letters of a queue again.
    pub(super) async fn redrives(&self, queue: &str) {
        let path = format!("/dead-letters/{queue}/redrive");
        self.0.office.insist(&self.0.cloud, Method::POST, &path, None, None).await;
    }

    /// The owner has everything read again that nobody understood.
    pub(super) async fn reads_again(&self) {
        read_again(&self.0).await;
    }

    /// The bot's token is revoked.
    pub(super) fn revokes_the_token(&self) {
        self.0.cloud.bots.set_token("1:second");
    }

    /// The owner replaces the bot's token.
    pub(super) async fn replaces_the_token(&self) {
        replace_token(&self.0).await;
    }

    /// The owner promises something else, in seconds.
    pub(super) async fn promises(
        &self,
        first_response: Option<u64>,
        next_response: Option<u64>,
        resolution: Option<u64>,
    ) {
        promise(&self.0, Promise { first_response, next_response, resolution }).await;
    }

    /// It is five seconds before a full minute, at which the clock is called.
    pub(super) async fn clock_is_near(&self) {
        let second = self.0.cloud.hours.now().as_second().rem_euclid(60).unsigned_abs();
        self.later((55 + 60 - second) % 60).await;
    }

    /// The clock begins to look for what is due.
    pub(super) async fn clock_comes(&self) {
        // For so long at most: it is not called while nothing is due.
        let _swept = tokio::time::timeout(Duration::from_mins(5), self.0.cloud.swept()).await;
    }
}
