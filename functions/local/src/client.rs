//! A client of the REST API of any desk.

use reqwest::Method;
use serde_json::Value;

use crate::options::Remote;

/// Asks a desk; the error is fit for the terminal.
pub(crate) async fn ask(
    desk: &Remote,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, String> {
    if desk.token.is_empty() {
        return Err("set LAMBDESK_API_TOKEN to an API token with the scope `operations`".to_owned());
    }
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(channels::http::tls().map_err(|error| error.to_string())?)
        .timeout(std::time::Duration::from_secs(60))
        .build()
        .map_err(|error| error.to_string())?;
    let url = format!("{}/api/v1{path}", desk.url.trim_end_matches('/'));
    let mut request = client.request(method, &url).bearer_auth(&desk.token);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.map_err(|error| format!("{} cannot be reached: {error}", desk.url))?;
    let status = answer.status();
    let body: Value =
        answer.json().await.map_err(|error| format!("{url} does not answer as a desk does: {error}"))?;
    if status.is_success() {
        return Ok(body);
    }
    let told =
        body.get("detail").or_else(|| body.get("title")).and_then(Value::as_str).unwrap_or("no reason given");
    Err(format!("the desk answers {}: {told}", status.as_u16()))
}
