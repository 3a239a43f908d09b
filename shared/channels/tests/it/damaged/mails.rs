//! Mails, as they come in by a mail server, and their HTML.

use std::path::Path;
use std::sync::LazyLock;

use channels::email::html::{Images, sanitise};
use channels::email::{Arrival, Email, ReturnPath, Verdict, read, stamp};
use channels::{Connection, Platform as _};
use mutations::{config, corpus, damaged, damaged_text};
use proptest::prelude::*;
use serde_json::json;
use store::seal::Secret;

use super::{now, passes_on};

/// HTML that harms where a sanitiser is not careful.
const HOSTILE: [&str; 12] = [
    r#"<p>Hi<script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a></p>"#,
    r#"<svg><style><img src="</style><img src=x onerror=alert(1)>"></svg>"#,
    r#"<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">"#,
    r#"<form action="https://forger.example"><input name=password><button>Sign in</button></form>"#,
    r#"<a href="jav&#x09;ascript:alert(1)">x</a><a href="//evil.example">y</a><a href=" data:text/html,x">z</a>"#,
    r#"<div style="background:url(https://t.example/p.gif);position:fixed;width:expression(alert(1))">x</div>"#,
    r#"<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>"#,
    r#"<iframe srcdoc="<script>alert(1)</script>"></iframe><object data=x></object><base href="https://evil.example">"#,
    r#"<img src="cid:photo@shop" width=1><img src="https://t.example/p.gif" srcset="https://t.example/2x.gif 2x">"#,
    r#"<template><script>1</script></template><xmp><img src=x onerror=1></xmp><plaintext>"#,
    r#"<table><tr><td><b><i>a</b></i><blockquote type=cite><div class="gmail_quote">On … wrote:</div></blockquote>"#,
    r#"<p id=x name=y class="z" data-src="https://t.example/q.gif" onclick="1" STYLE="color:red">&#0;&#xD800;&amp;lt;</p>"#,
];

static MAILS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut mails = corpus(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/email"));
    let arrival = Arrival {
        envelope_from: Some(ReturnPath::Address("ann@example.org".to_owned())),
        recipients: vec!["support@shop.example".to_owned()],
        spf: Verdict::Pass,
        dkim: Verdict::Fail,
        dmarc: Verdict::None,
        stamped: true,
    };
    let stamped: Vec<Vec<u8>> = mails.iter().take(3).map(|mail| stamp(mail, &arrival)).collect();
    mails.extend(stamped);
    mails
});

fn html() -> Vec<Vec<u8>> {
    let of_mails = MAILS.iter().filter_map(|mail| read(mail).html).map(String::into_bytes);
    of_mails.chain(HOSTILE.map(|html| html.as_bytes().to_vec())).collect()
}

fn connection() -> Connection {
    Connection {
        id: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        channel: "email".try_into().unwrap(),
        name: "Support".to_owned(),
        settings: json!({"address": "support@shop.example"}).as_object().cloned().unwrap(),
        secrets: [("secret".to_owned(), Secret::new("a secret of ours"))].into(),
    }
}

/// The tags of HTML as the sanitiser writes it: values stand in double quotes and have none inside.
fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let mut quoted = false;
        let end = tag.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let (tag, after) = tag.split_at(end.unwrap_or(tag.len()));
        rest = after;
        let name = |text: &str| text.trim().to_ascii_lowercase();
        // Names and values take turns between the quotes.
        let parts: Vec<&str> = tag.split('"').collect();
        let (element, first) = parts[0].split_once(' ').unwrap_or((parts[0], ""));
        let names = std::iter::once(first).chain(parts.iter().skip(2).step_by(2).copied());
        let values = parts.iter().skip(1).step_by(2).map(|value| name(value));
        let names = names.map(|attribute| name(attribute.trim_end_matches('=')));
        tags.push((name(element.trim_start_matches('/')), names.zip(values).collect()));
    }
    tags
}

