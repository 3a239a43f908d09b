//! The object store on S3.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, Error, RetryConfig};
use store::blobs::Blobs;
use store::environment::Environment;

use crate::{S3Links, sdk};

/// How long one attempt to move an object may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(20);

/// The bucket called `bucket`, with links to it. Connects to nothing yet.
///
/// With an endpoint in `config`, the bucket is addressed by path, as emulators want it.
///
/// # Errors
/// When `config` has no region or no credentials.
pub fn blobs(config: &SdkConfig, bucket: &str, environment: Arc<dyn Environment>) -> Result<Blobs, Error> {
    let region = config.region().ok_or_else(|| unusable("no region"))?.to_string();
    let credentials = config.credentials_provider().ok_or_else(|| unusable("no credentials"))?;
    let endpoint = config.endpoint_url().map(|url| url.trim_end_matches('/').to_owned());
    let url = match &endpoint {
        Some(endpoint) => format!("{endpoint}/{bucket}"),
        None => format!("https://{bucket}.s3.{region}.amazonaws.com"),
    };

    let options = ClientOptions::new()
        .with_connect_timeout(sdk::CONNECT_TIMEOUT)
        .with_timeout(TRANSFER_TIMEOUT)
        .with_user_agent(sdk::application().parse().map_err(unusable)?)
        .with_allow_http(endpoint.as_deref().is_some_and(|url| url.starts_with("http://")));
    let retries = RetryConfig {
        max_retries: sdk::ATTEMPTS as usize - 1,
        retry_timeout: TRANSFER_TIMEOUT,
        backoff: BackoffConfig::default(),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&region)
        .with_virtual_hosted_style_request(endpoint.is_none())
        .with_credentials(Arc::new(FromSdk(credentials.clone())))
        .with_http_connector(WhenNeeded)
        .with_retry(retries)
        .with_client_options(options);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = Arc::new(builder.build()?);
    let links = S3Links::new(Arc::clone(&store), url, bucket, region, credentials, environment);
    Ok(Blobs::new(store, Arc::new(links)))
}

/// Connects when there is something to ask for: a client reads the system's certificates, and most functions that may need
/// the bucket do not need it for the event that they start with.
#[derive(Debug)]
struct WhenNeeded;

impl HttpConnector for WhenNeeded {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient, Error> {
        Ok(HttpClient::new(Late { options: options.clone(), client: OnceLock::new() }))
    }
}

/// A client that is made for its first request.
#[derive(Debug)]
struct Late {
    options: ClientOptions,
    client: OnceLock<HttpClient>,
}

#[async_trait]
impl HttpService for Late {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(client) = self.client.get() {
            return client.execute(request).await;
        }
        let made = ReqwestConnector::default()
            .connect(&self.options)
            .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        self.client.get_or_init(|| made).execute(request).await
    }
}

/// The SDK's credentials, asked for each time: the ones of a function change while it lives.
#[derive(Debug)]
struct FromSdk(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for FromSdk {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>, Error> {
        let credentials = self.0.provide_credentials().await.map_err(unusable)?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

fn unusable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "S3", source: source.into() }
}
