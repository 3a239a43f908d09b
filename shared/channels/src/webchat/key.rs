//! Keys of the shop, by which it signs who its customers are: JWS (RFC 7515) with one algorithm pinned to each key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{hmac, signature};
use serde::Deserialize;

use crate::Connection;

/// The most keys of a connection: two while one replaces another, and some to spare.
const MAX_KEYS: usize = 10;
/// The shortest shared secret, in bytes: as long as the hash (RFC 7518, 3.2).
const MIN_SECRET: usize = 32;

/// What stands before a public key of Ed25519 in its DER form (RFC 8410).
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The algorithm of a public key on P-256 in its DER form (RFC 5480).
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07,
];
/// The algorithm of a public RSA key in its DER form (RFC 3279).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// How the shop signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    /// HMAC with SHA-256 under a shared secret.
    HS256,
    /// Ed25519.
    EdDSA,
    /// RSA with PKCS #1 v1.5 and SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// Keys that cannot be used, with what is wrong, without any key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidKeys {
    #[error(
        "`jwt_keys` is a list of at most {MAX_KEYS} objects `{{kid, alg, key}}`, `alg` being HS256, EdDSA, RS256 or ES256."
    )]
    Form,
    #[error("The key `{0}` stands twice in `jwt_keys`.")]
    Twice(String),
    #[error("The key `{0}` is too short: a secret for HS256 has at least {MIN_SECRET} bytes.")]
    Short(String),
    #[error("The key `{0}` is no public key in PEM for its algorithm.")]
    Unreadable(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    kid: String,
    alg: Algorithm,
    key: String,
}

/// A key, ready to verify with.
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) alg: Algorithm,
    material: Vec<u8>,
}

impl Key {
    /// Whether the signature is the shop's.
    pub(super) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        let public = |how: &'static dyn signature::VerificationAlgorithm| {
            signature::UnparsedPublicKey::new(how, &self.material).verify(message, tag).is_ok()
        };
        match self.alg {
            Algorithm::HS256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &self.material);
                hmac::verify(&key, message, tag).is_ok()
            }
            Algorithm::EdDSA => public(&signature::ED25519),
            Algorithm::RS256 => public(&signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::ES256 => public(&signature::ECDSA_P256_SHA256_FIXED),
        }
    }
}

/// The keys of a connection; none when the owner gave none.
///
/// # Errors
/// When what the owner gave cannot be used.
pub(super) fn keys(connection: &Connection) -> Result<Vec<Key>, InvalidKeys> {
    let Some(text) = connection.secret("jwt_keys") else { return Ok(Vec::new()) };
    let given: Vec<Given> = serde_json::from_str(text).map_err(|_| InvalidKeys::Form)?;
    if given.len() > MAX_KEYS || given.iter().any(|given| given.kid.is_empty() || given.kid.len() > 255) {
        return Err(InvalidKeys::Form);
    }
    let mut keys: Vec<Key> = Vec::with_capacity(given.len());
    for Given { kid, alg, key } in given {
        if keys.iter().any(|known| known.kid == kid) {
            return Err(InvalidKeys::Twice(kid));
        }
        let material = match alg {
            Algorithm::HS256 if key.len() < MIN_SECRET => return Err(InvalidKeys::Short(kid)),
            Algorithm::HS256 => Some(key.into_bytes()),
            Algorithm::EdDSA => pem(&key).and_then(|der| der.strip_prefix(ED25519).map(<[u8]>::to_vec)),
            Algorithm::ES256 => pem(&key).and_then(|der| point(&der)),
            Algorithm::RS256 => pem(&key).and_then(|der| rsa(&der)),
        };
        match material {
            Some(material) => keys.push(Key { kid, alg, material }),
            None => return Err(InvalidKeys::Unreadable(kid)),
        }
    }
    Ok(keys)
}

/// The bytes of a public key in PEM (RFC 7468).
fn pem(text: &str) -> Option<Vec<u8>> {
    let body =
        text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64.decode(body).ok()
}

/// The uncompressed point of a key on P-256.
fn point(der: &[u8]) -> Option<Vec<u8>> {
    let bits = bit_string(der, P256)?;
    (bits.len() == 65 && bits.first() == Some(&4)).then(|| bits.to_vec())
}

/// The `RSAPublicKey` of a key for RSA.
fn rsa(der: &[u8]) -> Option<Vec<u8>> {
    let bits = bit_string(der, RSA)?;
    let (tag, _, rest) = element(bits)?;
    (tag == 0x30 && rest.is_empty()).then(|| bits.to_vec())
}

/// The key of a `SubjectPublicKeyInfo` (RFC 5280) with this algorithm.
fn bit_string<'a>(der: &'a [u8], algorithm: &[u8]) -> Option<&'a [u8]> {
    let (0x30, body, []) = element(der)? else { return None };
    let (0x03, bits, []) = element(body.strip_prefix(algorithm)?)? else { return None };
    bits.strip_prefix(&[0])
}

/// The first element of DER: its tag, its content and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_at_checked(2)?;
            (usize::from(u16::from_be_bytes(length.try_into().ok()?)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
