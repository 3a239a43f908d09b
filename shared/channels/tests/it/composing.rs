//! Mails that we write, read back by somebody else's parser.

use bytes::Bytes;
use channels::email::Mailbox;
use channels::email::compose::{AutoSubmitted, Letter, Link, Templates, attached, compose, reply_subject};
use channels::platform::File;
use jiff::Timestamp;
use mail_parser::{Message, MessageParser, MimeHeaders as _};
use proptest::prelude::*;

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: Some(name.to_owned()), address: address.to_owned() }
}

fn letter() -> Letter {
    Letter {
        connection: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        number: 1024,
        from: mailbox("Café Überall", "support@shop.example"),
        reply_to: None,
        to: vec![mailbox("Иван Петров", "ivan@customer.example")],
        cc: Vec::new(),
        subject: "Where is my order?".to_owned(),
        text: "On its way.".to_owned(),
        name: "Ann".to_owned(),
        templates: Templates::default(),
        message_id: "rpl_1@shop.example".to_owned(),
        in_reply_to: Some("q1@customer.example".to_owned()),
        references: vec!["q0@customer.example".to_owned()],
        date: "2026-03-01T10:00:00Z".parse::<Timestamp>().unwrap(),
        automatic: None,
        files: Vec::new(),
        links: Vec::new(),
    }
}

/// Writes a letter, and checks what must hold of every mail.
fn written(letter: &Letter) -> Vec<u8> {
    let bytes = compose(letter).unwrap();
    assert!(bytes.is_ascii(), "{}", String::from_utf8_lossy(&bytes));
    assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 999));
    let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(breaks, bytes.windows(2).filter(|pair| pair == b"\r\n").count(), "a line ends with CR LF");
    assert_eq!(breaks, bytes.iter().filter(|byte| **byte == b'\r').count());
    bytes
}

fn read(bytes: &[u8]) -> Message<'_> {
    MessageParser::new().parse(bytes).unwrap()
}

fn header_names(bytes: &[u8]) -> Vec<String> {
    read(bytes).headers().iter().map(|header| header.name().to_owned()).collect()
}

