//! The widget's script and the demo shop, as browsers get them.

use std::sync::LazyLock;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// The script of `GET /webchat/widget.js`: the parts in `widget/`, which share one scope of their own.
pub(crate) const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\nconst STYLE = String.raw`",
    include_str!("../widget/widget.css"),
    "`;\n",
    include_str!("../widget/texts.js"),
    include_str!("../widget/shelf.js"),
    include_str!("../widget/server.js"),
    include_str!("../widget/live.js"),
    include_str!("../widget/outbox.js"),
    include_str!("../widget/conversation.js"),
    include_str!("../widget/log.js"),
    include_str!("../widget/compose.js"),
    include_str!("../widget/panel.js"),
    include_str!("../widget/start.js"),
    "})();\n",
);

/// A shop's page with the chat of `connection`, which tells a newcomer what to do next with the desk at `url`.
pub fn demo(connection: &str, url: &str) -> String {
    include_str!("../widget/demo.html").replace("{{connection}}", connection).replace("{{url}}", url)
}

/// The script's tag: a hash of it.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let digest: String = Sha256::digest(SCRIPT).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
});

/// `GET /webchat/widget.js`: for every page, and fresh within minutes of an update.
pub(crate) async fn script(headers: HeaderMap) -> Response {
    let common = [
        (ETAG, TAG.as_str()),
        (CACHE_CONTROL, "public, max-age=300, stale-while-revalidate=86400"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let known = known.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    if known.into_iter().any(|tag| tag == TAG.as_str() || tag == "*") {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}
