//! A visitor of the firm's site, as the chat's widget acts for them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::Method;
use reqwest::multipart;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::client;
use crate::desk::{Answer, Desk, SOON};

/// A chat that is connected to the desk.
#[derive(Debug, Clone)]
pub struct Chat {
    base: String,
    client: reqwest::Client,
    /// The connection's id.
    pub id: String,
}

/// A visitor.
#[derive(Debug, Clone)]
pub struct Visitor {
    chat: Chat,
    /// What the session told.
    pub session: Value,
}

/// An open connection of a visitor.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Uploads a file by the signed form of its announcement.
///
/// # Errors
/// When no answer comes.
pub async fn upload(announced: &Value, bytes: &Bytes) -> Result<reqwest::Response, reqwest::Error> {
    let mut form = multipart::Form::new();
    for (name, value) in announced["upload"]["fields"].as_object().into_iter().flatten() {
        form = form.text(name.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    let form = form.part("file", multipart::Part::stream(bytes.clone()).file_name("file"));
    client().post(announced["upload"]["url"].as_str().unwrap_or_default()).multipart(form).send().await
}

impl Chat {
    /// Connects a new chat.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn connect(desk: &Desk, settings: Value) -> Self {
        let body = json!({"channel": "webchat", "name": "Our site", "settings": settings});
        let created = desk.post("/connections", &body).await;
        let id = created["id"].as_str().expect("a connection has an id").to_owned();
        Self { base: format!("{}/webchat/{id}", desk.base()), client: client(), id }
    }

    /// Makes a request and returns the answer, whatever it is.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
        self.try_ask(method, path, token, body).await.expect("the desk answers")
    }

    async fn try_ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await?).await
    }

    /// A visitor with a new session, whose browser is at this address, as a proxy before the desk tells.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn visitor_from(&self, address: &str) -> Visitor {
        let request = self.client.post(format!("{}/session", self.base)).header("x-forwarded-for", address);
        let response = request.json(&json!({})).send().await.expect("the desk answers");
        assert_eq!(response.status(), 200, "{response:?}");
        Visitor { chat: self.clone(), session: response.json().await.expect("a session is JSON") }
    }

    /// A visitor with a new session.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn visitor(&self, body: Value) -> Visitor {
        let answer = self.ask(Method::POST, "session", None, Some(&body)).await;
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        Visitor { chat: self.clone(), session: answer.body }
    }
}

impl Visitor {
    /// The token.
    pub fn token(&self) -> &str {
        self.session["token"].as_str().unwrap_or_default()
    }

    /// The conversation.
    pub fn conversation(&self) -> &str {
        self.session["visitor"].as_str().unwrap_or_default()
    }

    /// Makes a request in the visitor's name and returns the answer, whatever it is.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn attempt(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.chat.ask(method, path, Some(self.token()), body).await
    }

    /// Makes a request of a desk that may be killed meanwhile.
    ///
    /// # Errors
    /// When no answer comes, or not the whole of it.
    pub async fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        self.chat.try_ask(method, path, Some(self.token()), body).await
    }

    /// Makes a request in the visitor's name.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.attempt(Method::POST, path, Some(&body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {} {:#}", answer.status, answer.body);
        answer.body
    }

    /// Writes a message.
    pub async fn says(&self, client_id: &str, text: &str) {
        self.post("messages", json!({"client_id": client_id, "text": text})).await;
    }

    /// A page of the conversation.
    ///
    /// # Panics
    /// When the desk refuses.
    pub async fn page(&self, after: Option<&str>) -> Value {
        let path = match after {
            Some(after) => format!("messages?after={after}"),
            None => "messages".to_owned(),
        };
        let answer = self.attempt(Method::GET, &path, None).await;
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        answer.body
    }

    /// The texts of the conversation.
    pub async fn texts(&self) -> Vec<String> {
        let page = self.page(None).await;
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| item["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Opens a connection with a token.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn socket_with(&self, token: &str) -> Socket {
        let url = self.session["live"].as_str().expect("the desk offers connections");
        let (socket, _) = tokio_tungstenite::connect_async(format!("{url}?token={token}"))
            .await
            .expect("the desk takes the connection");
        Socket(socket)
    }

    /// Opens a connection with little memory of its own, for one of many.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn quiet_socket(&self) -> Socket {
        let url = self.session["live"].as_str().expect("the desk offers connections");
        let small = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let url = format!("{url}?token={}", self.token());
        let (socket, _) =
            connect_async_with_config(url, Some(small), false).await.expect("the desk takes the connection");
        Socket(socket)
    }

    /// Opens a connection.
    pub async fn socket(&self) -> Socket {
        self.socket_with(self.token()).await
    }
}

impl Socket {
    /// The next frame.
    ///
    /// # Panics
    /// When none comes soon.
    pub async fn frame(&mut self) -> Value {
        loop {
            match timeout(SOON, self.0.next()).await.expect("a frame comes soon") {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).expect("frames are JSON");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("the connection ended: {other:?}"),
            }
        }
    }

    /// The next frame of a kind.
    pub async fn frame_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// When it does not leave.
    pub async fn send(&mut self, frame: &Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.expect("the connection stands");
    }

    /// The close code with which the desk ends the connection.
    ///
    /// # Panics
    /// When it does not.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match timeout(Duration::from_secs(10), self.0.next()).await.expect("the desk closes soon") {
                Some(Ok(Message::Close(Some(close)))) => return close.code.into(),
                Some(Ok(_)) => {}
                other => panic!("the connection ended without a reason: {other:?}"),
            }
        }
    }
}