#[test]
fn an_answer_says_who_writes_to_whom_about_what() {
    let mut letter = letter();
    letter.reply_to = Some(mailbox("Café Überall", "support+t0ken@shop.example"));
    letter.cc = vec![Mailbox { name: None, address: "boss@customer.example".to_owned() }];
    let bytes = written(&letter);
    let mail = read(&bytes);
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Café Überall"), Some("support@shop.example")));
    let to = mail.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Иван Петров"), Some("ivan@customer.example")));
    assert_eq!(mail.cc().unwrap().first().unwrap().address(), Some("boss@customer.example"));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("support+t0ken@shop.example"));
    assert_eq!(mail.subject(), Some("Re: Where is my order?"));
    assert_eq!(mail.message_id(), Some("rpl_1@shop.example"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-03-01T10:00:00Z");
    assert_eq!(mail.body_text(0).unwrap(), "On its way.\r\n");
    assert_eq!(
        mail.body_html(0).unwrap().replace("\r\n", "\n"),
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body><p>On its way.</p>\n</body></html>\n"
    );
    assert_eq!(mail.header_raw("X-Lambdesk-Ticket").unwrap().trim(), "1024");
    assert_eq!(mail.header_raw("X-Lambdesk-Loop").unwrap().trim(), letter.connection.to_string());
    assert_eq!(mail.header_raw("Auto-Submitted"), None, "a person wrote it");
    assert_eq!(written(&letter), bytes, "a repeated attempt is the same mail");
}

#[test]
fn a_thread_names_its_first_mail_and_the_latest_ones() {
    let mut letter = letter();
    let references = |bytes: &[u8]| -> Vec<String> {
        read(bytes).references().as_text_list().unwrap().iter().map(ToString::to_string).collect()
    };
    let bytes = written(&letter);
    assert_eq!(read(&bytes).in_reply_to().as_text(), Some("q1@customer.example"));
    assert_eq!(references(&bytes), ["q0@customer.example", "q1@customer.example"]);

    letter.references = (0..50).map(|n| format!("<m{n}@{}.example>", "x".repeat(60))).collect();
    letter.references.push("bad id@x".to_owned());
    letter.references.push("evil@x>\r\nBcc: <b@x".to_owned());
    letter.references.push("q1@customer.example".to_owned());
    let bytes = written(&letter);
    let found = references(&bytes);
    assert_eq!(found.len(), 20);
    assert!(found[0].starts_with("m0@") && found[1].starts_with("m32@"), "{found:?}");
    assert_eq!(found[19], "q1@customer.example");

    letter.in_reply_to = None;
    letter.references.clear();
    let bytes = written(&letter);
    assert_eq!(read(&bytes).subject(), Some("Where is my order?"), "nothing is answered");
    assert!(!header_names(&bytes).iter().any(|name| name == "References" || name == "In-Reply-To"));
}

#[test]
fn an_answer_is_marked_once_in_any_language() {
    let kept = [
        "Re: x",
        "RE: x",
        "re:x",
        "Re : x",
        "Re[2]: x",
        "RE(3): x",
        "Re^2: x",
        "AW: x",
        "Antw: x",
        "SV: x",
        "Ответ: x",
        "Отв: x",
        "НА: x",
        "HA: x",
        "R: x",
        "RIF: x",
        "ODP: x",
        "YNT: x",
        "回复：x",
        "Re：x",
        "תשובה: x",
    ];
    for subject in kept {
        assert_eq!(reply_subject(subject), subject);
    }
    let marked = ["", "Order 7", "Report: x", "Area: x", "Fwd: x", "[2]: x", "http://x", "Ref: 7", "Reply"];
    for subject in marked {
        assert_eq!(reply_subject(subject), format!("Re: {subject}").trim_end());
    }
}

#[test]
fn a_name_is_written_so_that_every_reader_finds_the_same_address() {
    let long = "Very ".repeat(30);
    let names = [
        ("Ann \"the <boss>\" \\ Lee, Ltd.", "Ann 'the <boss>' / Lee, Ltd."),
        ("=?utf-8?Q?=0D=0ABcc:_v@x.example?=", "= ?utf-8?Q?=0D=0ABcc:_v@x.example?="),
        ("a\r\nBcc: v@x.example\t\tb", "a Bcc: v@x.example b"),
        ("\u{202e}gnp.exe\u{0}", "gnp.exe"),
        (&long, &long[..64]),
    ];
    for (given, expected) in names {
        let bytes = written(&Letter { from: mailbox(given, "support@shop.example"), ..letter() });
        let mail = read(&bytes);
        let from = mail.from().unwrap().first().unwrap();
        assert_eq!((from.name(), from.address()), (Some(expected), Some("support@shop.example")));
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let line = head.lines().find(|line| line.starts_with("From: ")).unwrap();
        assert_eq!(line.matches('"').count() % 2, 0, "a quoted name stands on one line: {line}");
    }
}

#[test]
fn a_machine_says_that_it_is_one() {
    for (kind, value) in
        [(AutoSubmitted::AutoReplied, "auto-replied"), (AutoSubmitted::AutoGenerated, "auto-generated")]
    {
        let bytes = written(&Letter { automatic: Some(kind), ..letter() });
        let mail = read(&bytes);
        assert_eq!(mail.header_raw("Auto-Submitted").unwrap().trim(), value);
        assert_eq!(mail.header_raw("X-Auto-Response-Suppress").unwrap().trim(), "All");
        assert_eq!(mail.header_raw("X-Loop").unwrap().trim(), "lambdesk");
        assert_eq!(mail.header_raw("Precedence"), None);
    }
}

#[test]
fn a_text_becomes_html_that_says_the_same() {
    let text = "Dear <b>Ivan</b> & \"co\",\r\n\r\nsee https://shop.example/a?b=1&c=(2), or (http://x.example/y).\n\
                .\nhttps:// is nothing\n\n\n\u{7}5 < 6";
    let bytes = written(&Letter { text: text.to_owned(), ..letter() });
    let mail = read(&bytes);
    assert_eq!(
        mail.body_text(0).unwrap().replace("\r\n", "\n"),
        text.replace("\r\n", "\n").replace('\u{7}', "") + "\n"
    );
    let html = mail.body_html(0).unwrap().replace("\r\n", "\n");
    let body = html.split_once("<body>").unwrap().1.split_once("</body>").unwrap().0;
    assert_eq!(
        body,
        "<p>Dear &lt;b&gt;Ivan&lt;/b&gt; &amp; &quot;co&quot;,</p>\n<p>see \
         <a href=\"https://shop.example/a?b=1&amp;c=(2)\">https://shop.example/a?b=1&amp;c=(2)</a>, or \
         (<a href=\"http://x.example/y\">http://x.example/y</a>).<br>\n.<br>\nhttps:// is nothing</p>\n\
         <p>5 &lt; 6</p>\n"
    );
}

#[test]
fn a_template_surrounds_the_text() {
    let mut letter = Letter { text: "See {{number}} <now>".to_owned(), ..letter() };
    letter.name = "Ann <3".to_owned();
    letter.templates.text = Some("Hello,\n{{text}}\n-- \n{{name}}, #{{number}} {{other}} {{".to_owned());
    letter.templates.html = Some("<i>{{name}}</i>{{text}}<b>{{number}}</b>".to_owned());
    let bytes = written(&letter);
    let mail = read(&bytes);
    assert_eq!(
        mail.body_text(0).unwrap().replace("\r\n", "\n"),
        "Hello,\nSee {{number}} <now>\n-- \nAnn <3, #1024 {{other}} {{\n"
    );
    assert_eq!(
        mail.body_html(0).unwrap().replace("\r\n", "\n"),
        "<i>Ann &lt;3</i><p>See {{number}} &lt;now&gt;</p>\n<b>1024</b>\n"
    );
    letter.templates = Templates { text: Some("{{name}}".to_owned()), html: Some("<hr>".to_owned()) };
    let bytes = written(&letter);
    let mail = read(&bytes);
    assert!(mail.body_text(0).unwrap().starts_with("See {{number}} <now>\r\n\r\nAnn <3"));
    assert!(mail.body_html(0).unwrap().starts_with("<p>See {{number}} &lt;now&gt;</p>"));
}

#[test]
fn files_arrive_as_they_are() {
    let every_byte: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let files = [
        ("Счёт \"№1\".pdf", "application/pdf", every_byte.clone()),
        ("a.txt", "text/plain; charset=x", b"bare\nfeeds\r\nand \r returns\n.\n".to_vec()),
        ("forwarded.eml", "message/rfc822", b"From: a@b.example\r\n\r\nhi".to_vec()),
        ("../../etc/passwd\r\nX-Evil: 1", "text/html\r\nX-Evil: 1", b"<p>".to_vec()),
        ("", "", Vec::new()),
    ];
    let files = files.map(|(name, kind, bytes)| File {
        name: name.to_owned(),
        content_type: kind.to_owned(),
        bytes: Bytes::from(bytes),
    });
    let bytes = written(&Letter { files: files.to_vec(), ..letter() });
    let mail = read(&bytes);
    let found: Vec<_> = mail
        .attachments()
        .map(|part| {
            let kind = part.content_type().unwrap();
            let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
            (part.attachment_name().unwrap().to_owned(), kind, part.contents().to_vec())
        })
        .collect();
    let expected = [
        ("Счёт \"№1\".pdf", "application/pdf", every_byte),
        ("a.txt", "text/plain", files[1].bytes.to_vec()),
        ("forwarded.eml", "application/octet-stream", files[2].bytes.to_vec()),
        (".._.._etc_passwd  X-Evil: 1", "application/octet-stream", b"<p>".to_vec()),
        ("file", "application/octet-stream", Vec::new()),
    ];
    assert_eq!(found, expected.map(|(name, kind, bytes)| (name.to_owned(), kind.to_owned(), bytes)));
    assert_eq!(mail.body_text(0).unwrap(), "On its way.\r\n");
}

#[test]
fn what_is_too_large_is_linked() {
    assert_eq!(attached(&[6, 3, 1, 0, 1], 7), [true, false, true, true, false]);
    let link = Link {
        name: "film <1>.mp4".to_owned(),
        size: 12_900_000,
        url: "https://desk.example/f?a=1&b=2".to_owned(),
        until: "2026-12-03T10:00:00Z".parse().unwrap(),
    };
    let bytes = written(&Letter { links: vec![link], ..letter() });
    let mail = read(&bytes);
    assert_eq!(
        mail.body_text(0).unwrap(),
        "On its way.\r\n\r\nfilm <1>.mp4 (12.3 MB, at most until 2026-12-03)\r\nhttps://desk.example/f?a=1&b=2\r\n"
    );
    assert!(
        mail.body_html(0)
            .unwrap()
            .contains("<a href=\"https://desk.example/f?a=1&amp;b=2\">film &lt;1&gt;.mp4</a> (12.3 MB, at most until 2026-12-03)")
    );
}

#[test]
fn an_address_is_one_or_nothing_is_sent() {
    let sendable = [
        ("ivan@почта.рф", "ivan@xn--80a1acny.xn--p1ai"),
        (" a+b.c@Example.COM ", "a+b.c@example.com"),
        ("o'neil@x-y.example", "o'neil@x-y.example"),
    ];
    for (given, sent) in sendable {
        let bytes = written(&Letter { to: vec![mailbox("N", given)], ..letter() });
        assert_eq!(read(&bytes).to().unwrap().first().unwrap().address(), Some(sent));
    }
    let long = format!("{}@x.example", "a".repeat(65));
    let unsendable = [
        ("иван@почта.рф", "address_unsupported"),
        ("nobody", "bad_address"),
        ("@x.example", "bad_address"),
        ("a@", "bad_address"),
        ("a b@x.example", "bad_address"),
        ("a@x.example>,<b@x.example", "bad_address"),
        ("a@b@x.example", "bad_address"),
        ("\"a b\"@x.example", "bad_address"),
        ("a@x.example\r\nBcc: b@x.example", "bad_address"),
        ("a..b@x.example", "bad_address"),
        (&long, "bad_address"),
    ];
    for (given, reason) in unsendable {
        for broken in [
            Letter { to: vec![mailbox("N", given)], ..letter() },
            Letter { cc: vec![mailbox("N", given)], ..letter() },
            Letter { from: mailbox("N", given), ..letter() },
            Letter { reply_to: Some(mailbox("N", given)), ..letter() },
        ] {
            assert_eq!(compose(&broken).unwrap_err().reason, reason, "{given}");
        }
    }
    assert_eq!(compose(&Letter { to: Vec::new(), ..letter() }).unwrap_err().reason, "no_recipient");
    let id = "a@b>\r\nX: <c".to_owned();
    assert_eq!(compose(&Letter { message_id: id, ..letter() }).unwrap_err().reason, "bad_message_id");
}

/// Text that somebody may try to smuggle a header, a recipient or a part in with.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("\r\nBcc: victim@x.example".to_owned()),
        Just("\"<evil@x.example>,".to_owned()),
        Just("=?utf-8?Q?=0D=0ABcc:_v@x.example?=".to_owned()),
        Just("--=_a_0000".to_owned()),
        Just("\u{2028}\u{85}\u{0}\u{202e}".to_owned()),
        Just("\\\"();:@[]".to_owned()),
        "[a-z ]{0,60}",
        "\\PC{0,30}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_in_a_letter_becomes_a_header(
        names in prop::collection::vec(hostile(), 4),
        subject in hostile(),
        text in hostile(),
        template in hostile(),
        id in hostile(),
        file in hostile(),
    ) {
        let mut hostile = letter();
        hostile.from.name = Some(names[0].clone());
        hostile.to[0].name = Some(names[1].clone());
        hostile.cc = vec![mailbox(&names[2], "cc@x.example")];
        hostile.name = names[3].clone();
        hostile.subject = subject;
        hostile.text = text;
        hostile.templates.text = Some(format!("{{{{text}}}}{template}"));
        hostile.references.push(id);
        hostile.files = vec![File { name: file.clone(), content_type: file, bytes: Bytes::from_static(b"x") }];
        let bytes = written(&hostile);
        let mail = read(&bytes);
        let head = String::from_utf8_lossy(&bytes).split("\r\n\r\n").next().unwrap().to_owned();
        prop_assert!(!head.contains("=?utf-8?Q?=0D"), "{}", head);
        prop_assert_eq!(header_names(&bytes), [
            "Message-ID", "Date", "From", "To", "Cc", "Subject", "In-Reply-To", "References", "X-Lambdesk-Loop",
            "X-Lambdesk-Ticket", "MIME-Version", "Content-Type",
        ]);
        let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
            list.unwrap().iter().map(|one| one.address().unwrap().to_owned()).collect()
        };
        prop_assert_eq!(addresses(mail.from()), ["support@shop.example"]);
        prop_assert_eq!(addresses(mail.to()), ["ivan@customer.example"]);
        prop_assert_eq!(addresses(mail.cc()), ["cc@x.example"]);
        prop_assert_eq!(mail.attachments().count(), 1);
        prop_assert_eq!(mail.text_body_count(), 1);
        prop_assert_eq!(mail.html_body_count(), 1);
    }
}
