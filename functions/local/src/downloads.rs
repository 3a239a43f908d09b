//! Downloads by a signed link, for whoever got it with a mail.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    X_CONTENT_TYPE_OPTIONS,
};
use jiff::Timestamp;
use store::attachments::disposition;
use store::blobs::BlobError;
use url::form_urlencoded;

use crate::links::{LocalLinks, Refused, Uploads};

const PURPOSE: &str = "mailed download";

/// The link that downloads an object as a file called `name`.
pub(crate) fn link(links: &LocalLinks, key: &str, name: &str, expires: Timestamp) -> String {
    let seconds = expires.as_second();
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("key", key)
        .append_pair("name", name)
        .append_pair("expires", &seconds.to_string())
        .append_pair("signature", &links.key.sign(PURPOSE, &signed(key, name, seconds)))
        .finish();
    format!("{}/downloads?{query}", links.base)
}

/// `GET /downloads?key=…&name=…&expires=…&signature=…`
pub(crate) async fn download(
    State(desk): State<Uploads>,
    Query(link): Query<HashMap<String, String>>,
) -> Result<([(HeaderName, String); 5], Bytes), Refused> {
    let missing = || Refused(StatusCode::NOT_FOUND, "there is no such file".to_owned());
    let said = |field: &str| link.get(field).map(String::as_str).unwrap_or_default();
    let (key, name) = (said("key"), said("name"));
    let expires: i64 = said("expires").parse().map_err(|_| missing())?;
    if !desk.key.verify(PURPOSE, &signed(key, name, expires), said("signature")) {
        return Err(missing());
    }
    if desk.desk.now().as_second() >= expires {
        return Err(Refused(StatusCode::GONE, "the link does not hold any more".to_owned()));
    }
    let bytes = match desk.blobs.get(key).await {
        Ok(bytes) => bytes,
        Err(BlobError::Missing(_)) => return Err(missing()),
        Err(error) => {
            tracing::error!(%error, "a file could not be read");
            let detail = "the file cannot be read now; try again".to_owned();
            return Err(Refused(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
    };
    // Nobody's file may act in the desk's name, whatever it is.
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, disposition(name)),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, bytes))
}

fn signed(key: &str, name: &str, expires: i64) -> String {
    format!("{key}\n{expires}\n{name}")
}
