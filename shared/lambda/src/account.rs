//! What the account allows.

use aws_config::SdkConfig;
use serde::Deserialize;
use store::environment::Environment;

use crate::client::{Client, ONCE};
use crate::signed::{self, Call};
use crate::{Error, sdk};

/// Why the account's limits are not known.
#[derive(Debug, thiserror::Error)]
#[error("the account's limits are unknown: {0}")]
pub struct AccountError(#[source] Error);

#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "AccountLimit")]
    limit: Option<Limit>,
}

#[derive(Deserialize)]
struct Limit {
    #[serde(rename = "ConcurrentExecutions")]
    concurrent_executions: Option<u32>,
}

/// How many executions the account may run at once in this region; `None` where Lambda does not say.
///
/// Lambda's `GetAccountSettings`, signed by hand: its SDK would be a tenth of a binary for this one number.
///
/// # Errors
/// When Lambda is unavailable or refuses.
pub async fn account_limit(
    config: &SdkConfig,
    environment: &dyn Environment,
) -> Result<Option<u32>, AccountError> {
    let settings = settings(config, environment).await.map_err(AccountError)?;
    Ok(settings.limit.and_then(|limit| limit.concurrent_executions))
}

async fn settings(config: &SdkConfig, environment: &dyn Environment) -> Result<Settings, Error> {
    let call = Call {
        service: "lambda",
        host: "lambda",
        method: "GET",
        path: "/2016-08-19/account-settings/",
        headers: &[],
        body: Vec::new(),
        timeout: sdk::ATTEMPT_TIMEOUT,
    };
    let response = signed::call(&Client::new(ONCE), config, environment, call).await??;
    Ok(response.error_for_status()?.json().await?)
}
