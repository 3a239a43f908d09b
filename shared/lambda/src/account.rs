//! What the account allows.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde::Deserialize;
use store::environment::Environment;

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
    let region = config.region().ok_or("no region")?.to_string();
    let credentials = config.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
    let base = match config.endpoint_url() {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://lambda.{region}.amazonaws.com"),
    };
    let url = format!("{base}/2016-08-19/account-settings/");

    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("lambda")
        .time(SystemTime::from(environment.now()))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let mut request = axum::http::Request::get(&url).body(Vec::new())?;
    let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    sign(signable, &parameters)?.into_parts().0.apply_to_request_http1x(&mut request);

    let client = reqwest::Client::builder()
        .connect_timeout(sdk::CONNECT_TIMEOUT)
        .timeout(sdk::ATTEMPT_TIMEOUT)
        .user_agent(sdk::application())
        .build()?;
    let response = client.execute(request.try_into()?).await?.error_for_status()?;
    Ok(response.json().await?)
}
