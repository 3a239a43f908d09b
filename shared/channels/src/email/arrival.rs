//! How a mail came to us: written on top of it by whoever received it for us, and read back from there.
//!
//! A mail can claim anything about its way in its own header. So a receiver that knows better puts a block of
//! trace fields above everything else, and renames what below it would pass for them.

use super::address;
use super::header::{Field, Headers};
use super::mail::{Arrival, ReturnPath, Verdict};

/// The name that our results stand under ([RFC 8601, 2.5](https://www.rfc-editor.org/rfc/rfc8601#section-2.5)).
const AUTHSERV: &str = "lambdesk";

/// The name that Amazon SES signs its results with.
pub const AMAZON_SES: &str = "amazonses.com";

/// Opens and closes the block. It counts only as the very first field.
const MARK: &str = "X-Lambdesk-Arrival";
const BEGIN: &str = "begin";
const END: &str = "end";

/// What is put before the names of fields that nobody can vouch for.
const UNVERIFIED: &str = "X-Unverified-";

/// The most recipients that a block names.
const RECIPIENTS_LIMIT: usize = 100;

/// The mail with its trace fields on top. Fields of its own that would pass for ours are kept under other names.
pub fn stamp(bytes: &[u8], arrival: &Arrival) -> Vec<u8> {
    let (headers, body) = Headers::read(bytes);
    let mut stamped = Vec::with_capacity(bytes.len() + 1_024);
    stamped.extend(block(arrival).into_bytes());
    let without_header = headers.fields().is_empty() && body.len() == bytes.len();
    let mut copied = mailbox_line(bytes);
    if !without_header && matches!(bytes.get(copied), Some(b' ' | b'\t')) {
        // A line that continues nothing would continue our last field.
        stamped.extend(format!("{UNVERIFIED}Line:").into_bytes());
    }
    for field in headers.fields().iter().filter(|field| is_ours(field)) {
        stamped.extend(bytes.get(copied..field.offset).unwrap_or_default());
        stamped.extend(UNVERIFIED.as_bytes());
        copied = field.offset;
    }
    if without_header {
        // There is no header section: without an end ours would run into the text.
        stamped.extend(b"\r\n");
    }
    stamped.extend(bytes.get(copied..).unwrap_or_default());
    stamped
}

/// Whether a mail begins with what only our own receivers write.
pub(super) fn is_stamped(bytes: &[u8]) -> bool {
    read(&Headers::read(bytes).0).stamped
}

/// What a stamped mail says about its arrival; nothing, where it is not stamped.
pub(super) fn read(headers: &Headers<'_>) -> Arrival {
    let fields = headers.fields();
    let is_mark = |field: &Field<'_>, word: &str| {
        field.name.eq_ignore_ascii_case(MARK)
            && field.value.trim_ascii().eq_ignore_ascii_case(word.as_bytes())
    };
    let opened = fields.first().is_some_and(|field| is_mark(field, BEGIN));
    let Some(end) = fields.iter().position(|field| is_mark(field, END)).filter(|_| opened) else {
        return Arrival::default();
    };
    let mut arrival = Arrival { stamped: true, ..Arrival::default() };
    for field in fields.get(..end).unwrap_or_default() {
        match field.name.to_ascii_lowercase().as_str() {
            "return-path" => arrival.envelope_from = address::return_path(field.value),
            "delivered-to" => arrival.recipients.extend(recipient(field.value)),
            "authentication-results" => results(&mut arrival, field.value),
            _ => {}
        }
    }
    arrival
}

/// What a mail server that the caller trusts says about a mail's arrival, in the topmost
/// `Authentication-Results` under its name. Only for mails that certainly passed that server last: anybody can
/// write such a field.
pub fn according_to(bytes: &[u8], authserv: &str) -> Arrival {
    let (headers, _) = Headers::read(bytes);
    let mut arrival = Arrival {
        envelope_from: headers.first("return-path").and_then(address::return_path),
        ..Arrival::default()
    };
    if let Some(field) = headers.all("authentication-results").find(|value| authority(value) == authserv) {
        results(&mut arrival, field);
    }
    arrival
}

fn block(arrival: &Arrival) -> String {
    let mut block = format!("{MARK}: {BEGIN}\r\n");
    match &arrival.envelope_from {
        Some(ReturnPath::Null) => block.push_str("Return-Path: <>\r\n"),
        Some(ReturnPath::Address(sender)) => {
            if let Some(sender) = address::address(sender) {
                block.push_str(&format!("Return-Path: <{sender}>\r\n"));
            }
        }
        None => {}
    }
    for recipient in
        arrival.recipients.iter().filter_map(|known| address::address(known)).take(RECIPIENTS_LIMIT)
    {
        block.push_str(&format!("Delivered-To: {recipient}\r\n"));
    }
    block.push_str(&format!(
        "Authentication-Results: {AUTHSERV}; spf={}; dkim={}; dmarc={}\r\n",
        word(arrival.spf),
        word(arrival.dkim),
        word(arrival.dmarc)
    ));
    block.push_str(&format!("{MARK}: {END}\r\n"));
    block
}

/// Whether a field below the block would pass for one of ours.
fn is_ours(field: &Field<'_>) -> bool {
    let named = |name: &str| field.name.eq_ignore_ascii_case(name);
    named(MARK)
        || named("Return-Path")
        || named("Delivered-To")
        || named("Authentication-Results") && authority(field.value) == AUTHSERV
}

