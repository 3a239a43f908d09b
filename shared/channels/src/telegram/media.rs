//! Files that Telegram keeps, and pressed buttons.

use ::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::api::{Api, CallError, TEXT_TIMEOUT};
use super::errors::fetch_error;
use crate::Connection;
use crate::http::{Body, Http};
use crate::platform::{FetchError, Fetched};

/// Fetches the file that a `file_id` names: <https://core.telegram.org/bots/api#getfile>. The cloud gives out 20 MB
/// at most; a server of one's own is bounded by `limit` alone.
pub(super) async fn fetch(
    http: &Http,
    connection: &Connection,
    source: &str,
    limit: u64,
) -> Result<Fetched, FetchError> {
    let api = Api::new(http, connection).map_err(fetch_error)?;
    let body = Body::Json(json!({ "file_id": source }));
    let file: StoredFile = api.call("getFile", body, TEXT_TIMEOUT).await.map_err(fetch_error)?;
    if file.file_size.is_some_and(|size| size > limit) {
        let detail = format!("the file has more than {limit} bytes");
        return Err(FetchError { transient: false, reason: "too_large", detail });
    }
    let path = segments(file.file_path.as_deref().unwrap_or_default())?;
    let answer = api.download(&path, limit).await.map_err(|error| match error {
        // The path was fresh, so its absence passes.
        CallError::Refused(_) | CallError::Foreign { status: 400..=499 } => FetchError {
            transient: true,
            reason: "unavailable",
            detail: "Telegram named the file and did not hand it out".to_owned(),
        },
        error => fetch_error(error),
    })?;
    let declared = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Fetched {
        bytes: answer.body,
        name: path.last().map(|name| (*name).to_owned()),
        // What Telegram says of everything says nothing.
        content_type: declared.filter(|kind| *kind != "application/octet-stream").map(str::to_owned),
    })
}

/// Takes a file's path apart, as long as it stays where files are.
fn segments(path: &str) -> Result<Vec<&str>, FetchError> {
    let refuse =
        |transient, reason, detail: &str| FetchError { transient, reason, detail: detail.to_owned() };
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || drive {
        // Started without it, the server hands out the same file.
        return Err(refuse(
            true,
            "local_path",
            "the Bot API server runs with --local and keeps files on its own disk; start it without that option",
        ));
    }
    let segments: Vec<&str> = path.split('/').collect();
    let strange = |segment: &&str| {
        matches!(*segment, "" | "." | "..")
            || segment.contains(|c: char| c == '\\' || c == ':' || c.is_control())
    };
    if segments.iter().any(strange) {
        return Err(refuse(false, "bad_path", "the Bot API server named a file outside its files"));
    }
    Ok(segments)
}

/// Stops the waiting sign on a pressed button: <https://core.telegram.org/bots/api#answercallbackquery>.
pub(super) async fn acknowledge(
    http: &Http,
    connection: &Connection,
    callback: &str,
) -> Result<(), FetchError> {
    let api = Api::new(http, connection).map_err(fetch_error)?;
    let body = Body::Json(json!({ "callback_query_id": callback }));
    match api.call::<IgnoredAny>("answerCallbackQuery", body, TEXT_TIMEOUT).await {
        // The sign has stopped by itself.
        Err(CallError::Refused(refusal)) if refusal.says("query is too old") => Ok(()),
        Err(error) => Err(fetch_error(error)),
        Ok(IgnoredAny) => Ok(()),
    }
}

#[derive(Deserialize)]
struct StoredFile {
    file_path: Option<String>,
    file_size: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_among_the_files() {
        assert_eq!(segments("photos/file_1.jpg").unwrap(), ["photos", "file_1.jpg"]);
        assert_eq!(segments("file").unwrap(), ["file"]);
        for path in ["/var/lib/bot/file", "C:\\bot\\file", "c:/bot/file"] {
            assert_eq!(segments(path).unwrap_err().reason, "local_path", "{path}");
        }
        for path in ["", "..", "a/../b", "a/./b", "a//b", "a/", "https://evil/x", "a\\..\\b", "a\nb"] {
            assert_eq!(segments(path).unwrap_err().reason, "bad_path", "{path}");
        }
    }
}
