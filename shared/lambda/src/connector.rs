//! The SDK's requests, over the client that all of this crate uses.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::{Body, Request};

use crate::client::{Client, Failure, REPEATED};

/// Carries requests of the SDK. All its clients share the connections; how long one may take to come about is said by
/// [`CONNECT_TIMEOUT`](crate::sdk::CONNECT_TIMEOUT) rather than by their settings.
#[derive(Debug, Clone)]
pub(crate) struct Connector(Client);

impl Default for Connector {
    fn default() -> Self {
        Self(Client::new(REPEATED))
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { carry(&client, request).await })
    }
}

async fn carry(client: &Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let request = Request::try_from(request.map(Body::wrap)).map_err(failed)?;
    let client = client.get().map_err(|error| ConnectorError::other(error, None))?;
    let response: http::Response<Body> = client.execute(request).await.map_err(failed)?.into();
    HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// The SDK makes a request anew when it timed out or failed in input or output.
fn failed(error: reqwest::Error) -> ConnectorError {
    match Failure::of(&error) {
        Failure::TimedOut => ConnectorError::timeout(error.into()),
        Failure::Unconnected | Failure::Broken => ConnectorError::io(error.into()),
        Failure::Unsendable => ConnectorError::user(error.into()),
        Failure::Other => ConnectorError::other(error.into(), None),
    }
}
