//! Events of a WebSocket API: "Lambda proxy integrations for WebSocket APIs" in API Gateway's guide.

use std::collections::BTreeMap;
use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;

/// An event of a connection, as API Gateway tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketEvent {
    /// `CONNECT`, `MESSAGE` or `DISCONNECT`.
    pub kind: String,
    /// The gateway's id of the connection.
    pub connection: String,
    /// The URL for posting to connections of this API.
    pub endpoint: String,
    /// The parameters of the URL; only when it connects.
    pub query: BTreeMap<String, String>,
    /// The `Origin` of the page; only when it connects.
    pub origin: Option<String>,
    /// What was said.
    pub body: String,
}

/// Runs a function that a WebSocket API calls. `handler` returns the status of its answer.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_gateway<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(SocketEvent) -> F,
    F: Future<Output = u16>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let status = match serde_json::from_value::<Event>(event.payload) {
            Ok(event) => handler(event.into()).await,
            Err(error) => {
                tracing::warn!(%error, "an event that is none of a connection");
                400
            }
        };
        Ok::<_, Error>(json!({"statusCode": status}))
    }))
    .await
}

/// What of an event matters here. A gateway leaves maps out, or sends null, when there is nothing in them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    request_context: Context,
    #[serde(default)]
    query_string_parameters: Option<BTreeMap<String, String>>,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    event_type: String,
    connection_id: String,
    domain_name: String,
    stage: String,
}

impl From<Event> for SocketEvent {
    fn from(event: Event) -> Self {
        let Context { event_type, connection_id, domain_name, stage } = event.request_context;
        let headers = event.headers.unwrap_or_default();
        let origin = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
        Self {
            kind: event_type,
            connection: connection_id,
            endpoint: format!("https://{domain_name}/{stage}"),
            query: event.query_string_parameters.unwrap_or_default(),
            origin: origin.map(|(_, origin)| origin),
            body: event.body.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_connection_is_read() {
        let event: Event = serde_json::from_value(json!({
            "headers": {"Host": "abc.execute-api.eu-central-1.amazonaws.com", "Origin": "https://shop.example"},
            "multiValueHeaders": {"Origin": ["https://shop.example"]},
            "queryStringParameters": {"token": "a.b"},
            "requestContext": {
                "routeKey": "$connect", "eventType": "CONNECT", "connectionId": "L0SM9cOFvHcCIhw=",
                "domainName": "abc.execute-api.eu-central-1.amazonaws.com", "stage": "live", "apiId": "abc",
                "requestTimeEpoch": 1_767_225_600_000_i64, "identity": {"sourceIp": "203.0.113.7"}
            },
            "isBase64Encoded": false
        }))
        .unwrap();
        let event = SocketEvent::from(event);
        assert_eq!((event.kind.as_str(), event.connection.as_str()), ("CONNECT", "L0SM9cOFvHcCIhw="));
        assert_eq!(event.endpoint, "https://abc.execute-api.eu-central-1.amazonaws.com/live");
        assert_eq!(event.query.get("token").map(String::as_str), Some("a.b"));
        assert_eq!(event.origin.as_deref(), Some("https://shop.example"));
        assert_eq!(event.body, "");
    }

    #[test]
    fn a_message_is_read() {
        let event: Event = serde_json::from_value(json!({
            "requestContext": {
                "routeKey": "$default", "eventType": "MESSAGE", "connectionId": "L0SM9cOFvHcCIhw=",
                "domainName": "abc.execute-api.eu-central-1.amazonaws.com", "stage": "live", "messageId": "m="
            },
            "body": "{\"type\":\"ping\"}", "isBase64Encoded": false
        }))
        .unwrap();
        assert_eq!(SocketEvent::from(event).body, "{\"type\":\"ping\"}");
    }
}
