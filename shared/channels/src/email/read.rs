//! From bytes to a [`Mail`].

use std::collections::HashSet;

use jiff::Timestamp;
use mail_parser::DateTime;

use super::header::Headers;
use super::mail::{Automatic, Mail, Mailbox, Part};
use super::mime::{self, Entity, LeftOut};
use super::{address, arrival, automatic, body, bounce, id, name, quote, words};

/// The most mailboxes of a field.
const MAILBOXES_LIMIT: usize = 200;

/// The longest name, in characters.
const NAME_LIMIT: usize = 200;

/// The most authors that are named besides the first.
const AUTHORS_LIMIT: usize = 10;

/// The most marks against loops.
const LOOPS_LIMIT: usize = 20;

/// The most ids of mails that one mail answers.
const IN_REPLY_TO_LIMIT: usize = 100;

/// The most ids of a thread.
const REFERENCES_LIMIT: usize = 200;

/// The most addresses that a mail was delivered to.
const DELIVERED_LIMIT: usize = 50;

/// The longest subject, in characters.
const SUBJECT_LIMIT: usize = 1_000;

/// Fields that name the envelope's recipient, as different servers call them.
const DELIVERED: &[&str] =
    &["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to"];

/// Reads a mail. Any bytes are one; what could not be understood is told in [`Mail::notes`].
///
/// What is read is bounded: 20 levels and 1,000 parts, 256 KB of header in each, 5 MB of text and as much HTML.
/// Files are described and not decoded: see [`attachment`].
pub fn read(bytes: &[u8]) -> Mail {
    let mut left_out = LeftOut::default();
    let root = mime::parse(bytes, &mut left_out);
    let body = body::sort(&root);
    let texts = body.texts();
    let charset = body.charset().or(root.charset());
    let mut mail = envelope(&root.headers, charset);
    mail.arrival = arrival::read(&root.headers);
    mail.bounce = bounce::bounce(&root, &mail, &texts.text);
    mail.complaint = bounce::complaint(&root);
    mail.automatic = automatic::sign(&root.headers, &root.kind, &mail);
    if matches!(mail.automatic, Some(Automatic::Bounce | Automatic::Complaint)) {
        // A report repeats what it is about: that is its content.
        mail.text = texts.text;
    } else {
        let folded = quote::fold(&texts.text, quote::is_forward(&mail.subject));
        mail.text = folded.text;
        mail.quoted = folded.quoted;
        mail.signature = folded.signature;
    }
    mail.attachments = files(&body.files, texts.html.as_deref().unwrap_or_default());
    mail.html = texts.html;
    mail.notes.extend(notes(&left_out, texts.cut, &mail, bytes));
    mail
}

/// The decoded bytes of a file, by its [`Part::index`]; `None` where there is no such file.
pub fn attachment(bytes: &[u8], index: usize) -> Option<Vec<u8>> {
    let root = mime::parse(bytes, &mut LeftOut::default());
    let body = body::sort(&root);
    let part = body.files.get(index)?;
    Some(part.decoded(usize::MAX))
}

