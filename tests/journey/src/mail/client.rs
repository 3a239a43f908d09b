//! A mail server that hands a mail to the desk.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Hands over a mail by SMTP, and returns what was answered to each step, as far as it went.
///
/// # Panics
/// When the desk does not listen or hangs up.
pub async fn send(desk: SocketAddr, from: &str, to: &str, mail: &[u8]) -> Vec<String> {
    try_send(desk, from, to, mail).await.expect("the desk listens to the end")
}

/// The same with a desk that may be killed meanwhile.
///
/// # Errors
/// When the desk does not listen or hangs up.
pub async fn try_send(desk: SocketAddr, from: &str, to: &str, mail: &[u8]) -> io::Result<Vec<String>> {
    let mut stream = BufReader::new(TcpStream::connect(desk).await?);
    let mut answers = vec![answer(&mut stream).await?];
    let commands = [
        "EHLO mx.example.org".to_owned(),
        format!("MAIL FROM:<{from}>"),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
    ];
    for command in commands {
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        let told = answer(&mut stream).await?;
        let refused = told.starts_with(['4', '5']);
        answers.push(told);
        if refused {
            return Ok(answers);
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
    stream.write_all(&text).await?;
    answers.push(answer(&mut stream).await?);
    Ok(answers)
}

/// An answer of one line or several, whole.
async fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut whole = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the desk hung up after {whole:?}"),
            ));
        }
        whole.push_str(&line);
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(whole);
        }
    }
}
