//! What a mail means to the connection that gets it.

use channels::email::{Arrival, Email, ReturnPath, stamp};
use channels::{Connection, Platform as _};
use desk::inbound::{Happened, Inbound};
use jiff::Timestamp;
use serde_json::json;

use crate::fixtures;

fn shop() -> Connection {
    let settings = json!({"address": "support@shop.example"});
    Connection {
        channel: "email".try_into().unwrap(),
        settings: settings.as_object().unwrap().clone(),
        ..fixtures::connection()
    }
}

fn received(mail: &str) -> Inbound {
    Email.parse(&shop(), mail.as_bytes(), Timestamp::UNIX_EPOCH).remove(0)
}

/// The sign that no person wrote a mail with one more header.
fn sign(header: &str) -> Option<String> {
    let mail = format!("From: ann@example.org\r\n{header}\r\nSubject: Hi\r\n\r\nHello\r\n");
    received(&mail).letter.unwrap().automatic
}

#[test]
fn our_own_mark_comes_back_as_our_own_mail() {
    let ours = format!("X-Lambdesk-Loop: {}", shop().id);
    for header in [ours.as_str(), "X-Loop: support@shop.example", "X-Loop: Support+tag@Shop.example"] {
        assert_eq!(sign(header).as_deref(), Some("own_loop"), "{header}");
    }
    let others = "X-Lambdesk-Loop: cnx_01ARZ3NDEKTSV4RRFFQ69G5FAW";
    for header in [others, "X-Loop: list@example.org", "X-Other: support@shop.example"] {
        assert_eq!(sign(header), None, "{header}");
    }
}

#[test]
fn an_author_without_an_address_keeps_the_name() {
    let nameless = received("From: \"Ann Lee\" <>\r\nSubject: Hi\r\n\r\nHello\r\n");
    let author = nameless.sender.unwrap();
    assert_eq!(author.name.as_deref(), Some("Ann Lee"));
    assert_eq!(author.address, nameless.thread.conversation);
    assert_eq!(nameless.letter.unwrap().answer_to, []);
    assert_eq!(received("From: <>\r\nSubject: Hi\r\n\r\nHello\r\n").sender, None);
    assert_eq!(received("Subject: Hi\r\n\r\nHello\r\n").sender, None);
}

#[test]
fn a_second_author_is_noted() {
    let two = received("From: ann@example.org, Bob <bob@example.org>\r\nSubject: Hi\r\n\r\nHello\r\n");
    assert_eq!(two.sender.unwrap().address, "ann@example.org");
    let notes = two.letter.unwrap().head.notes;
    assert_eq!(notes[0], "The mail has another author: Bob <bob@example.org>.");
}

#[test]
fn a_mail_that_nobody_checked_says_so() {
    let noted = |verdicts: &str| {
        let received = received(&format!(
            "X-Lambdesk-Arrival: begin\r\nAuthentication-Results: lambdesk; {verdicts}\r\n\
             X-Lambdesk-Arrival: end\r\nFrom: ann@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"
        ));
        received.letter.unwrap().head.notes
    };
    let unchecked = ["Nobody has checked whether the sender is who the mail says."];
    assert_eq!(noted("spf=none; dkim=none; dmarc=none"), unchecked);
    assert!(noted("spf=softfail; dkim=none; dmarc=none").is_empty());
    assert!(noted("spf=pass; dkim=pass; dmarc=pass").is_empty());
    let disowned = noted("spf=pass; dkim=none; dmarc=fail");
    assert!(disowned.len() == 1 && disowned[0].starts_with("The sender's domain disowns"), "{disowned:?}");
}

#[test]
fn mails_without_a_mark_of_their_own_are_told_apart_by_their_envelope() {
    let key = |envelope: Option<ReturnPath>, header: &str| {
        let mail = format!("From: app@example.org\r\n{header}Subject: Hi\r\n\r\nHello\r\n");
        let arrival = Arrival { envelope_from: envelope, stamped: true, ..Arrival::default() };
        let stamped = stamp(mail.as_bytes(), &arrival);
        Email.parse(&shop(), &stamped, Timestamp::UNIX_EPOCH).remove(0).key
    };
    let address = |address: &str| Some(ReturnPath::Address(address.to_owned()));
    let [ann, same, bob, null] = [
        address("ann@example.org"),
        address("ann@example.org"),
        address("bob@example.org"),
        Some(ReturnPath::Null),
    ]
    .map(|envelope| key(envelope, ""));
    assert_eq!(ann, same);
    assert!(ann != bob && ann != null && bob != null);
    // Whose id or date is the same is the same mail, whichever host brings it.
    for mark in ["Message-ID: <1@example.org>\r\n", "Date: Sun, 8 Mar 2026 13:00:00 +0000\r\n"] {
        assert_eq!(key(address("ann@example.org"), mark), key(address("bob@example.org"), mark));
    }
}

/// A report of a mail server about one recipient.
fn report(action: &str, status: &str) -> Happened {
    let mail = format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: support@shop.example\r\nSubject: Report\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; ann@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {status} as it is\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <ours@shop.example>\r\n\r\n--b--\r\n"
    );
    received(&mail).happened
}

#[test]
fn a_delay_is_no_failure() {
    for (action, status, late, final_word, word) in
        [("delayed", "4.4.1", true, false, "delayed"), ("failed", "5.1.1", false, true, "bounced")]
    {
        let Happened::Undelivered { ids, addresses, permanent, reason, detail, delayed, content, .. } =
            report(action, status)
        else {
            panic!("a report")
        };
        assert_eq!((ids, addresses), (vec!["ours@shop.example".into()], vec!["ann@example.org".into()]));
        assert_eq!((delayed, permanent, reason.as_str()), (late, final_word, word));
        assert!(detail.contains("as it is"), "{detail}");
        let text = content.unwrap().text.unwrap();
        assert!(text.contains("This is the mail system."), "{text}");
    }
    assert!(matches!(report("relayed", "2.0.0"), Happened::Message { .. }));
}
