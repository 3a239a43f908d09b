//! What clients say, and what they are told.

use std::fmt::Write as _;

use channels::email::smtp::{Envelope as Outgoing, send};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const HELLO: &str = "EHLO client.example\r\n";
const ENVELOPE: &str = "MAIL FROM:<ivan@customer.example>\r\nRCPT TO:<support@shop.example>\r\nDATA\r\n";

/// Says everything at once and hangs up; what was answered.
async fn talk(desk: &Arc<Desk>, limits: Limits, words: &[u8]) -> String {
    let (mut client, server) = tokio::io::duplex(64);
    let exchange: Arc<dyn Exchange> = Arc::clone(desk) as _;
    let memory = Arc::new(Semaphore::new(limits.memory / BLOCK));
    let session = Session::new(
        server,
        "192.0.2.7".parse().unwrap(),
        "desk.example".into(),
        exchange,
        Arc::clone(&memory),
        limits,
    );
    let session = tokio::spawn(session.run());
    let (mut answers, mut speaker) = tokio::io::split(&mut client);
    let speak = async {
        // The server may have had enough before the end.
        let _ = speaker.write_all(words).await;
        let _ = speaker.shutdown().await;
    };
    let mut told = Vec::new();
    let (_, heard) = tokio::join!(speak, answers.read_to_end(&mut told));
    heard.unwrap();
    session.await.unwrap();
    assert_eq!(memory.available_permits(), limits.memory / BLOCK, "all memory is given back");
    String::from_utf8(told).unwrap()
}

/// The codes of all answers but the greeting.
async fn codes(desk: &Arc<Desk>, limits: Limits, words: &str) -> Vec<String> {
    let told = talk(desk, limits, words.as_bytes()).await;
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    told.lines().filter(last).skip(1).map(|line| line[..3].to_owned()).collect()
}

#[tokio::test]
async fn a_crowd_of_recipients_ends_no_session() {
    let desk = Arc::new(Desk::default());
    let recipients = (0..1000).fold(String::new(), |mut text, n| {
        let _ = write!(text, "RCPT TO:<support+{n}@shop.example>\r\n");
        text
    });
    let words = format!("{HELLO}MAIL FROM:<>\r\n{recipients}DATA\r\nSubject: hi\r\n\r\n.\r\nQUIT\r\n");
    let limits = Limits { commands: 200, ..Limits::default() };
    let codes = codes(&desk, limits, &words).await;
    assert_eq!(codes.iter().filter(|code| *code == "452").count(), 900);
    assert_eq!(codes[codes.len() - 3..], ["354", "250", "221"]);
    assert_eq!(desk.delivered()[0].0.recipients.len(), 100);
}

#[tokio::test]
async fn our_own_client_is_understood() {
    let desk = Arc::new(Desk::default());
    let address = listen(&desk, Limits::default()).await;
    let mail = b"Subject: hi\r\n\r\n.\r\n..\r\n.leading\r\n\xd0\x96\r\n".to_vec();
    let envelope = Outgoing {
        from: "ivan@customer.example".to_owned(),
        to: vec!["support+t0ken@shop.example".to_owned(), "nobody@shop.example".to_owned()],
        message_id: "q1@customer.example".to_owned(),
    };
    send(&format!("smtp://{address}"), &envelope, &mail).await.unwrap();
    let expected = Envelope {
        client: "127.0.0.1".parse().unwrap(),
        helo: "customer.example".to_owned(),
        from: Some("ivan@customer.example".to_owned()),
        recipients: vec![Recipient {
            address: "support+t0ken@shop.example".to_owned(),
            connection: connection(),
        }],
    };
    assert_eq!(desk.delivered(), [(expected, mail.clone())]);

    desk.outcomes.lock().unwrap().push_back(Unavailable("the queue is full".to_owned()));
    let error = send(&format!("smtp://{address}"), &envelope, &mail).await.unwrap_err();
    assert_eq!(
        error.class,
        channels::platform::SendFailure::Transient,
        "not durable, not acknowledged: {error}"
    );
    let large = vec![b'x'; 6 * 1024 * 1024];
    send(&format!("smtp://{address}"), &envelope, &large).await.unwrap();
    assert_eq!(desk.delivered()[1].1.len(), large.len() + 2);
}

