//! The site chat: statements of shops under every algorithm, and parsers that take anything.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use channels::webchat::Webchat;
use channels::webchat::cursor::Cursor;
use channels::webchat::pass::Pass;
use channels::webchat::statement;
use channels::{Connection, Platform as _};
use jiff::Timestamp;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Map, Value, json};
use store::seal::Secret;

/// What stands before a public key in DER.
const ED25519: &str = "MCowBQYDK2VwAyEA";
const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=";

fn connection(keys: &Value) -> Connection {
    let secrets = [("secret", "a secret of ours".to_owned()), ("jwt_keys", keys.to_string())];
    Connection {
        id: "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        channel: "webchat".try_into().unwrap(),
        name: "Shop".to_owned(),
        settings: Map::new(),
        secrets: secrets.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
    }
}

fn now() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().unwrap()
}

/// A statement about customer 42, still to be signed.
fn message(alg: &str) -> String {
    let header = json!({"alg": alg, "kid": "k"}).to_string();
    let claims = json!({
        "sub": "42", "aud": ["other", "cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV"], "exp": now().as_second() + 60, "jti": "1",
    });
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

/// A public key in PEM, from what stands before it in DER and the key itself.
fn public(prefix: &str, key: &[u8]) -> String {
    let mut der = STANDARD.decode(prefix).unwrap();
    der.extend_from_slice(key);
    pem(&der)
}

fn proves(alg: &str, key: &str, statement: &str) -> bool {
    let connection = connection(&json!([{"kid": "k", "alg": alg, "key": key}]));
    statement::read(&connection, statement, now()).is_ok_and(|said| said.login == "42")
}

#[test]
fn public_keys_prove_what_they_signed() {
    let random = SystemRandom::new();
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let key = public(ED25519, pair.public_key().as_ref());
    let said = message("EdDSA");
    let signed = format!("{said}.{}", URL_SAFE_NO_PAD.encode(pair.sign(said.as_bytes())));
    assert!(proves("EdDSA", &key, &signed));
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let stranger = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    assert!(!proves("EdDSA", &public(ED25519, stranger.public_key().as_ref()), &signed));

    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
    let key = public(P256, pair.public_key().as_ref());
    let said = message("ES256");
    let tag = pair.sign(&random, said.as_bytes()).unwrap();
    let signed = format!("{said}.{}", URL_SAFE_NO_PAD.encode(tag));
    assert!(proves("ES256", &key, &signed));
    assert!(!proves("ES256", &key, &signed.replace('.', "A.")));

    // A public key is known to all, so that it must never serve as a shared secret.
    let forged = message("HS256");
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    let forged = format!("{forged}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&secret, forged.as_bytes())));
    assert!(!proves("ES256", &key, &forged));
}

/// Made with `openssl genrsa` and signed with `openssl dgst -sha256`; the private key is forgotten.
#[test]
fn an_rsa_key_proves_what_it_signed() {
    let key = include_str!("../fixtures/webchat/rsa.pem");
    let signed = include_str!("../fixtures/webchat/rsa.jwt").trim();
    assert!(proves("RS256", key, signed));
    let (said, tag) = signed.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(tag).unwrap();
    bytes[7] ^= 1;
    assert!(!proves("RS256", key, &format!("{said}.{}", URL_SAFE_NO_PAD.encode(bytes))));
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_refused_at_once() {
    let http = channels::http::Http::new();
    for keys in [
        json!({}),
        json!([{"kid": "k", "alg": "none", "key": "x".repeat(40)}]),
        json!([{"kid": "k", "alg": "HS512", "key": "x".repeat(40)}]),
        json!([{"kid": "k", "alg": "HS256", "key": "x".repeat(31)}]),
        json!([{"kid": "", "alg": "HS256", "key": "x".repeat(32)}]),
        json!([{"kid": "k", "alg": "EdDSA", "key": "x".repeat(32)}]),
        json!([{"kid": "k", "alg": "RS256", "key": pem(&[0x30, 0x82, 0xff, 0xff])}]),
        json!([{"kid": "k", "alg": "HS256", "key": "x".repeat(32)}, {"kid": "k", "alg": "HS256", "key": "y".repeat(32)}]),
    ] {
        let refused = Webchat.connect(&http, &connection(&keys), None).await.unwrap_err();
        assert_eq!(refused.reason, "bad_jwt_keys", "{keys}");
        assert!(!refused.detail.contains("xxx"), "a key is never repeated: {}", refused.detail);
    }
    for origin in
        ["https://shop.example/", "https://shop.example/x", "shop.example", "ftp://shop.example", ""]
    {
        let mut connection = connection(&json!([]));
        connection.settings.insert("allowed_origins".to_owned(), json!([origin]));
        assert_eq!(
            Webchat.connect(&http, &connection, None).await.unwrap_err().reason,
            "bad_origin",
            "{origin}"
        );
    }
    let mut good = connection(&json!([]));
    good.settings
        .insert("allowed_origins".to_owned(), json!(["https://shop.example", "http://127.0.0.1:8080"]));
    Webchat.connect(&http, &good, None).await.unwrap();
}

proptest! {
    #[test]
    fn any_text_is_a_token_or_none(text in ".{0,200}", tag in "[A-Za-z0-9_-]{0,60}") {
        let connection = connection(&json!([{"kid": "k", "alg": "HS256", "key": "x".repeat(32)}]));
        for token in [text.clone(), format!("{}.{tag}", URL_SAFE_NO_PAD.encode(&text)), format!("{text}.{text}.{tag}")] {
            prop_assert!(Pass::remember(&connection, &token, now()).is_err());
            prop_assert!(statement::read(&connection, &token, now()).is_err());
            let _ = Pass::connection_of(&token);
        }
    }

    #[test]
    fn any_text_is_a_cursor_or_none(text in "[0-9A-Z.~é]{0,120}") {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
    }

    #[test]
    fn any_body_becomes_one_delivery(body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(Webchat.parse(&connection(&json!([])), &body, now()).len(), 1);
    }

    #[test]
    fn any_key_is_read_or_refused(der in prop::collection::vec(any::<u8>(), 0..200), alg in "EdDSA|RS256|ES256") {
        let unsigned = format!("{}.AA", message(&alg));
        prop_assert!(!proves(&alg, &pem(&der), &unsigned));
    }
}
