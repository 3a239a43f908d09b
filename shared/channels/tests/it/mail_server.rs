//! A mail server on loopback that does what it is told to, and knows of every mail whether it accepted it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does when it is asked something.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// Answers.
    Say(&'static str),
    /// Says nothing for longer than anybody waits.
    Hang,
    /// Resets the connection.
    Reset,
    /// Closes the connection.
    Close,
}

/// What came over one or more connections.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The commands, without line ends.
    pub(crate) commands: Vec<String>,
    /// The mails, dots and all, that came to their end.
    pub(crate) mails: Vec<Vec<u8>>,
}

/// The server.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    pub(crate) hangs: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
}

impl MailServer {
    /// A server that accepts everything except where `turns` says otherwise, by command or by its first word. `greeting` is what it does
    /// first; `body` happens in the midst of a mail, `end` after it.
    pub(crate) async fn start(turns: &[(&'static str, Turn)]) -> Self {
        let polite = [
            ("greeting", "220 mail.test ESMTP\r\n"),
            ("EHLO", "250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000\r\n"),
            ("AUTH", "235 2.7.0 Welcome\r\n"),
            ("MAIL", "250 2.1.0 Ok\r\n"),
            ("RCPT", "250 2.1.5 Ok\r\n"),
            ("DATA", "354 Go on\r\n"),
            ("end", "250 2.0.0 Ok: queued as 4F0A\r\n"),
            ("QUIT", "221 2.0.0 Bye\r\n"),
        ];
        let mut script: BTreeMap<&str, Turn> =
            polite.into_iter().map(|(step, answer)| (step, Turn::Say(answer))).collect();
        script.extend(turns.iter().cloned());
        let script = Arc::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server =
            Self { port: listener.local_addr().unwrap().port(), hangs: Arc::default(), seen: Arc::default() };
        let (hangs, seen) = (Arc::clone(&server.hangs), Arc::clone(&server.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session {
                    script: Arc::clone(&script),
                    hangs: Arc::clone(&hangs),
                    seen: Arc::clone(&seen),
                };
                tokio::spawn(session.run(stream));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://user:s3cr%40t@127.0.0.1:{}", self.port)
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub(crate) fn mails(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().mails.clone()
    }
}

struct Session {
    script: Arc<BTreeMap<&'static str, Turn>>,
    hangs: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
}

impl Session {
    async fn run(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        if !self.take("greeting", &mut stream).await {
            return;
        }
        loop {
            let mut line = String::new();
            // A client that has had enough hangs up.
            if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            let command = line.trim_end().to_owned();
            let verb = command.split(' ').next().unwrap().to_owned();
            let step =
                if self.script.contains_key(command.as_str()) { command.clone() } else { verb.clone() };
            self.seen.lock().unwrap().commands.push(command);
            if !self.take(&step, &mut stream).await {
                return;
            }
            if verb == "DATA" && matches!(self.script["DATA"], Turn::Say(answer) if answer.starts_with('3')) {
                if self.script.contains_key("body") {
                    self.take("body", &mut stream).await;
                    return;
                }
                let mut mail = Vec::new();
                while !mail.ends_with(b"\r\n.\r\n") {
                    if stream.read_until(b'\n', &mut mail).await.unwrap_or_default() == 0 {
                        return;
                    }
                }
                self.seen.lock().unwrap().mails.push(mail);
                if !self.take("end", &mut stream).await {
                    return;
                }
            }
        }
    }

    /// Takes a turn; whether the session goes on.
    async fn take(&self, step: &str, stream: &mut BufReader<TcpStream>) -> bool {
        match self.script.get(step) {
            Some(Turn::Say(answer)) => stream.get_mut().write_all(answer.as_bytes()).await.is_ok(),
            Some(Turn::Hang) => {
                self.hangs.notify_one();
                tokio::time::sleep(Duration::from_secs(24 * 3600)).await;
                false
            }
            Some(Turn::Reset) => {
                stream.get_mut().set_zero_linger().unwrap();
                false
            }
            Some(Turn::Close) => false,
            None => stream.get_mut().write_all(b"502 5.5.1 What?\r\n").await.is_ok(),
        }
    }
}
