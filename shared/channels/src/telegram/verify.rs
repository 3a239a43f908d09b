//! Whether a webhook comes from Telegram: <https://core.telegram.org/bots/api#setwebhook>, `secret_token`.

use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use crate::Connection;
use crate::platform::Unauthentic;

/// The header in which Telegram repeats the secret that the webhook was set with.
const HEADER: &str = "x-telegram-bot-api-secret-token";

/// Refuses unless the header is there once and equals the connection's secret. A connection without a secret refuses
/// everything. The body is not signed and plays no part.
pub(super) fn verify(connection: &Connection, headers: &HeaderMap) -> Result<(), Unauthentic> {
    let secret = connection.secret("secret_token").ok_or(Unauthentic)?;
    let mut given = headers.get_all(HEADER).iter();
    // Two headers mean that somebody in between added one, and then neither proves anything.
    let (Some(token), None) = (given.next(), given.next()) else {
        return Err(Unauthentic);
    };
    if token.as_bytes().ct_eq(secret.as_bytes()).into() { Ok(()) } else { Err(Unauthentic) }
}