/// The length of the line by which a mailbox file separates mails: above a header it would end ours.
fn mailbox_line(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"From ") { bytes.len() - super::header::line(bytes).1.len() } else { 0 }
}

fn recipient(value: &[u8]) -> Option<String> {
    address::address(String::from_utf8_lossy(value).trim().trim_matches(['<', '>']))
}

/// Who vouches for a field's results, in lower case.
fn authority(value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value);
    let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name.split_whitespace().next().unwrap_or_default().to_owned()
}

fn results(arrival: &mut Arrival, value: &[u8]) {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    for result in value.split(';').skip(1) {
        let Some((method, result)) = result.trim().split_once('=') else { continue };
        let result = result.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let verdict = verdict(result);
        match method.trim() {
            "spf" => arrival.spf = verdict,
            "dmarc" => arrival.dmarc = verdict,
            // A mail may bear several signatures; one that holds is enough.
            "dkim" if arrival.dkim != Verdict::Pass => arrival.dkim = verdict,
            _ => {}
        }
    }
}

pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::None => "none",
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::SoftFail => "softfail",
        Verdict::Neutral => "neutral",
        Verdict::TempError => "temperror",
        Verdict::PermError => "permerror",
    }
}

fn verdict(word: &str) -> Verdict {
    match word {
        "pass" => Verdict::Pass,
        "fail" | "hardfail" => Verdict::Fail,
        "softfail" => Verdict::SoftFail,
        "neutral" | "gray" | "policy" => Verdict::Neutral,
        "temperror" => Verdict::TempError,
        "permerror" => Verdict::PermError,
        _ => Verdict::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn arrival() -> Arrival {
        Arrival {
            envelope_from: Some(ReturnPath::Address("ivan@x.ru".to_owned())),
            recipients: vec!["support+token@desk.ru".to_owned()],
            spf: Verdict::Pass,
            dkim: Verdict::SoftFail,
            dmarc: Verdict::TempError,
            stamped: true,
        }
    }

    #[test]
    fn what_was_stamped_is_read_back() {
        let stamped = stamp(b"From: ivan@x.ru\r\nSubject: a\r\n\r\nbody", &arrival());
        let mail = read(&stamped);
        assert_eq!(mail.arrival, arrival());
        assert_eq!(mail.return_path, arrival().envelope_from);
        assert_eq!(mail.delivered_to, arrival().recipients);
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("a", "body"));
    }

    #[test]
    fn nothing_below_the_stamp_passes_for_it() {
        let forged =
            b"From x Mon\nReturn-Path: <>\r\nX-Lambdesk-Arrival: begin\r\nDelivered-To: evil@x.ru\r\n\
            authentication-results: Lambdesk (1) ; dmarc=pass\r\nAuthentication-Results: other; dkim=pass\r\n\
            X-Lambdesk-Arrival: end\r\nFrom: a@b\r\n\r\nReturn-Path: <> in the text";
        let honest = Arrival { stamped: true, ..Arrival::default() };
        let stamped = stamp(forged, &honest);
        let mail = read(&stamped);
        assert_eq!(mail.arrival, honest);
        assert_eq!((mail.return_path, mail.delivered_to), (None, Vec::new()));
        let text = String::from_utf8(stamped).unwrap();
        assert!(
            text.contains("X-Unverified-Return-Path: <>") && text.contains("\nAuthentication-Results: other")
        );
        assert!(text.ends_with("\r\n\r\nReturn-Path: <> in the text"));
        assert_eq!(mail.from[0].address, "a@b");
    }

    #[test]
    fn an_unstamped_mail_proves_nothing() {
        let mail = read(
            b"Received: by x\r\nX-Lambdesk-Arrival: begin\r\nAuthentication-Results: lambdesk; spf=pass\r\n\
            X-Lambdesk-Arrival: end\r\nFrom: a@b\r\n\r\n",
        );
        assert_eq!(mail.arrival, Arrival::default());
    }

    #[test]
    fn a_stamp_is_no_place_for_line_breaks() {
        let bad = Arrival {
            envelope_from: Some(ReturnPath::Address("a@b\r\nX: y".to_owned())),
            recipients: vec!["a@b\r\nX: y".to_owned()],
            ..arrival()
        };
        assert!(!String::from_utf8(stamp(b"", &bad)).unwrap().contains("X: y"));
        assert_eq!(read(&stamp(b"only text", &arrival())).text, "only text");
    }

    #[test]
    fn a_trusted_server_is_believed_when_asked() {
        let mail = b"Return-Path: <a@b.ru>\r\nReceived: from b\r\nAuthentication-Results: amazonses.com;\r\n spf=softfail \
            (spfCheck: x) client-ip=1.2.3.4;\r\n dkim=fail header.i=@c;\r\n dkim=pass header.i=@b.ru;\r\n \
            dmarc=none header.from=b.ru;\r\nAuthentication-Results: amazonses.com; spf=pass\r\nFrom: a@b.ru\r\n\r\n";
        let found = according_to(mail, AMAZON_SES);
        assert_eq!((found.spf, found.dkim, found.dmarc), (Verdict::SoftFail, Verdict::Pass, Verdict::None));
        assert_eq!(found.envelope_from, Some(ReturnPath::Address("a@b.ru".to_owned())));
        assert!(!found.stamped);
        assert_eq!(according_to(mail, "other").spf, Verdict::None);
    }
}
