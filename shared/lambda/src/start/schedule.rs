//! Scheduled events.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use store::environment::System;
use tokio::time::Instant;

use super::until;
use crate::Error;

/// Runs a function that a schedule starts.
///
/// `handler` gets the moment from which on it should begin with nothing new. When it fails, Lambda repeats the event
/// as the template says.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_schedule<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Instant) -> F,
    F: Future<Output = Result<(), Error>>,
{
    let environment = System::new();
    lambda_runtime::run(service_fn(|event: LambdaEvent<IgnoredAny>| {
        handler(until(&event.context, &environment))
    }))
    .await
}
