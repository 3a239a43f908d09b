//! Reports in a server's own words: exim, qmail, Gmail, Mail.ru, Zoho, Exchange and their like.

use crate::email::automatic::is_server;
use crate::email::header::Headers;
use crate::email::mail::{BouncedRecipient, Mail};
use crate::email::mime::Entity;

use super::report::{enhanced, is_transient, plain_address};
use super::{RECIPIENTS_LIMIT, address_within, diagnostic};

/// Words in the subjects of reports, in lower case.
const SUBJECTS: &[&str] = &[
    "mail delivery failed",
    "delivery status notification",
    "undeliver",
    "failure notice",
    "returned mail",
    "delivery failure",
    "delivery failed",
    "delivery delayed",
    "delayed mail",
    "mail failure",
    "could not be delivered",
    "mail delivery system",
    "message not delivered",
    "недоставлен",
    "не доставлено",
    "unzustellbar",
    "warning: message",
    "mail delivery problem",
    "delivery has failed",
];

/// Words that only reports use, in lower case.
const PHRASES: &[&str] = &[
    "could not be delivered",
    "wasn't able to deliver",
    "unable to deliver",
    "failed permanently",
    "delivery has failed",
    "delivery to the following recipient",
    "не может быть доставлено",
    "не удалось доставить",
    "undeliverable",
    "message was not delivered",
    "has not been delivered",
];

/// Words about failures that may pass, in lower case.
const PASSING: &[&str] = &[
    "temporarily",
    "delivery delayed",
    "will be retried",
    "will keep trying",
    "has been delayed",
    "delivery incomplete",
];

/// Lines above the returned mail, in lower case.
const COPIES: &[&str] = &[
    "this is a copy of the message",
    "below this line is a copy of the message",
    "original message headers:",
    "original message",
    "this is a copy of your message",
    "message header follows",
    "--- original message",
    "returned message",
    "исходное сообщение",
];

/// How many lines below an address belong to it.
const LINES: usize = 8;

/// Whether a mail server wrote this about a delivery that failed. A person who writes about one is no server.
pub(super) fn is_bounce(root: &Entity<'_>, mail: &Mail, text: &str) -> bool {
    let by_server = mail.from.iter().chain(&mail.sender).any(|mailbox| is_server(&mailbox.address));
    if root.headers.has("x-failed-recipients") && (by_server || mail.from.is_empty()) {
        return true;
    }
    let replied =
        root.headers.plain("auto-submitted").is_some_and(|value| value.starts_with("auto-generated"));
    let subject = mail.subject.to_lowercase();
    let head: String = text.chars().take(2_000).collect::<String>().to_lowercase();
    let says = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
    by_server && (says(SUBJECTS, &subject) || says(PHRASES, &head) || replied && says(PASSING, &head))
}

/// The recipients that the header names, or else the server's words.
pub(super) fn recipients(headers: &Headers<'_>, text: &str) -> Vec<BouncedRecipient> {
    let own = own_words(text);
    let passing = PASSING.iter().any(|word| own.to_lowercase().contains(word));
    let mut found: Vec<BouncedRecipient> = Vec::new();
    let mut named: Vec<String> = headers
        .all("x-failed-recipients")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .filter_map(plain_address)
        .collect();
    let lines: Vec<&str> = own.lines().collect();
    if named.is_empty() {
        named = lines.iter().filter_map(|line| subject_of(line)).collect();
    }
    if named.is_empty() {
        named = lines.iter().filter_map(|line| labelled(line)).collect();
    }
    for address in named {
        if found.len() >= RECIPIENTS_LIMIT || found.iter().any(|known| known.address == address) {
            continue;
        }
        let said = said_about(&lines, &address);
        let status = said.as_deref().and_then(enhanced);
        let transient = match (&status, &said) {
            (Some(status), _) => status.starts_with('4'),
            (None, Some(said)) if has_code(said) => is_transient(said),
            _ => passing,
        };
        let action = if passing && transient { "delayed" } else { "failed" };
        found.push(BouncedRecipient {
            address,
            action: action.to_owned(),
            status,
            diagnostic: said,
            permanent: !transient,
        });
    }
    found
}

/// The returned mail in a text, or its header: below the line that announces it, or where its fields begin.
pub(super) fn returned(text: &str) -> &str {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        offset += line.len();
        if announces_copy(line) {
            return text.get(offset..).unwrap_or_default().trim_start();
        }
    }
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        if ["return-path:", "received:", "message-id:"].iter().any(|name| lower.starts_with(name)) {
            return text.get(offset..).unwrap_or_default();
        }
        offset += line.len();
    }
    ""
}

fn own_words(text: &str) -> &str {
    let returned = returned(text);
    text.get(..text.len() - returned.len()).unwrap_or(text)
}

fn announces_copy(line: &str) -> bool {
    let words = line.trim().trim_matches(['-', ' ', '*', '_']).to_lowercase();
    words.len() <= 100 && COPIES.iter().any(|copy| words.starts_with(copy))
}

/// The address that a line is about: it begins the line, alone or before a colon or a code.
fn subject_of(line: &str) -> Option<String> {
    let line = line.trim();
    let mut words = line.split([' ', '\t']);
    let first = words.next()?;
    let address = address_within(first.split("<mailto:").next()?)?;
    let rest = words.next();
    let about = rest.is_none()
        || first.ends_with(':')
        || line.to_lowercase().contains("error")
        || line.contains("550");
    about.then_some(address)
}

/// `Address: <a@b>` within a line.
fn labelled(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("Address: <").or_else(|| line.split_once("address: <"))?;
    address_within(rest.split('>').next()?)
}

/// What the server says of an address: the lines below its own, as far as an empty one, with a reply code in them.
fn said_about(lines: &[&str], address: &str) -> Option<String> {
    let of = |line: &&str| line.contains(address);
    let at = lines.iter().position(|line| of(line) && subject_of(line).is_some());
    let below = at.map(|at| {
        let about = |(below, line): &(usize, &&str)| {
            !line.trim().is_empty() && (*below == 0 || subject_of(line).is_none_or(|other| other == address))
        };
        let rest = lines.get(at..).unwrap_or_default().iter().take(LINES).enumerate();
        rest.take_while(about).map(|(_, line)| *line).collect::<Vec<_>>().join(" ")
    });
    let below = below.map(|said| said.trim().trim_start_matches('<').replacen(address, "", 1));
    let below = below.map(|said| said.trim_start_matches(['>', ':', ' ']).to_owned());
    let elsewhere = || lines.iter().find(|line| has_code(line)).map(|line| (*line).to_owned());
    let said = below.filter(|said| has_code(said)).or_else(elsewhere)?;
    diagnostic(said.as_bytes())
}

/// Whether a text holds an SMTP reply code.
fn has_code(text: &str) -> bool {
    let code = |word: &str| {
        word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').any(code) || enhanced(text).is_some()
}
