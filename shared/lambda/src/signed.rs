//! Requests to AWS that are signed by hand, where a whole SDK for one call would be a tenth of a binary.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use store::environment::Environment;

use crate::Error;
use crate::client::Client;

/// A request to one service.
pub(crate) struct Call<'a> {
    /// The name that the service signs with, such as `lambda`.
    pub(crate) service: &'static str,
    /// Its host's first label, which may be another one.
    pub(crate) host: &'static str,
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// The path.
    pub(crate) path: &'a str,
    /// Its headers, which are signed.
    pub(crate) headers: &'a [(&'static str, &'static str)],
    /// The body.
    pub(crate) body: Vec<u8>,
    /// How long the answer may take.
    pub(crate) timeout: Duration,
}

/// Makes a request, and returns whatever is answered. The inner error came after the request had begun.
pub(crate) async fn call(
    client: &Client,
    config: &SdkConfig,
    environment: &dyn Environment,
    call: Call<'_>,
) -> Result<Result<reqwest::Response, reqwest::Error>, Error> {
    let region = config.region().ok_or("no region")?.to_string();
    let credentials = config.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
    let base = match config.endpoint_url() {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://{}.{region}.amazonaws.com", call.host),
    };
    let url = format!("{base}{}", call.path);
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(call.service)
        .time(SystemTime::from(environment.now()))
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = call.headers.iter().copied();
    let signable = SignableRequest::new(call.method, &url, headers, SignableBody::Bytes(&call.body))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    let mut request = axum::http::Request::builder().method(call.method).uri(&url);
    for (name, value) in call.headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(call.body)?;
    instructions.apply_to_request_http1x(&mut request);

    let mut request: reqwest::Request = request.try_into()?;
    *request.timeout_mut() = Some(call.timeout);
    Ok(client.get()?.execute(request).await)
}
