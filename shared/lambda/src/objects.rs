//! The object store on S3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use http_body_util::BodyExt as _;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, Error, RetryConfig};
use reqwest::{Body, Request};
use store::blobs::Blobs;
use store::environment::Environment;

use crate::client::{Client, Failure, REPEATED};
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
        .with_http_connector(Transfer(Client::new(REPEATED)))
        .with_retry(retries);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = Arc::new(builder.build()?);
    let links = S3Links::new(Arc::clone(&store), url, bucket, region, credentials, environment);
    Ok(Blobs::new(store, Arc::new(links)))
}

/// Makes the store's requests over a client as all of this crate uses it.
#[derive(Debug, Clone)]
struct Transfer(Client);

impl HttpConnector for Transfer {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient, Error> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transfer {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
        *request.timeout_mut() = Some(TRANSFER_TIMEOUT);
        let client = self.0.get().map_err(|error| HttpError::new_boxed(HttpErrorKind::Unknown, error))?;
        let response: http::Response<Body> = client.execute(request).await.map_err(failed)?.into();
        Ok(response.map(|body| HttpResponseBody::new(body.map_err(failed))))
    }
}

/// The store makes a request anew when no connection came about, and one that does no harm twice when it was interrupted
/// or timed out.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = match Failure::of(&error) {
        Failure::Unconnected => HttpErrorKind::Connect,
        Failure::TimedOut => HttpErrorKind::Timeout,
        Failure::Broken => HttpErrorKind::Interrupted,
        Failure::Unsendable | Failure::Other => HttpErrorKind::Unknown,
    };
    // Its URL may be signed.
    HttpError::new(kind, error.without_url())
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
