//! A mail server that hands a mail to the desk.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Hands over a mail by SMTP, and returns what was answered to each step, as far as it went.
///
/// # Panics
/// When the desk does not listen or hangs up.
pub async fn send(desk: SocketAddr, from: &str, to: &str, mail: &[u8]) -> Vec<String> {
    let mut stream = BufReader::new(TcpStream::connect(desk).await.expect("the desk listens"));
    let mut answers = vec![answer(&mut stream).await];
    let commands = [
        "EHLO mx.example.org".to_owned(),
        format!("MAIL FROM:<{from}>"),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
    ];
    for command in commands {
        stream.write_all(format!("{command}\r\n").as_bytes()).await.expect("the desk reads");
        let told = answer(&mut stream).await;
        let refused = told.starts_with(['4', '5']);
        answers.push(told);
        if refused {
            return answers;
        }
    }
    let mut text = Vec::new();
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            text.push(b'.');
        }
        text.extend_from_slice(line);
    }
    text.extend_from_slice(b"\r\n.\r\n");
    stream.write_all(&text).await.expect("the desk reads");
    answers.push(answer(&mut stream).await);
    answers
}

/// An answer of one line or several, whole.
async fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let mut whole = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("the desk answers");
        assert!(!line.is_empty(), "the desk hung up after {whole:?}");
        whole.push_str(&line);
        if line.as_bytes().get(3) != Some(&b'-') {
            return whole;
        }
    }
}
