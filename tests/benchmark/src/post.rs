//! SMTP as a mail server speaks it that has many mails: commands at once
//! ([RFC 2920](https://www.rfc-editor.org/rfc/rfc2920)), one mail after the other.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::mails::Mail;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Mails of a session; the desk takes a thousand commands in one.
const SESSION: usize = 300;

/// Hands over mails, in as many sessions as it takes.
///
/// # Errors
/// When a mail is not taken.
pub fn hand_over<'a>(desk: SocketAddr, to: &str, mails: impl Iterator<Item = &'a Mail>) -> io::Result<()> {
    let mut mails = mails.peekable();
    while mails.peek().is_some() {
        session(desk, to, mails.by_ref().take(SESSION))?;
    }
    Ok(())
}

fn session<'a>(desk: SocketAddr, to: &str, mails: impl Iterator<Item = &'a Mail>) -> io::Result<()> {
    let stream = TcpStream::connect(desk)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    expect(&mut stream, "220")?;
    stream.get_mut().write_all(b"EHLO mx.example.net\r\n")?;
    expect(&mut stream, "250")?;
    // The commands of a mail travel with the end of the one before.
    let mut waiting = Vec::new();
    let mut text = false;
    for mail in mails {
        waiting
            .extend_from_slice(format!("MAIL FROM:<{}>\r\nRCPT TO:<{to}>\r\nDATA\r\n", mail.from).as_bytes());
        stream.get_mut().write_all(&waiting)?;
        if text {
            expect(&mut stream, "250")?;
        }
        for answer in ["250", "250", "354"] {
            expect(&mut stream, answer)?;
        }
        waiting = stuffed(&mail.bytes);
        text = true;
    }
    stream.get_mut().write_all(&waiting)?;
    if text {
        expect(&mut stream, "250")?;
    }
    stream.get_mut().write_all(b"QUIT\r\n")?;
    expect(&mut stream, "221")
}

/// A mail as it travels, with its end.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            text.push(b'.');
        }
        text.extend_from_slice(line);
    }
    text.extend_from_slice(b".\r\n");
    text
}

/// Reads an answer, of one line or several, that must begin with this code.
fn expect(stream: &mut BufReader<TcpStream>, code: &str) -> io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if !line.starts_with(code) {
            return Err(io::Error::other(format!("{line:?} is not {code}")));
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}
