//! Sending mails by SMTP, and what follows from every way in which it can fail.

use std::time::Duration;

use channels::email::smtp::{BadUrl, Envelope, Server, send, try_out};
use channels::platform::{Accepted, SendError, SendFailure};

use crate::mail_server::{MailServer, Turn};

const MAIL: &[u8] = b"Subject: hi\r\n\r\n.leading dot\r\nend\r\n";

fn envelope() -> Envelope {
    Envelope {
        from: "support@shop.example".to_owned(),
        to: vec!["ivan@customer.example".to_owned()],
        message_id: "rpl_1@shop.example".to_owned(),
    }
}

/// Sends to a server that misbehaves at one step, and expects that to be a failure.
async fn failure(step: &'static str, turn: Turn) -> SendError {
    let server = MailServer::start(&[(step, turn)]).await;
    let error = send(&server.url(), &envelope(), MAIL).await.unwrap_err();
    assert!(!error.detail.contains("s3cr@t") && !error.detail.contains("AHVzZXIAczNjckB0"), "{error}");
    assert!(!error.detail.chars().any(char::is_control), "{error}");
    if error.class != SendFailure::Uncertain && step != "end" {
        assert!(server.mails().is_empty(), "{error}: what certainly was not accepted was not handed over");
    }
    error
}

#[tokio::test]
async fn a_mail_is_handed_over_as_it_is() {
    let server = MailServer::start(&[]).await;
    let mut envelope = envelope();
    envelope.to.push("Пётр <".to_owned());
    let error = send(&server.url(), &envelope, MAIL).await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Unreachable, "bad_address"));
    envelope.to[1] = "cc@почта.рф".to_owned();
    let accepted = send(&server.url(), &envelope, MAIL).await;
    assert_eq!(accepted, Ok(Accepted::by_all("rpl_1@shop.example".to_owned())));
    assert_eq!(
        server.commands(),
        [
            "EHLO shop.example",
            "AUTH PLAIN AHVzZXIAczNjckB0",
            "MAIL FROM:<support@shop.example>",
            "RCPT TO:<ivan@customer.example>",
            "RCPT TO:<cc@xn--80a1acny.xn--p1ai>",
            "DATA",
            "QUIT",
        ]
    );
    assert_eq!(server.mails(), [b"Subject: hi\r\n\r\n..leading dot\r\nend\r\n.\r\n".to_vec()]);
}

