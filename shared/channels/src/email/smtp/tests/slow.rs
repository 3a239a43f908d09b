//! A server that takes its time: what comes before the dot has one limit in all, and takes none from the answer to it.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::time::{Instant, sleep};

use super::super::answer::{Step, send_error};
use super::super::connection::Connection;
use super::super::session::{Session, by};
use super::super::{ANSWER_TIMEOUT, DOT_TIMEOUT, Server, Transfer};
use super::{MAIL, PEN_FRIEND};
use crate::platform::{LONGEST_SEND, SendError, SendFailure};

/// Answers every command after a while, and the dot after another one.
async fn serve(stream: DuplexStream, pause: Duration, before_taken: Duration) {
    let mut stream = BufReader::new(stream);
    sleep(pause).await;
    let mut answer = "220 mail.test\r\n";
    let mut in_mail = false;
    while stream.write_all(answer.as_bytes()).await.is_ok() {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
            return;
        }
        answer = match line.as_str() {
            ".\r\n" => {
                sleep(before_taken).await;
                in_mail = false;
                "250 Taken\r\n"
            }
            _ if in_mail => "",
            "DATA\r\n" => {
                sleep(pause).await;
                in_mail = true;
                "354 Go on\r\n"
            }
            _ => {
                sleep(pause).await;
                "250 Ok\r\n"
            }
        };
    }
}

/// Sends a mail to such a server. What came of it, and how long it took.
async fn send(pause: Duration, before_taken: Duration) -> (Result<Vec<String>, SendError>, Duration) {
    let begun = Instant::now();
    let (near, far) = tokio::io::duplex(1024);
    tokio::spawn(serve(far, pause, before_taken));
    let server: Server = "smtp://127.0.0.1".parse().unwrap();
    let transfer = Transfer {
        server: &server,
        sender: "support@shop.example".to_owned(),
        recipients: vec![PEN_FRIEND.to_owned()],
        mail: MAIL,
    };
    let until = begun + DOT_TIMEOUT;
    let greeted = Session::greeted(Connection::over(near), transfer.hello(), until);
    let sent = match by(until, Step::Connect, greeted).await {
        Ok(session) => transfer.run_over(session).await,
        Err(failed) => Err(failed),
    };
    (sent.map_err(|(step, failure)| send_error(step, failure, &server)), begun.elapsed())
}

/// Greeting, EHLO, MAIL, RCPT and DATA are answered before the mail is on its way.
const ANSWERS: u32 = 5;

#[tokio::test(start_paused = true)]
async fn a_mail_that_its_server_is_slow_to_ask_for_was_not_sent() {
    let (sent, took) = send(DOT_TIMEOUT / (ANSWERS - 1), Duration::ZERO).await;
    let error = sent.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Transient, "timeout"));
    assert!(took <= LONGEST_SEND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_the_dot_has_its_time_however_slow_the_server_was() {
    let slow = (DOT_TIMEOUT - Duration::from_secs(1)) / ANSWERS;
    let (sent, _) = send(slow, ANSWER_TIMEOUT - Duration::from_secs(1)).await;
    assert_eq!(sent, Ok(Vec::new()));

    let (sent, took) = send(slow, ANSWER_TIMEOUT + Duration::from_secs(1)).await;
    let error = sent.unwrap_err();
    assert_eq!((error.class, error.reason), (SendFailure::Uncertain, "timeout"));
    assert!(took <= LONGEST_SEND, "{took:?}");
}
