//! A Bot API on loopback that answers what it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request that it has read.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Answers with a status and JSON.
    Json(u16, Value),
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// Says nothing for longer than anybody waits.
    Hang,
    /// Resets the connection.
    Reset,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The last segment of the path.
    pub(crate) fn method(&self) -> &str {
        self.line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The server: answers in the order of the list, the last one for ever.
pub(crate) struct BotApi {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl BotApi {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answers) = (Arc::clone(&seen), answers.clone());
                tokio::spawn(async move { serve(stream, &seen, &answers).await });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Success with a result.
pub(crate) fn ok(result: Value) -> Answer {
    Answer::Json(200, json!({ "ok": true, "result": result }))
}

/// A refusal in Telegram's own words.
pub(crate) fn refusal(code: u16, description: &str) -> Answer {
    Answer::Json(code, json!({ "ok": false, "error_code": code, "description": description }))
}

/// An answer of something that is not the Bot API.
pub(crate) fn plain(status: u16, body: &str) -> Answer {
    Answer::Bytes(
        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
            .into(),
    )
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answers: &[Answer]) {
    while let Some(request) = read(&mut stream).await {
        let answer = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            answers[(seen.len() - 1).min(answers.len() - 1)].clone()
        };
        match answer {
            Answer::Json(status, value) => {
                let body = value.to_string();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
            Answer::Bytes(bytes) => {
                // A client that has had enough hangs up.
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Answer::Hang => tokio::time::sleep(Duration::from_secs(3600)).await,
            Answer::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let line = String::from_utf8(bytes[..end].to_vec()).unwrap().lines().next().unwrap().to_owned();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { line, head, body: bytes[end..].to_vec() })
}
