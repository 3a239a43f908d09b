//! How every answer leaves: problems in their form, faults in the log, headers that keep browsers out.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

use crate::Shared;
use crate::problem::Problem;
use crate::routes::{Routes, routes};

/// Headers of every answer that does not set its own: the API is nothing that a browser should show, keep or guess.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

pub(crate) fn routes() -> Routes {
    Routes::new().routes(routes!(health)).routes(routes!(welcome))
}

/// The last thing that happens to every answer.
pub(crate) async fn finish(State(api): State<Shared>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // The pattern and not the path itself, which may carry what a log must not.
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let instance = problem.status().is_server_error().then(|| {
            let id = format!("urn:ulid:{}", api.desk.environment().ulid());
            tracing::error!(%method, path, status = problem.status().as_u16(), instance = id, cause = problem.cause());
            id
        });
        let rendered = problem.render(instance);
        let allow = response.headers_mut().remove(axum::http::header::ALLOW);
        response = rendered;
        if let Some(allow) = allow {
            response.headers_mut().insert(axum::http::header::ALLOW, allow);
        }
    }
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Whether the desk is up, and can keep what it is told.
#[utoipa::path(get, path = "/health", tag = "operations", responses((status = OK, body = str, content_type = "text/plain")))]
async fn health(State(api): State<Shared>) -> Result<&'static str, Problem> {
    match api.storage.as_ref().and_then(|storage| storage.trouble()) {
        None => Ok("ok\n"),
        Some(trouble) => Err(Problem::unstorable(&trouble)),
    }
}

/// What this is, for people who come by with a browser.
#[utoipa::path(get, path = "/", tag = "operations", responses((status = OK, body = str, content_type = "text/plain")))]
async fn welcome() -> &'static str {
    "This is Lambdesk, a help desk.\n\n\
     The API is under /api/v1 and needs a token. Its description, for people and programs:\n\
     /api/v1/openapi.json\n"
}