#[tokio::test]
async fn everything_may_be_said_at_once() {
    let desk = Arc::new(Desk::default());
    let words = format!(
        "{HELLO}{ENVELOPE}one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<support@shop.example>\r\n\
         RCPT TO:<support@shop.example>\r\nDATA\r\n..two\r\n.\r\nNOOP\r\nRSET\r\nHELO x\r\nVRFY a\r\nquit\r\nNOOP\r\n"
    );
    let told = talk(&desk, Limits::default(), words.as_bytes()).await;
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "220 desk.example ESMTP Lambdesk",
            "250-desk.example",
            "250-PIPELINING",
            "250-SIZE 41943040",
            "250-8BITMIME",
            "250-ENHANCEDSTATUSCODES",
            "250 SMTPUTF8",
            "250 2.1.0 Ok",
            "250 2.1.5 Ok",
            "354 Go on, and end with a dot",
            "250 2.0.0 Ok, it is ours now",
            "250 2.1.0 Ok",
            "250 2.1.5 Ok",
            "250 2.1.5 Ok",
            "354 Go on, and end with a dot",
            "250 2.0.0 Ok, it is ours now",
            "250 2.0.0 Ok",
            "250 2.0.0 Ok",
            "250 desk.example",
            "252 2.1.5 Send a mail and see",
            "221 2.0.0 Goodbye",
        ]
    );
    let delivered = desk.delivered();
    assert_eq!((delivered[0].1.as_slice(), delivered[1].1.as_slice()), (&b"one\r\n"[..], &b".two\r\n"[..]));
    assert_eq!((delivered[1].0.from.as_deref(), delivered[1].0.recipients.len()), (None, 1));
}

