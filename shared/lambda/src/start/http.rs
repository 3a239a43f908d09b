//! Requests from API Gateway.
//!
//! HTTP APIs with payload format 2.0, `$default` stage: "Create AWS Lambda proxy integrations for HTTP APIs" in API
//! Gateway's guide. Our own few lines instead of `lambda_http`, which panics on a query that is no valid URI, and a
//! panic ends the process: a stranger could make every request a cold start.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::Future;
use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::Error;

/// The largest answer that Lambda passes on, in bytes.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;
/// The header with the gateway's id of a request, for logs and error messages.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a function that API Gateway calls.
///
/// Requests look as they do locally: a path without stage, the body decoded, the client's address as an extension of
/// type [`IpAddr`], the request's id in `x-request-id`.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_http(router: Router) -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| answer(&router, event.payload).await))
        .await
}

/// Runs a function that API Gateway calls and that may be invoked directly, too.
///
/// What is not from a gateway goes to `direct`. Who may invoke directly is for IAM to say.
///
/// # Errors
/// When the runtime's API fails.
pub async fn run_http_or_direct<D, F>(router: Router, direct: D) -> Result<(), Error>
where
    D: Fn(Value) -> F,
    F: Future<Output = Result<Value, Error>>,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload.get("requestContext").is_some() {
            let event = serde_json::from_value(event.payload)?;
            Ok::<_, Error>(serde_json::to_value(answer(&router, event).await?)?)
        } else {
            direct(event.payload).await
        }
    }))
    .await
}

/// What of a request's event matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Left out by the gateway when there are none.
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    request_id: Option<String>,
    http: Http,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    #[serde(default)]
    source_ip: Option<IpAddr>,
}

/// An answer as the gateway wants it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    headers: BTreeMap<String, String>,
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

async fn answer(router: &Router, event: Event) -> Result<Answer, Error> {
    match request(event) {
        Ok(request) => {
            let Ok(response) = router.clone().oneshot(request).await;
            encode(response).await
        }
        Err(error) => {
            tracing::warn!(%error, "a request that is none");
            let mut refusal = Response::new(Body::empty());
            *refusal.status_mut() = StatusCode::BAD_REQUEST;
            encode(refusal).await
        }
    }
}

fn request(event: Event) -> Result<Request<Body>, Error> {
    // A single word would be taken for a host.
    if !event.raw_path.starts_with('/') {
        return Err("a path that is none".into());
    }
    let mut uri = escaped(&event.raw_path, b"?#");
    if !event.raw_query_string.is_empty() {
        uri.push('?');
        uri.push_str(&escaped(&event.raw_query_string, b"#"));
    }
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded { Body::from(BASE64.decode(body)?) } else { Body::from(body) };
    let mut request =
        Request::builder().method(event.request_context.http.method.as_str()).uri(uri).body(body)?;

    let headers = request.headers_mut();
    for (name, value) in &event.headers {
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
    }
    if !event.cookies.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_str(&event.cookies.join("; "))?);
    }
    // Whatever the client claims it to be.
    headers.remove(REQUEST_ID);
    if let Some(id) = event.request_context.request_id {
        headers.insert(REQUEST_ID, HeaderValue::from_str(&id)?);
    }
    if let Some(address) = event.request_context.http.source_ip {
        request.extensions_mut().insert(address);
    }
    Ok(request)
}

/// A path or query with everything encoded that would end it or that no URI may have: the gateway hands over what
/// the client sent, and a path decoded.
fn escaped(text: &str, ends: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) && !ends.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

async fn encode(response: Response<Body>) -> Result<Answer, Error> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let cookies = parts.headers.get_all(SET_COOKIE).iter().map(text).collect();
    let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
        Ok(body) => (body, false),
        Err(binary) => (BASE64.encode(binary.as_bytes()), true),
    };
    Ok(Answer {
        status_code: parts.status.as_u16(),
        headers: joined(&parts.headers),
        cookies,
        body,
        is_base64_encoded,
    })
}

/// The headers but cookies, those of one name joined, which is how the gateway sends them apart.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != SET_COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.to_string());
    }
    joined
}

#[cfg(test)]
mod tests;
