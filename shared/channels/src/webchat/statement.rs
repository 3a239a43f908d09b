//! What the shop's server says of a customer: a JWT (RFC 7519) signed with one of the connection's keys.
//!
//! Claims: `sub` the shop's own id of the person; `aud` the connection; `exp` at most an hour ahead; `jti` used once;
//! `name` and `email` if the shop likes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::key::{Algorithm, keys};
use crate::Connection;

/// How far clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How far ahead a statement may end.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest statement, in bytes.
const MAX_STATEMENT: usize = 8 * 1024;
/// The longest id, in bytes.
const MAX_ID: usize = 255;
/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// A statement that proves nothing. The text tells the shop's developers why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidStatement(&'static str);

/// What a statement proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The person, by the shop's own id.
    pub login: String,
    /// The person's name.
    pub name: Option<String>,
    /// The person's e-mail address, as the shop knows it.
    pub email: Option<String>,
    /// The statement's own id, unique for its key.
    pub id: String,
    /// When it ends.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: Value,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
    jti: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

/// Reads and proves a statement. Whether its id was used before is for the caller to see.
///
/// # Errors
/// When it proves nothing.
pub fn read(connection: &Connection, text: &str, now: Timestamp) -> Result<Statement, InvalidStatement> {
    let malformed = InvalidStatement("It is no JWT.");
    if text.len() > MAX_STATEMENT {
        return Err(malformed);
    }
    let (message, tag) = text.rsplit_once('.').ok_or(malformed)?;
    let (header, body) = message.split_once('.').ok_or(malformed)?;
    let decode = |part: &str| BASE64.decode(part).map_err(|_| malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed)?;
    if header.crit.is_some() {
        return Err(InvalidStatement("Its header demands extensions (`crit`)."));
    }
    let keys = keys(connection).map_err(|_| InvalidStatement("The connection's keys cannot be used."))?;
    let kid = header.kid.ok_or(InvalidStatement("Its header names no `kid`."))?;
    let key = keys
        .iter()
        .find(|key| key.kid == kid)
        .ok_or(InvalidStatement("The connection has no key with its `kid`."))?;
    // The key decides on the algorithm; what the header says must merely agree.
    if Algorithm::deserialize(header.alg).ok() != Some(key.alg) {
        return Err(InvalidStatement("Its `alg` is not that of its key."));
    }
    if !key.verifies(message.as_bytes(), &decode(tag)?) {
        return Err(InvalidStatement("Its signature is wrong."));
    }
    let claims: Claims = serde_json::from_slice(&decode(body)?).map_err(|_| {
        InvalidStatement("It lacks one of the claims sub, aud, exp, jti, or one is malformed.")
    })?;
    prove(connection, claims, now)
}

fn prove(connection: &Connection, claims: Claims, now: Timestamp) -> Result<Statement, InvalidStatement> {
    if !claims.aud.has(&connection.id.to_string()) {
        return Err(InvalidStatement("Its `aud` is not this connection."));
    }
    let (now, skew) = (now.as_second(), SKEW.as_secs());
    let expires = seconds(claims.exp).ok_or(InvalidStatement("Its `exp` is no time."))?;
    if expires.saturating_add(skew) <= now {
        return Err(InvalidStatement("It has expired."));
    }
    if expires > now.saturating_add(LONGEST.as_secs()).saturating_add(skew) {
        return Err(InvalidStatement("Its `exp` is more than an hour ahead."));
    }
    let later = |time: Option<f64>| {
        time.is_some_and(|time| seconds(time).is_none_or(|time| time > now.saturating_add(skew)))
    };
    if later(claims.nbf) || later(claims.iat) {
        return Err(InvalidStatement("It does not hold yet (`nbf`, `iat`)."));
    }
    let id = |text: &str| (1..=MAX_ID).contains(&text.len()) && !text.chars().any(char::is_control);
    if !id(&claims.sub) || !id(&claims.jti) {
        return Err(InvalidStatement("Its `sub` or `jti` is empty or longer than 255 bytes."));
    }
    Ok(Statement {
        login: claims.sub,
        name: claims.name.and_then(|name| shown_name(&name)),
        email: claims.email.filter(|email| is_email(email)),
        id: claims.jti,
        expires: Timestamp::from_second(expires).unwrap_or(Timestamp::MAX),
    })
}

/// A `NumericDate` in whole seconds.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn seconds(date: f64) -> Option<i64> {
    (date.is_finite() && (0.0..=253_402_300_799.0).contains(&date)).then_some(date as i64)
}

/// A name as the desk shows it; `None` when nothing of it can be seen.
pub fn shown_name(name: &str) -> Option<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a text can be an e-mail address. Only a message that arrives proves more.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"\\".contains(c));
    let labels =
        domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    plain
        && text.len() <= 254
        && (1..=64).contains(&local.len())
        && !local.contains('@')
        && domain.contains('.')
        && labels
}
