//! Delivery reports: in their standard form ([RFC 3464](https://www.rfc-editor.org/rfc/rfc3464)), and in the words
//! of servers that do not know it.

mod report;
mod words;

use super::header::Headers;
use super::mail::{Bounce, Complaint, Mail};
use super::mime::Entity;
use super::{address, charset, id, words as header_words};

/// The most recipients.
const RECIPIENTS_LIMIT: usize = 100;

/// The most ids of the returned mail's thread.
const REFERENCES_LIMIT: usize = 200;

/// The longest report that is read, in bytes.
const REPORT_LIMIT: usize = 256 * 1024;

/// What a mail reports about a delivery, if it is such a report.
pub(super) fn bounce(root: &Entity<'_>, mail: &Mail, text: &str) -> Option<Bounce> {
    let leaves = root.leaves();
    let status = |leaf: &&&Entity<'_>| {
        matches!(leaf.kind.value.as_str(), "message/delivery-status" | "message/global-delivery-status")
    };
    let mut bounce = Bounce::default();
    if let Some(leaf) = leaves.iter().find(status) {
        bounce.recipients = report::recipients(&leaf.decoded(REPORT_LIMIT));
    } else if is_report(root, "delivery-status") {
        // The parts of a report whose boundaries were lost stand in its text.
        bounce.recipients = report::recipients(head(text).as_bytes());
    } else if !words::is_bounce(root, mail, text) {
        return None;
    }
    if bounce.recipients.is_empty() {
        bounce.recipients = words::recipients(&root.headers, head(text));
    }
    bounce.recipients.truncate(RECIPIENTS_LIMIT);
    match returned(&leaves) {
        Some(leaf) => original(&mut bounce, &leaf.decoded(REPORT_LIMIT)),
        None => original(&mut bounce, words::returned(text).as_bytes()),
    }
    Some(bounce)
}

/// What a mail reports about spam, if it is such a report.
pub(super) fn complaint(root: &Entity<'_>) -> Option<Complaint> {
    let leaves = root.leaves();
    let leaf = leaves.iter().find(|leaf| leaf.kind.value == "message/feedback-report")?;
    let report = leaf.decoded(REPORT_LIMIT);
    let (fields, _) = Headers::read(report.trim_ascii_start());
    let kind = fields.plain("feedback-type").unwrap_or_default().to_ascii_lowercase();
    let recipients = ["original-rcpt-to", "removal-recipient"]
        .iter()
        .flat_map(|name| fields.all(name))
        .filter_map(report::plain_address)
        .take(RECIPIENTS_LIMIT)
        .collect();
    let mut about = Bounce::default();
    if let Some(leaf) = returned(&leaves) {
        original(&mut about, &leaf.decoded(REPORT_LIMIT));
    }
    Some(Complaint {
        kind: if kind.is_empty() { "other".to_owned() } else { header_words::bounded(kind, 50) },
        recipients,
        original_message_id: about.original_message_id,
        original_references: about.original_references,
    })
}

/// The beginning of a text, in which a server says what it has to say.
fn head(text: &str) -> &str {
    text.get(..text.floor_char_boundary(REPORT_LIMIT)).unwrap_or(text)
}

/// Whether a mail calls itself a report of a kind.
fn is_report(root: &Entity<'_>, kind: &str) -> bool {
    root.kind.value == "multipart/report"
        && root.kind.get("report-type").is_some_and(|named| named.eq_ignore_ascii_case(kind))
}

/// The part that holds the returned mail, or its header.
fn returned<'e, 'a>(leaves: &[&'e Entity<'a>]) -> Option<&'e Entity<'a>> {
    const KINDS: &[&str] = &[
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/global-headers",
        "message/rfc822-headers",
    ];
    leaves.iter().find(|leaf| KINDS.contains(&leaf.kind.value.as_str())).copied()
}

/// Takes over what ties a returned mail to ours.
fn original(bounce: &mut Bounce, header: &[u8]) {
    let (fields, _) = Headers::read(header.trim_ascii_start());
    bounce.original_message_id = fields.first("message-id").and_then(id::own);
    for name in ["references", "in-reply-to"] {
        for found in fields.first(name).map(|value| id::all(value, REFERENCES_LIMIT)).unwrap_or_default() {
            if !bounce.original_references.contains(&found)
                && bounce.original_references.len() < REFERENCES_LIMIT
            {
                bounce.original_references.push(found);
            }
        }
    }
    bounce.original_subject = fields
        .first("subject")
        .map(|value| header_words::bounded(header_words::decode(value, None), 1_000))
        .filter(|subject| !subject.is_empty());
}

/// An address within the words of a server.
fn address_within(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['<', '>', '"', '\'', ':', ';', ',', '.', '(', ')']);
    address::address(text.split("<mailto:").next().unwrap_or_default().trim_start_matches("mailto:"))
}

/// A server's words on one line.
fn diagnostic(bytes: &[u8]) -> Option<String> {
    let text = header_words::bounded(header_words::one_line(&charset::decode_raw(bytes, None)), 500);
    (!text.is_empty()).then_some(text)
}
