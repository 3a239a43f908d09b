//! E-mail as a channel of the desk.

use std::borrow::Cow;

use ::http::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;
use desk::channel::{ChannelClass, ThreadKey};
use desk::inbound::Inbound;
use desk::message::AttachmentKind;
use jiff::Timestamp;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::compose::deliverable;
use super::dns::{Dkim, Expectations, examine_domain};
use super::{arrival, incoming, outgoing, pictures, smtp};
use crate::Connection;
use crate::bearer::bearer;
use crate::http::Http;
use crate::platform::{
    Accepted, ConnectError, Destination, FetchError, Fetched, File, Finding, Instruments, Message, Outlets,
    Part, Platform, Polled, SendError, SendFailure, Setting, SettingKind, Unauthentic, Unsendable,
};

/// The largest mail that is taken, in bytes: what SES takes at most.
pub const MAX_MAIL: usize = 40 * 1024 * 1024;

/// What a file's source begins with: the rest is its position in the mail.
const PART: &str = "part:";

const SETTINGS: &[Setting] = &[
    Setting {
        name: "address",
        about: "The address that customers write to.",
        kind: SettingKind::Text,
        required: true,
    },
    Setting {
        name: "from_name",
        about: "The name that goes with it; the connection's own name when absent.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "smtp_url",
        about: "The server that mails leave by: `smtp://user:password@host:587` or `smtps://…:465`.",
        kind: SettingKind::Secret,
        required: false,
    },
    Setting {
        name: "secret",
        about: "Signs what answers are recognised by, and lets a mail server hand in mails over HTTP.",
        kind: SettingKind::OwnSecret,
        required: false,
    },
    Setting {
        name: "plus_addressing",
        about: "Whether the provider delivers `support+anything@…` to `support@…`.",
        kind: SettingKind::Flag,
        required: false,
    },
    Setting {
        name: "acknowledgement",
        about: "What tells the author of a first mail that it arrived; nothing when absent.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "template",
        about: "What surrounds an answer: `{{text}}`, `{{name}}`, `{{number}}`.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "html_template",
        about: "The same for the formatted form.",
        kind: SettingKind::Text,
        required: false,
    },
    Setting {
        name: "dkim_selector",
        about: "The name of the key that the server of `smtp_url` signs with, for the doctor to look it up.",
        kind: SettingKind::Text,
        required: false,
    },
];

/// E-mail.
#[derive(Debug, Clone, Copy)]
pub struct Email;

/// The source of a file that is a part of its mail.
pub(super) fn part_source(index: usize) -> String {
    format!("{PART}{index}")
}

/// What kind of file a media type is.
pub(super) fn attachment_kind(content_type: &str) -> AttachmentKind {
    match content_type.split('/').next().unwrap_or_default() {
        "image" => AttachmentKind::Image,
        "video" => AttachmentKind::Video,
        "audio" => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    }
}

