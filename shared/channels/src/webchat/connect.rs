//! Checking the settings of a connection.

use serde_json::{Map, Value};

use super::key::keys;
use super::origin::{self, ANY};
use crate::Connection;
use crate::platform::{ConnectError, Finding};

/// The longest title and greeting, in characters.
const MAX_TITLE: usize = 100;
const MAX_GREETING: usize = 1000;

/// Checks what only this channel can check: that origins are origins, keys are keys, and texts fit.
pub(super) fn check(connection: &Connection) -> Result<Map<String, Value>, ConnectError> {
    let refuse = |reason, detail: String| Err(ConnectError { transient: false, reason, detail });
    for given in origin::listed(connection) {
        if given != ANY && !origin::is_origin(given) {
            let detail =
                "`allowed_origins` holds origins such as https://shop.example, without a path, or `*`.";
            return refuse("bad_origin", detail.to_owned());
        }
    }
    if let Err(invalid) = keys(connection) {
        return refuse("bad_jwt_keys", invalid.to_string());
    }
    for (name, most) in [("title", MAX_TITLE), ("greeting", MAX_GREETING)] {
        if connection.text(name).is_some_and(|text| text.chars().count() > most) {
            return refuse("text_too_long", format!("`{name}` has at most {most} characters."));
        }
    }
    Ok(Map::new())
}

/// What the owner should know of the settings.
pub(super) fn examine(connection: &Connection) -> Vec<Finding> {
    let origins: Vec<&str> = origin::listed(connection).collect();
    let any = origins.contains(&ANY);
    let what = match origins.as_slice() {
        [] => "Only the desk's own pages show the chat.".to_owned(),
        _ if any => "Every site may show the chat.".to_owned(),
        origins => format!("The chat is shown on {}.", origins.join(", ")),
    };
    let advice = any.then(|| "Name the shop's origins in `allowed_origins`.".to_owned());
    let mut findings = vec![Finding { ok: !any, what, advice }];
    if let Err(invalid) = keys(connection) {
        findings.push(Finding {
            ok: false,
            what: "The keys of the shop cannot be read.".to_owned(),
            advice: Some(invalid.to_string()),
        });
    }
    findings
}