/// Nothing in it runs, asks for something, or looks like a part of the desk.
fn harmless(html: &str) {
    const HARMFUL: [&str; 18] = [
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "form",
        "input",
        "button",
        "svg",
        "math",
        "base",
        "meta",
        "link",
        "template",
        "noscript",
        "xmp",
        "plaintext",
        "title",
    ];
    const ADDRESSES: [&str; 4] = ["http:", "https:", "mailto:", "tel:"];
    for (element, attributes) in tags(html) {
        assert!(
            element.chars().all(|c| c.is_ascii_alphanumeric()) && !element.is_empty(),
            "<{element}> in {html}"
        );
        assert!(!HARMFUL.contains(&element.as_str()), "<{element}> in {html}");
        for (attribute, value) in attributes {
            assert!(
                !attribute.starts_with("on") && !["srcset", "id", "name"].contains(&&*attribute),
                "{attribute} in {html}"
            );
            match attribute.as_str() {
                "href" => {
                    assert!(ADDRESSES.iter().any(|scheme| value.starts_with(scheme)), "{value} in {html}");
                }
                // An image of the mail itself: put in its place, or not found, so that nothing can load it.
                "src" if !(value.starts_with("cid:") || element == "img" && is_image(&value)) => {
                    panic!("{value} in {html}");
                }
                _ => {}
            }
        }
    }
}

/// Whether an address, in lower case, is nothing but an image of a kind that no program runs.
fn is_image(address: &str) -> bool {
    let parts = address.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    parts.is_some_and(|(kind, data)| {
        ["png", "jpeg", "gif", "webp", "bmp"].contains(&kind)
            && data.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
    })
}

/// The characters that are seen, whatever their order: text moves out of a table that is broken. A byte order mark at
/// the start is none.
fn seen(html: &str) -> Vec<char> {
    let mut quoted = false;
    let mut within = false;
    let mut seen: Vec<char> = Vec::new();
    for c in html.chars() {
        match c {
            '<' if !within => within = true,
            '"' if within => quoted = !quoted,
            '>' if within && !quoted => within = false,
            c if !within && !c.is_whitespace() && c != '\u{feff}' => seen.push(c),
            _ => {}
        }
    }
    seen.sort_unstable();
    seen
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_mail_is_one_delivery(body in damaged(MAILS.clone())) {
        let handed_in = Email.handed_in(&body);
        prop_assert!(!read(&handed_in).arrival.stamped, "only a receiver says how a mail came");
        let happened = Email.parse(&connection(), &body, now());
        prop_assert_eq!(happened.len(), 1);
        for inbound in &happened {
            passes_on(inbound);
            prop_assert_eq!(&Email.parse(&connection(), &body, now())[0], inbound);
        }
        for file in read(&body).attachments {
            let bytes = Email.extract(&body, &format!("part:{}", file.index));
            prop_assert_eq!(bytes.map(|bytes| bytes.len()), Some(file.size));
        }
        if let Some(shown) = Email.formatted(&body, false) {
            harmless(&shown);
        }
    }

    #[test]
    fn sanitised_html_stays_harmless_and_whole(html in damaged_text(html()), remote in any::<bool>()) {
        let images = Images { remote: false, inline: &|_| None };
        let once = sanitise(&html, &images).html;
        harmless(&once);
        let again = sanitise(&once, &images).html;
        harmless(&again);
        // Elements that were opened anew stand in it: near the limit of nodes, that is more than a tree may have, and text.
        if once.starts_with("<pre>") || !again.starts_with("<pre>") {
            // What was made text has its quotes as entities, which the second pass writes as they are.
            let is_text = once.starts_with("<pre>") && once.matches('<').count() == 2;
            let before = if is_text { once.replace("&quot;", "\"") } else { once };
            prop_assert_eq!(seen(&before), seen(&again));
        }
        if remote {
            let images = Images { remote: true, inline: &|id| Some(format!("/files/{}", id.len())) };
            let shown = sanitise(&html, &images).html;
            prop_assert!(!shown.to_ascii_lowercase().contains("<script"), "{}", shown);
        }
    }
}