#[tokio::test]
async fn a_mail_with_a_broken_line_is_kept_from_servers_that_would_end_it_there() {
    let server = MailServer::start(&[]).await;
    for mail in
        [&b"Subject: hi\r\n\r\nhi\n.\r\nMAIL FROM:<a@b.example>\r\n"[..], b"hi\r\r\n", b"hi\r", b"\nhi\r\n"]
    {
        let error = send(&server.url(), &envelope(), mail).await.unwrap_err();
        assert_eq!((error.class, error.reason), (SendFailure::Rejected, "bare_line_break"));
    }
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_large_mail_is_handed_over_whole() {
    let server = MailServer::start(&[]).await;
    let mail = b".23456789\r\n".repeat(400_000);
    send(&server.url(), &envelope(), &mail).await.unwrap();
    assert_eq!(server.mails()[0].len(), mail.len() + 400_000 + b".\r\n".len());
}

#[tokio::test]
async fn a_refusal_is_sorted_by_what_follows() {
    use SendFailure::{Rejected, Throttled, Transient, Unauthorized, Uncertain, Unreachable};
    let minute = Throttled(Duration::from_secs(60));
    let table = [
        ("greeting", "421 4.3.2 Shutting down\r\n", Transient, "unavailable"),
        ("greeting", "554 5.7.1 No service for you\r\n", Transient, "refused"),
        ("greeting", "HTTP/1.1 400 Bad Request\r\n", Transient, "unreachable"),
        ("EHLO", "250 mail.test\r\n", Unauthorized, "no_login"),
        ("AUTH", "535 5.7.8 Not s3cr@t enough\r\n", Unauthorized, "bad_credentials"),
        ("AUTH", "554 5.7.0 Disabled\r\n", Unauthorized, "bad_credentials"),
        ("AUTH", "501 5.5.2 Cannot decode AHVzZXIAczNjckB0\r\n", Unauthorized, "bad_credentials"),
        ("AUTH", "354 Go on\r\n", Transient, "foreign_answer"),
        ("AUTH", "454 4.7.0 Temporary failure\r\n", Transient, "unavailable"),
        ("AUTH", "454 4.7.0 Too many login attempts\r\n", minute.clone(), "throttled"),
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first\r\n", Unauthorized, "login_required"),
        ("MAIL", "553 5.7.1 Sender address rejected: not owned by user\r\n", Rejected, "sender_rejected"),
        ("MAIL", "552 5.3.4 Message size exceeds limit\r\n", Rejected, "too_large"),
        ("MAIL", "451 4.3.0 Try later\r\n", Transient, "unavailable"),
        ("MAIL", "452 4.3.1 Rate limit exceeded\r\n", minute.clone(), "throttled"),
        (
            "MAIL",
            "550 5.4.5 Daily user sending limit exceeded\r\n",
            Throttled(Duration::from_secs(3600)),
            "throttled",
        ),
        ("RCPT", "550 5.1.1 User unknown\r\n", Unreachable, "no_such_address"),
        ("RCPT", "550 5.7.1 Blocked\r\n", Unreachable, "address_rejected"),
        ("RCPT", "550-No such\r\n550 user relayed here\r\n", Unauthorized, "relay_denied"),
        ("RCPT", "550 5.1.1 <relay@x>: User unknown\r\n", Unreachable, "no_such_address"),
        ("RCPT", "550 relay@x: no such user\r\n", Unreachable, "address_rejected"),
        ("RCPT", "550 Unrouteable address: relay.x\r\n", Unreachable, "address_rejected"),
        ("RCPT", "550 <ivan@x>: not allowed to relay.\r\n", Unauthorized, "relay_denied"),
        ("RCPT", "554 5.7.1 Relay access denied\r\n", Unauthorized, "relay_denied"),
        ("RCPT", "552 5.2.2 Mailbox full\r\n", Unreachable, "mailbox_full"),
        ("RCPT", "450 4.2.0 Greylisted\r\n", Transient, "deferred"),
        ("RCPT", "421 4.7.28 Unusual rate, slow down\r\n", minute.clone(), "throttled"),
        ("RCPT", "450 4.2.0 <throttle@slowdown.example>: Greylisted\r\n", Transient, "deferred"),
        ("RCPT", "354 Go on\r\n", Transient, "foreign_answer"),
        ("DATA", "554 5.5.1 No valid recipients\r\n", Rejected, "rejected"),
        ("DATA", "250 Sure\r\n", Transient, "foreign_answer"),
        ("DATA", "354 Go on\r\n250 2.0.0 Queued before it came\r\n", Transient, "foreign_answer"),
        ("MAIL", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n", Transient, "foreign_answer"),
        ("end", "554 5.7.1 Spam\r\n", Rejected, "rejected"),
        ("end", "552 5.2.3 Too large\r\n", Rejected, "too_large"),
        ("end", "451 4.3.0 Local error\r\n", Transient, "unavailable"),
        ("end", "452 4.7.0 Too many messages\r\n", minute, "throttled"),
        ("end", "354 What?\r\n", Uncertain, "unreadable_answer"),
        ("end", "nonsense\r\n", Uncertain, "broken"),
    ];
    for (step, answer, class, reason) in table {
        let error = failure(step, Turn::Say(answer)).await;
        assert_eq!((error.class, error.reason), (class, reason), "{step}: {answer}");
    }
}

#[tokio::test]
async fn what_a_server_says_is_kept() {
    let server = MailServer::start(&[("MAIL", Turn::Say("451 4.3.0 Try\tlater\r\n"))]).await;
    for login in ["user:s3cr%40t@", "user@", ""] {
        let url = server.url().replace("user:s3cr%40t@", login);
        let error = send(&url, &envelope(), MAIL).await.unwrap_err();
        assert_eq!(error.detail, "4.3.0 Try later", "{url}");
    }
}

#[tokio::test]
async fn only_the_end_of_a_mail_makes_it_uncertain() {
    use SendFailure::{Transient, Uncertain};
    for turn in [Turn::Close, Turn::Reset] {
        for step in ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
            assert_eq!(failure(step, turn.clone()).await.class, Transient, "{step} {turn:?}");
        }
        let error = failure("end", turn).await;
        assert_eq!((error.class, error.reason), (Uncertain, "broken"));
    }
    // More than fits into the buffers between, so that the connection breaks before the end is written.
    let server = MailServer::start(&[("body", Turn::Reset)]).await;
    let error = send(&server.url(), &envelope(), &b"23456789\r\n".repeat(3_000_000)).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Transient, "broken"));
}