/// What the header says.
fn envelope(headers: &Headers<'_>, charset: Option<&str>) -> Mail {
    let mut mail = Mail::default();
    let mut mailboxes = |name: &str| -> Vec<Mailbox> {
        let mut found = Vec::new();
        for value in headers.all(name) {
            let (some, more) = address::mailboxes(value, charset, MAILBOXES_LIMIT - found.len());
            found.extend(some);
            mail.mailboxes_left_out += more;
        }
        found
    };
    let from = mailboxes("from");
    let sender = mailboxes("sender").into_iter().next();
    let (reply_to, to, cc) = (mailboxes("reply-to"), mailboxes("to"), mailboxes("cc"));
    mail = Mail { from, sender, reply_to, to, cc, ..mail };
    if mail.from.is_empty() {
        let named = headers.all("from").map(|value| words::decode(value, charset));
        let bare = named.map(|name| name.trim().trim_matches(['"', '<', '>', ' ']).to_owned());
        let mut bare = bare.filter(|name| !name.is_empty());
        mail.author = bare.next().map(|name| words::bounded(name, NAME_LIMIT));
    }
    let marks = headers.all("x-lambdesk-loop").chain(headers.all("x-loop")).take(LOOPS_LIMIT);
    mail.loops = marks.map(|mark| words::bounded(words::decode(mark, charset), NAME_LIMIT)).collect();
    mail.message_id = headers.all("message-id").find_map(id::own);
    let ids = |name: &str, limit| headers.first(name).map(|value| id::all(value, limit)).unwrap_or_default();
    mail.in_reply_to = ids("in-reply-to", IN_REPLY_TO_LIMIT);
    mail.references = ids("references", REFERENCES_LIMIT);
    for name in DELIVERED {
        for value in headers.all(name) {
            for found in address::mailboxes(value, charset, DELIVERED_LIMIT).0 {
                if mail.delivered_to.len() < DELIVERED_LIMIT && !mail.delivered_to.contains(&found.address) {
                    mail.delivered_to.push(found.address);
                }
            }
        }
    }
    mail.return_path = headers.first("return-path").and_then(address::return_path);
    let subject = headers.first("subject").map(|value| words::decode(value, charset)).unwrap_or_default();
    mail.subject = words::bounded(subject, SUBJECT_LIMIT);
    mail.date = headers.plain("date").and_then(|value| date(&value));
    mail
}

fn date(value: &str) -> Option<Timestamp> {
    let read = DateTime::parse_rfc822(&format!("{value}\n")).filter(DateTime::is_valid)?;
    Timestamp::from_second(read.to_timestamp()).ok()
}

fn files(files: &[&Entity<'_>], html: &str) -> Vec<Part> {
    let ends = |c: char| matches!(c, '"' | '\'' | ')' | '>' | ' ' | '\n');
    let mentioned: HashSet<&str> =
        html.split("cid:").skip(1).map(|rest| rest.split(ends).next().unwrap_or_default()).collect();
    let describe = |(index, part): (usize, &&Entity<'_>)| {
        let content_id = part.headers.first("content-id").and_then(id::own);
        let shown = content_id.as_ref().is_some_and(|id| mentioned.contains(id.as_str()));
        Part {
            index,
            name: name::name(part, index + 1),
            content_type: words::bounded(part.kind.value.clone(), 100),
            size: part.encoding.size(part.body),
            inline: shown || content_id.is_some() && part.disposition.value == "inline",
            content_id,
        }
    };
    files.iter().enumerate().map(describe).collect()
}

/// What an agent must know about what is not shown.
fn notes(left_out: &LeftOut, cut: bool, mail: &Mail, bytes: &[u8]) -> Vec<String> {
    let tnef = mail
        .attachments
        .iter()
        .any(|file| matches!(file.content_type.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef"));
    let checks = [
        (left_out.too_deep, "Parts that are nested deeper than 20 levels are not told apart."),
        (left_out.too_many, "The mail has more than 1,000 parts; the others are left out."),
        (left_out.headers_cut, "The mail's header has more than 256 KB; the rest of it is left out."),
        (left_out.without_boundary, "A part of the mail is damaged and is shown as it stands."),
        (cut, "The text has more than 5 MB; the rest of it is in the original."),
        (tnef, "Outlook sent its text and files in winmail.dat, which can be opened with a TNEF viewer."),
        (mail.from.is_empty(), "The mail does not say who wrote it."),
        (mail.mailboxes_left_out > 0, "The mail names more recipients than are shown."),
        (bytes.trim_ascii().is_empty(), "The mail is empty."),
    ];
    let others = mail.from.iter().skip(1).map(|other| match &other.name {
        Some(name) => format!("The mail has another author: {name} <{}>.", other.address),
        None => format!("The mail has another author: {}.", other.address),
    });
    let found = checks.into_iter().filter(|(found, _)| *found).map(|(_, note)| note.to_owned());
    found.chain(others.take(AUTHORS_LIMIT)).collect()
}
