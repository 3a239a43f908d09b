//! Bytes that nobody meant to be a mail.

use channels::email::html::{Images, sanitise};
use channels::email::{Arrival, Mail, Mailbox, Verdict, attachment, read, stamp};
use proptest::prelude::*;

use super::fixtures;

/// What holds of every mail, whatever its bytes.
fn check(bytes: &[u8]) {
    let mail = read(bytes);
    assert_eq!(mail, read(bytes), "the same bytes are the same mail");
    harmless(&mail);
    for file in &mail.attachments {
        assert_eq!(attachment(bytes, file.index).map(|bytes| bytes.len()), Some(file.size));
    }
    assert_eq!(attachment(bytes, mail.attachments.len()), None);

    let arrival = Arrival {
        recipients: vec!["a@b.example".to_owned()],
        spf: Verdict::Pass,
        stamped: true,
        ..Arrival::default()
    };
    let stamped = read(&stamp(bytes, &arrival));
    assert_eq!(stamped.arrival, arrival);
    assert_eq!(stamped.return_path, None);
    if !mail.arrival.stamped {
        assert_eq!((&stamped.subject, &stamped.text, &stamped.from), (&mail.subject, &mail.text, &mail.from));
    }
}

fn harmless(mail: &Mail) {
    let line = |text: &str| assert!(!text.chars().any(char::is_control), "{text:?}");
    let lines = |text: &str| {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
    };
    let lists = [&mail.from, &mail.reply_to, &mail.to, &mail.cc];
    let mailboxes = lists.into_iter().flatten().chain(&mail.sender);
    for Mailbox { name, address } in mailboxes {
        line(address);
        assert!(address.contains('@') && !address.contains(char::is_whitespace), "{address:?}");
        line(name.as_deref().unwrap_or_default());
    }
    line(&mail.subject);
    for id in mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references) {
        line(id);
        assert!(!id.is_empty() && !id.contains(['<', '>', ' ']), "{id:?}");
    }
    lines(&mail.text);
    lines(mail.quoted.as_deref().unwrap_or_default());
    for file in &mail.attachments {
        line(&file.name);
        assert!((1..=200).contains(&file.name.chars().count()), "{:?}", file.name);
        assert!(!file.name.contains(['/', '\\', '\u{202e}']), "{:?}", file.name);
    }
    for recipient in mail.bounce.iter().flat_map(|bounce| &bounce.recipients) {
        line(&recipient.address);
        line(recipient.diagnostic.as_deref().unwrap_or_default());
    }
}

/// A fixture with some of its bytes changed, left out, or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0_u8..4);
    (prop::sample::select(fixtures()), prop::collection::vec(change, 1..12)).prop_map(
        |((_, mut bytes), changes)| {
            for (at, length, byte, kind) in changes {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                let end = (at + length.index(80)).min(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => drop(bytes.drain(at..end)),
                    2 => {
                        let piece = bytes[at..end].to_vec();
                        drop(bytes.splice(at..at, piece));
                    }
                    _ => bytes.truncate(at),
                }
            }
            bytes
        },
    )
}

/// Pieces that parsers stumble over, in any order.
fn assembled() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "From: ",
        "To: ",
        "Subject: ",
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        " ",
        "\t",
        "<",
        ">",
        "@",
        "\"",
        "(",
        ")",
        "\\",
        ",",
        ";",
        ":",
        "=?utf-8?B?",
        "=?koi8-r?Q?",
        "?=",
        "=",
        "=0A",
        "=D0",
        "%0d%0a",
        "--b",
        "--b--",
        "b",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: message/delivery-status\r\n",
        "Content-Type: multipart/alternative; boundary=\"b\"\r\n",
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''",
        "filename*1=",
        "\u{202e}",
        "\0",
        "a",
        "Я",
        "\u{a0}",
        "> ",
        "-- ",
        "On 5 May 2025 a@b wrote:",
        "пишет:",
        "<blockquote>",
        "</div>",
        "<a href=x>",
        "&#0;",
        "<!--",
        "]]>",
        "Final-Recipient: rfc822; a@b.c\r\n",
        "X-Lambdesk-Arrival: begin\r\n",
        "X-Lambdesk-Arrival: end\r\n",
        "Return-Path: <>\r\n",
        "Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n",
        "Message-ID: <",
        "+BB0-",
    ];
    let raw = prop::collection::vec(any::<u8>(), 0..4);
    let piece =
        prop_oneof![9 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()), 1 => raw];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_mail(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(&bytes);
    }

    #[test]
    fn any_pieces_are_a_mail(bytes in assembled()) {
        check(&bytes);
    }

    #[test]
    fn a_damaged_mail_is_a_mail(bytes in mutated()) {
        check(&bytes);
    }

    #[test]
    fn no_html_runs_anything(html in "(<(script|a href|img src|svg|style|math|p|/p|b|table)[ =>\"'a-z:/]{0,20}|[ -~]{0,20}|javascript:|onerror=|cid:){0,40}") {
        let shown = sanitise(&html, &Images { remote: false, inline: &|_| None }).html.to_ascii_lowercase();
        prop_assert!(!shown.contains("<script") && !shown.contains("<svg") && !shown.contains("<style"), "{}", shown);
        for tag in shown.split('<').filter_map(|tag| tag.split_once('>').map(|(tag, _)| tag)) {
            prop_assert!(!tag.contains("javascript:") && !tag.contains(" src=\"http") && !tag.contains(" on"), "{}", tag);
        }
    }
}
