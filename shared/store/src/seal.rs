//! Sealed values: secrets of others that the desk must keep, encrypted under the installation's key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;

/// A secret in the clear. Shows nothing of itself when debugged, and cannot be serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself. Never log it, never return it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret as it is stored: AES-256-GCM, with the id of its key beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    key: String,
    nonce: String,
    value: String,
}

/// A sealed value that does not open: another key, another place, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with the installation's key")]
pub struct Unsealable;

/// The installation's key.
pub struct SealingKey {
    id: String,
    aead: LessSafeKey,
    signing: hmac::Key,
}

impl SealingKey {
    /// The length of the key in bytes.
    pub const LENGTH: usize = 32;

    /// Takes the key's bytes. `None` unless there are [`SealingKey::LENGTH`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let id = hmac::sign(&root, b"lambdesk key id");
        let signing = hmac::sign(&root, b"lambdesk signing");
        Some(Self {
            id: BASE64.encode(id.as_ref().get(..6)?),
            aead,
            signing: hmac::Key::new(hmac::HMAC_SHA256, signing.as_ref()),
        })
    }

    /// Seals a secret for one place, such as `cnx_…/token`; it opens only there.
    pub fn seal(&self, environment: &dyn Environment, place: &str, secret: &Secret) -> Sealed {
        let mut nonce = [0; NONCE_LEN];
        environment.fill(&mut nonce);
        let mut bytes = secret.expose().as_bytes().to_vec();
        let sealed = self.aead.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            &mut bytes,
        );
        debug_assert!(sealed.is_ok(), "sealing fails only for texts of 64 GiB");
        Sealed { key: self.id.clone(), nonce: BASE64.encode(nonce), value: BASE64.encode(bytes) }
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// When it was sealed with another key or for another place, or was changed.
    pub fn open(&self, place: &str, sealed: &Sealed) -> Result<Secret, Unsealable> {
        let nonce = BASE64.decode(&sealed.nonce).map_err(|_| Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| Unsealable)?;
        let mut bytes = BASE64.decode(&sealed.value).map_err(|_| Unsealable)?;
        let opened = self
            .aead
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes)
            .map_err(|_| Unsealable)?;
        String::from_utf8(opened.to_vec()).map(Secret).map_err(|_| Unsealable)
    }

    /// Signs a text for one purpose; for links that the desk gives out and takes back.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        let tag = hmac::sign(&self.signing, format!("{purpose}\n{text}").as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether a signature is ours, for this purpose and text. In constant time.
    pub fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        let Ok(tag) = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        hmac::verify(&self.signing, format!("{purpose}\n{text}").as_bytes(), &tag).is_ok()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::System;

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let key = SealingKey::new(&[7; 32]).unwrap();
        let sealed = key.seal(&System::new(), "cnx_1/token", &Secret::new("123:abc"));
        assert_eq!(key.open("cnx_1/token", &sealed).unwrap().expose(), "123:abc");
        assert_eq!(key.open("cnx_2/token", &sealed), Err(Unsealable));
        assert_eq!(SealingKey::new(&[8; 32]).unwrap().open("cnx_1/token", &sealed), Err(Unsealable));
        assert!(!format!("{sealed:?}").contains("123:abc"));
    }

    #[test]
    fn a_signature_holds_for_its_purpose_only() {
        let key = SealingKey::new(&[7; 32]).unwrap();
        let signature = key.sign("upload", "att_1");
        assert!(key.verify("upload", "att_1", &signature));
        assert!(!key.verify("download", "att_1", &signature));
        assert!(!key.verify("upload", "att_2", &signature));
        assert!(!key.verify("upload", "att_1", ""));
    }
}
