//! How this crate talks to AWS: one configuration for every client of the SDK.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::connector::Connector;

/// How long a connection may take to come about.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one attempt of a request may take.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a request is tried.
pub const ATTEMPTS: u32 = 3;

/// Settings for every client of the SDK; load it once and make all clients from the result.
///
/// Region, credentials and endpoint come from the environment. Brings its own HTTP client, which shares TLS with all
/// others of the process: the SDK's would read the system's certificates once more, and be a second one in each binary.
pub fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(Connector::default())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    match AppName::new(application()) {
        Ok(name) => loader.app_name(name),
        Err(_) => loader,
    }
}

/// The name under which requests show in AWS's logs: the function's, or that of the desk.
pub(crate) fn application() -> String {
    std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "lambdesk".to_owned())
}

/// What AWS answered to a failed request: the error's code, if an answer came at all, and a text for the log.
///
/// The text is made of messages alone: the SDK's own rendering shows whole responses.
pub(crate) fn explain<E>(error: &SdkError<E, HttpResponse>) -> (Option<String>, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(service) = error.as_service_error() {
        let code = service.code().unwrap_or("unknown");
        let message = service.message().unwrap_or_default();
        return (Some(code.to_owned()), format!("{code}: {message}"));
    }
    (None, causes(error))
}

/// What an error says, with what caused it.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
