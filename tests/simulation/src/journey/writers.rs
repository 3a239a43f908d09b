//! How what customers write comes to the desk: platforms and mail servers repeat until it is acknowledged.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::tz::TimeZone;

use super::{SUPPORT, Stage};
use crate::cloud::Door;
use crate::platform::contents;

/// How often a delivery is tried: for days, as platforms and mail servers do.
const ATTEMPTS: u32 = 2000;

/// Brings an update of Telegram, until it is acknowledged. Whether it was.
pub(crate) async fn webhook(stage: &Stage, update: &str) -> bool {
    webhook_of(stage, Door::Telegram, update).await
}

/// Brings an update of Telegram to one version of its receiver or the other.
pub(crate) async fn webhook_of(stage: &Stage, door: Door, update: &str) -> bool {
    let (office, path) = (&stage.office, format!("/webhooks/telegram/{}", stage.office.bot));
    let request = || {
        Request::post(&path)
            .header("content-type", "application/json")
            .header("x-telegram-bot-api-secret-token", &office.bot_secret)
            .body(Body::from(update.to_owned()))
    };
    deliver(stage, door, request).await
}

/// Hands in a mail, until it is acknowledged. Whether it was.
pub(crate) async fn mail(stage: &Stage, mail: &str) -> bool {
    let (office, path) = (&stage.office, format!("/webhooks/email/{}", stage.office.mailbox));
    let request = || {
        Request::post(&path)
            .header("content-type", "message/rfc822")
            .header("authorization", format!("Bearer {}", office.mail_secret))
            .body(Body::from(mail.to_owned()))
    };
    deliver(stage, Door::Email, request).await
}

async fn deliver(
    stage: &Stage,
    door: Door,
    request: impl Fn() -> Result<Request<Body>, axum::http::Error>,
) -> bool {
    for attempt in 1..=ATTEMPTS {
        let Ok(request) = request() else { return false };
        match stage.cloud.request(door, request).await {
            Some(heard) if heard.status == StatusCode::OK => return true,
            Some(heard) if heard.status.is_client_error() => {
                stage.cloud.complain(format!("{door:?} refused an authentic delivery: {}", heard.status));
                return false;
            }
            _ => tokio::time::sleep(Duration::from_secs(1) * attempt.min(120)).await,
        }
    }
    false
}

/// A mail as its author's program writes it.
pub(crate) struct Letter<'a> {
    pub(crate) from: &'a str,
    pub(crate) id: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) answers: Option<&'a str>,
    pub(crate) text: &'a str,
    /// The name of a file that goes with it.
    pub(crate) file: Option<&'a str>,
}

impl Letter<'_> {
    pub(crate) fn write(&self, stage: &Stage) -> String {
        let date = stage.cloud.hours.now().to_zoned(TimeZone::UTC);
        let date = jiff::fmt::rfc2822::to_string(&date).unwrap_or_default();
        let Self { from, id, subject, text, .. } = self;
        let answers = self
            .answers
            .map(|answers| format!("In-Reply-To: <{answers}>\r\nReferences: <{answers}>\r\n"))
            .unwrap_or_default();
        let said = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n");
        let body = match self.file {
            None => said,
            Some(name) => format!(
                "Content-Type: multipart/mixed; boundary=border\r\n\r\n--border\r\n{said}--border\r\n\
                 Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\
                 Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n{}\r\n--border--\r\n",
                BASE64.encode(contents(name)),
            ),
        };
        format!(
            "From: Customer <{from}>\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\nDate: {date}\r\n\
             {answers}MIME-Version: 1.0\r\n{body}"
        )
    }
}