#[tokio::test]
async fn silence_is_sorted_by_when_it_begins() {
    use SendFailure::{Transient, Uncertain};
    for (step, class) in [
        ("greeting", Transient),
        ("AUTH", Transient),
        ("MAIL", Transient),
        ("RCPT", Transient),
        ("DATA", Transient),
        ("end", Uncertain),
    ] {
        let server = MailServer::start(&[(step, Turn::Hang)]).await;
        let url = server.url();
        let sending = tokio::spawn(async move { send(&url, &envelope(), MAIL).await });
        server.hangs.notified().await;
        // Nothing moves any more, so that time may run to the next deadline.
        tokio::time::pause();
        let error = sending.await.unwrap().unwrap_err();
        tokio::time::resume();
        assert_eq!((error.class, error.reason), (class, "timeout"), "{step}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send(&format!("smtp://{nobody}"), &envelope(), MAIL).await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Transient, "unreachable"));
}

#[tokio::test]
async fn a_refused_copy_does_not_withhold_the_mail() {
    let refused = ("RCPT TO:<gone@customer.example>", Turn::Say("550 5.1.1 User unknown\r\n"));
    let mut several = envelope();
    several.to.push("gone@customer.example".to_owned());
    let server = MailServer::start(std::slice::from_ref(&refused)).await;
    let accepted = send(&server.url(), &several, MAIL).await.unwrap();
    assert_eq!(accepted.left_out, ["gone@customer.example: 5.1.1 User unknown"]);
    assert_eq!(server.mails().len(), 1);

    several.to.reverse();
    let server = MailServer::start(&[refused]).await;
    let error = send(&server.url(), &several, MAIL).await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Unreachable, "no_such_address"));
    assert!(server.mails().is_empty(), "nobody gets the copy of a mail that its recipient does not get");
}

#[tokio::test]
async fn a_password_goes_to_nobody_in_the_clear() {
    let server = MailServer::start(&[]).await;
    // The second name leads to this machine, too, and does not look like it.
    for url in [format!("{}?tls=required", server.url()), server.url().replace("127.0.0.1", "127.1")] {
        let error = send(&url, &envelope(), MAIL).await.unwrap_err();
        assert_eq!((error.class, error.reason), (SendFailure::Unauthorized, "no_tls"));
    }
    assert_eq!(server.commands(), ["EHLO shop.example"; 2], "no login, no mail");

    let server = MailServer::start(&[
        ("EHLO", Turn::Say("250-mail.test\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")),
        ("STARTTLS", Turn::Say("220 Go\r\n")),
    ])
    .await;
    let error = send(&format!("{}?tls=required", server.url()), &envelope(), MAIL).await.unwrap_err();
    assert_eq!(error.class, SendFailure::Transient);
    assert_eq!(server.commands()[..2], ["EHLO shop.example", "STARTTLS"]);
    assert!(!server.commands().iter().any(|command| command.starts_with("AUTH")));

    let error = send(&server.url().replace("smtp:", "smtps:"), &envelope(), MAIL).await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Transient, "tls"));
}

#[tokio::test]
async fn settings_are_tried_out_without_a_mail() {
    let server = MailServer::start(&[]).await;
    try_out(&server.url(), "support@shop.example").await.unwrap();
    assert_eq!(server.commands(), ["EHLO shop.example", "AUTH PLAIN AHVzZXIAczNjckB0", "QUIT"]);
    let server = MailServer::start(&[("AUTH", Turn::Say("535 5.7.8 No\r\n"))]).await;
    let error = try_out(&server.url(), "support@shop.example").await.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Unauthorized, "bad_credentials"));
}

#[test]
fn a_url_names_a_server_or_says_what_is_wrong() {
    let good = [
        "smtp://mail.example",
        "smtp://user:p%40ss@mail.example:2525/",
        "smtps://user:p@mail.example",
        "smtp://user:p@mail.example?tls=none",
        "smtp://127.0.0.1:25?tls=required",
        "smtp://[::1]:25",
        "smtp://почта.рф",
    ];
    for url in good {
        let server = url.parse::<Server>().unwrap();
        assert!(!format!("{server:?}").contains("p%40ss") && !format!("{server:?}").contains("p@ss"));
    }
    let bad = [
        ("", BadUrl::Missing),
        ("mail.example:587", BadUrl::Unreadable),
        ("http://mail.example", BadUrl::Unreadable),
        ("smtp://", BadUrl::Unreadable),
        ("smtp://user:pa/ss@mail.example", BadUrl::Unreadable),
        ("smtp://mail.example/path", BadUrl::Unreadable),
        ("smtp://us%0d%0aer@mail.example", BadUrl::Unreadable),
        ("smtp://mail.example?tls=maybe", BadUrl::Parameter),
        ("smtps://mail.example?tls=none", BadUrl::Parameter),
        ("smtp://mail.example?tls=none&tls=none", BadUrl::Unreadable),
    ];
    for (url, error) in bad {
        assert_eq!(url.parse::<Server>().unwrap_err(), error, "{url}");
    }
}