#[tokio::test]
async fn what_is_not_for_us_is_refused() {
    let desk = Arc::new(Desk::default());
    let table = [
        ("MAIL FROM:<a@b.example>\r\n", vec!["503"]),
        ("EHLO x\r\nDATA\r\n", vec!["250", "503"]),
        ("EHLO x\r\nRCPT TO:<support@shop.example>\r\n", vec!["250", "503"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n", vec!["250", "250", "503"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example>\r\nEHLO x\r\nDATA\r\n", vec!["250", "250", "250", "503"]),
        (
            "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\nRCPT TO:<supporter@shop.example>\r\n\
             RCPT TO:<broken@shop.example>\r\nRCPT TO:<support@shop.example.evil.example>\r\nRCPT TO:<postmaster>\r\n\
             DATA\r\n",
            vec!["250", "250", "550", "550", "451", "550", "550", "503"],
        ),
        ("EHLO x\r\nMAIL FROM:<a@b.example> SIZE=41943041\r\n", vec!["250", "552"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example> SIZE=41943040 BODY=8BITMIME\r\n", vec!["250", "250"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME\r\n", vec!["250", "555"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example> WISH=1\r\n", vec!["250", "555"]),
        ("EHLO x\r\nMAIL FROM:<ж@b.example>\r\n", vec!["250", "553"]),
        ("EHLO x\r\nMAIL FROM:<ж@b.example> SMTPUTF8\r\n", vec!["250", "250"]),
        ("EHLO x\r\nMAIL FROM:<a@b.example\u{7}>\r\n", vec!["250", "500"]),
        ("EHLO x\r\nAUTH PLAIN AGEAYg==\r\nSTARTTLS\r\nBDAT 3 LAST\r\n", vec!["250", "502", "502", "502"]),
        ("EHLO \u{436}\r\nEHLO\r\nEXPN a\r\nGET / HTTP/1.1\r\n\r\n", vec!["501", "501", "502", "500", "500"]),
    ];
    for (words, expected) in table {
        assert_eq!(codes(&desk, Limits::default(), words).await, expected, "{words}");
    }
    assert!(desk.delivered().is_empty());
}

#[tokio::test]
async fn a_mail_hides_no_other_mail() {
    let desk = Arc::new(Desk::default());
    for hidden in ["\n.\r\n", "\r\n.\n", "\n.\n", "\n"] {
        let words = format!("{HELLO}{ENVELOPE}one{hidden}MAIL FROM:<b@x.example>\r\n.\r\nQUIT\r\n");
        assert_eq!(codes(&desk, Limits::default(), &words).await.last().unwrap(), "521", "{hidden:?}");
    }
    assert_eq!(codes(&desk, Limits::default(), "NOOP\nNOOP\r\n").await, ["521"]);
    assert!(desk.delivered().is_empty());
    let words = format!("{HELLO}{ENVELOPE}one\r.\rMAIL FROM:<b@x.example>\r\n.\r\nQUIT\r\n");
    talk(&desk, Limits::default(), words.as_bytes()).await;
    assert_eq!(desk.delivered()[0].1, b"one\r.\rMAIL FROM:<b@x.example>\r\n");
}

#[tokio::test]
async fn nobody_takes_more_than_their_share() {
    let desk = Arc::new(Desk::default());
    let small = Limits { size: 10, recipients: 2, ..Limits::default() };
    let expected = ["250", "250", "250", "354", "250", "250", "250", "354", "552", "250"];
    // Whatever pieces it comes in.
    for shift in 1..64 {
        let hello = format!("EHLO {}\r\n", "x".repeat(shift));
        let words = format!("{hello}{ENVELOPE}12345678\r\n.\r\n{ENVELOPE}123456789\r\n.\r\nNOOP\r\n");
        assert_eq!(codes(&desk, small, &words).await, expected, "at the limit, and one byte more");
        assert_eq!(desk.delivered().len(), shift);
    }

    let recipients = (0..3).fold(String::new(), |mut text, n| {
        let _ = write!(text, "RCPT TO:<support+{n}@shop.example>\r\n");
        text
    });
    let words = format!("{HELLO}MAIL FROM:<>\r\n{recipients}");
    assert_eq!(codes(&desk, small, &words).await, ["250", "250", "250", "250", "452"]);

    let few = Limits { commands: 3, ..Limits::default() };
    assert_eq!(codes(&desk, few, &"NOOP\r\n".repeat(9)).await, ["250", "250", "250", "421"]);
    let strict = Limits { mistakes: 2, ..Limits::default() };
    assert_eq!(codes(&desk, strict, &"what\r\n".repeat(9)).await, ["500", "500", "500", "421"]);
    assert_eq!(codes(&desk, Limits::default(), &"x".repeat(100_000)).await, ["521"]);

    let cramped = Limits { memory: BLOCK, ..Limits::default() };
    let words = format!("{HELLO}{ENVELOPE}{}.\r\n{ENVELOPE}hi\r\n.\r\n", "12345678\r\n".repeat(20_000));
    let expected = ["250", "250", "250", "354", "452", "250", "250", "354", "250"];
    assert_eq!(codes(&desk, cramped, &words).await, expected);
    let cramped_and_small = Limits { size: 1000, ..cramped };
    assert_eq!(codes(&desk, cramped_and_small, &words).await[4], "552", "what is too large takes no memory");
    let announced = ENVELOPE.replace("e>\r\nRCPT", "e> SIZE=70000\r\nRCPT");
    let words = format!("{HELLO}{announced}hi\r\n.\r\n");
    assert_eq!(codes(&desk, cramped, &words).await, ["250", "250", "250", "354", "452"]);
}

#[tokio::test]
async fn a_mail_that_is_not_durable_is_not_acknowledged() {
    let desk = Arc::new(Desk::default());
    desk.outcomes.lock().unwrap().push_back(Unavailable("the disk is full".to_owned()));
    let words = format!("{HELLO}{ENVELOPE}hi\r\n.\r\n{ENVELOPE}hi\r\n.\r\n");
    let expected = ["250", "250", "250", "354", "451", "250", "250", "354", "250"];
    assert_eq!(codes(&desk, Limits::default(), &words).await, expected);
    assert_eq!(desk.delivered().len(), 1);
    for cut in ["hi", "hi\r\n", "hi\r\n.", "hi\r\n.\r", ""] {
        codes(&desk, Limits::default(), &format!("{HELLO}{ENVELOPE}{cut}")).await;
    }
    assert_eq!(desk.delivered().len(), 1, "a mail without its end is none");
}

#[tokio::test]
async fn there_is_room_for_so_many_clients() {
    let desk = Arc::new(Desk::default());
    let address = listen(&desk, Limits { sessions: 1, ..Limits::default() }).await;
    let hear = async |stream: &mut TcpStream| {
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    let mut first = TcpStream::connect(address).await.unwrap();
    assert_eq!(&hear(&mut first).await, b"220");
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(&hear(&mut second).await, b"421");
    drop(first);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let mut third = TcpStream::connect(address).await.unwrap();
        if &hear(&mut third).await == b"220" {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the first client's seat is not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_is_sent_away_learns_why() {
    let desk = Arc::new(Desk::default());
    let address = listen(&desk, Limits::default()).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let mail = "12345678\r\n".repeat(100_000);
    client.write_all(format!("{HELLO}{ENVELOPE}\n{mail}.\r\n").as_bytes()).await.unwrap();
    let mut told = String::new();
    client.read_to_string(&mut told).await.unwrap();
    assert!(told.ends_with("521 5.5.2 Lines end with CR LF\r\n"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_sent_away() {
    let desk = Arc::new(Desk::default());
    for words in [HELLO.to_owned(), format!("{HELLO}{ENVELOPE}hi\r\n")] {
        let (mut client, server) = tokio::io::duplex(4096);
        let exchange: Arc<dyn Exchange> = Arc::clone(&desk) as _;
        let limits = Limits::default();
        let memory = Arc::new(Semaphore::new(1));
        let session =
            Session::new(server, "192.0.2.7".parse().unwrap(), "d".into(), exchange, memory, limits);
        tokio::spawn(session.run());
        client.write_all(words.as_bytes()).await.unwrap();
        let mut told = String::new();
        client.read_to_string(&mut told).await.unwrap();
        assert!(told.ends_with("421 4.4.2 Silent for too long\r\n"), "{told}");
    }
    assert!(desk.delivered().is_empty());
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(HELLO.as_bytes().to_vec()),
        Just(ENVELOPE.as_bytes().to_vec()),
        Just(b"MAIL FROM:<> SIZE=99999999999999999999\r\n".to_vec()),
        Just(b"RCPT TO:<support@shop.example> NOTIFY=NEVER\r\n".to_vec()),
        Just(b"RCPT TO:<\"".to_vec()),
        Just(b"DATA\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b".".to_vec()),
        Just(b"..\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"RSET\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_nothing_is_taken_without_its_end(words in pieces()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let desk = Arc::new(Desk::default());
        let told = runtime.block_on(talk(&desk, Limits::default(), &words));
        prop_assert!(told.starts_with("220 "));
        prop_assert!(told.ends_with("\r\n"));
        let delivered = desk.delivered().len();
        let ends = words.windows(5).filter(|window| *window == b"\r\n.\r\n").count();
        prop_assert!(delivered <= ends, "{} mails, {} ends", delivered, ends);
        prop_assert_eq!(delivered, told.lines().filter(|line| line.contains("it is ours now")).count());
    }
}