#[async_trait]
impl Platform for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn class(&self) -> ChannelClass {
        ChannelClass::Email
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn account<'a>(&self, _: &'a Connection) -> Option<&'a str> {
        // Several departments may share an address; nothing is kept once for it.
        None
    }

    fn can_poll(&self) -> bool {
        false
    }

    fn max_body(&self) -> usize {
        MAX_MAIL
    }

    /// A mail that begins as if our own receiver had looked at it gets a field above that, where it counts for nothing.
    fn handed_in<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        if !arrival::is_stamped(body) {
            return Cow::Borrowed(body);
        }
        Cow::Owned([b"X-Handed-In: http\r\n", body].concat())
    }

    fn verify(&self, connection: &Connection, headers: &HeaderMap, _: &[u8]) -> Result<(), Unauthentic> {
        let secret = connection.secret("secret").ok_or(Unauthentic)?;
        let given = bearer(headers).ok_or(Unauthentic)?;
        if secret.as_bytes().ct_eq(given.as_bytes()).into() { Ok(()) } else { Err(Unauthentic) }
    }

    fn parse(&self, connection: &Connection, body: &[u8], received_at: Timestamp) -> Vec<Inbound> {
        vec![incoming::take_in(connection, body, received_at)]
    }

    fn split(&self, message: &Message) -> Result<Vec<Part>, Unsendable> {
        Ok(outgoing::split(message))
    }

    fn messages_of(&self, thread: &ThreadKey) -> ThreadKey {
        thread.whole_connection()
    }

    fn keeps_originals(&self) -> bool {
        true
    }

    fn extract(&self, original: &[u8], source: &str) -> Option<Bytes> {
        super::attachment(original, source.strip_prefix(PART)?.parse().ok()?).map(Bytes::from)
    }

    fn formatted(&self, original: &[u8], remote_images: bool) -> Option<String> {
        pictures::formatted(original, remote_images)
    }

    async fn send(
        &self,
        outlets: &Outlets,
        connection: &Connection,
        to: &Destination<'_>,
        part: &Part,
        files: Vec<File>,
    ) -> Result<Accepted, SendError> {
        outgoing::send(outlets, connection, to, part, files).await
    }

    async fn acknowledge(&self, _: &Http, _: &Connection, _: &str) -> Result<(), FetchError> {
        Ok(())
    }

    fn attachment_kind(&self, content_type: &str) -> AttachmentKind {
        attachment_kind(content_type)
    }

    async fn fetch(&self, _: &Http, _: &Connection, _: &str, _: u64) -> Result<Fetched, FetchError> {
        let detail = "Files of mails are parts of the mails themselves.".to_owned();
        Err(FetchError { transient: false, reason: "gone", detail })
    }

    async fn connect(
        &self,
        _: &Http,
        connection: &Connection,
        _: Option<&str>,
    ) -> Result<Map<String, Value>, ConnectError> {
        let address = connection.text("address").unwrap_or_default();
        deliverable(address).map_err(|Unsendable { detail, .. }| ConnectError {
            transient: false,
            reason: "bad_address",
            detail,
        })?;
        if let Some(url) = connection.secret("smtp_url") {
            smtp::try_out(url, address).await.map_err(|error| ConnectError {
                transient: !matches!(error.class, SendFailure::Unauthorized | SendFailure::Rejected),
                reason: error.reason,
                detail: error.detail,
            })?;
        }
        Ok(Map::new())
    }

    async fn disconnect(&self, _: &Http, _: &Connection) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn examine(
        &self,
        instruments: &Instruments,
        connection: &Connection,
        _: Option<&str>,
    ) -> Vec<Finding> {
        let address = connection.text("address").unwrap_or_default();
        let Some((_, domain)) = address.rsplit_once('@') else { return Vec::new() };
        let mut findings = match (connection.secret("smtp_url"), &instruments.outlets.mailer) {
            (Some(url), _) => {
                let tried = smtp::try_out(url, address).await;
                let what = match tried {
                    Ok(()) => "The mail server of `smtp_url` lets the desk in.",
                    Err(_) => "The mail server of `smtp_url` does not let the desk in.",
                };
                vec![Finding {
                    ok: tried.is_ok(),
                    what: what.to_owned(),
                    advice: tried.err().map(|error| error.detail),
                }]
            }
            (None, Some(mailer)) => mailer.examine(domain).await,
            (None, None) => vec![Finding {
                ok: false,
                what: "There is no way out for mails.".to_owned(),
                advice: Some("Set `smtp_url` with PATCH; replies wait until then.".to_owned()),
            }],
        };
        let selector =
            connection.text("dkim_selector").map(str::trim).filter(|selector| !selector.is_empty());
        if let Some(dns) = &instruments.dns {
            let key = selector.map(|selector| Dkim { selector: selector.to_owned(), record: None });
            let expectations = Expectations { dkim: key.into_iter().collect(), ..Expectations::default() };
            findings.extend(examine_domain(&**dns, domain, &expectations).await);
        }
        if selector.is_none() && connection.secret("smtp_url").is_some() {
            findings.push(Finding {
                ok: true,
                what: format!("DKIM of {domain}: the desk does not know which key your mail server signs with."),
                advice: Some(
                    "Set `dkim_selector` with PATCH to have its record looked up; or answer a mail of your own at another \
                     provider, and look for `dkim=pass` in the `Authentication-Results` of what arrives there."
                        .to_owned(),
                ),
            });
        }
        findings
    }

    async fn poll(&self, _: &Http, _: &Connection, _: Option<&str>) -> Result<Polled, ConnectError> {
        let detail = "Mail is not asked for; it comes.".to_owned();
        Err(ConnectError { transient: false, reason: "no_polling", detail })
    }
}
