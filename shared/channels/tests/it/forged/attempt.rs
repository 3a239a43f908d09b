//! What a request looks like that tries to get in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use mutations::damaged;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::gate::{NEW, OLD, OTHER, Paths, SECRET};

/// How a channel's requests prove where they come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// The header.
    pub(super) header: &'static str,
    /// What stands before the secret in it.
    pub(super) scheme: &'static str,
    /// The setting that holds the secret.
    pub(super) setting: &'static str,
}

impl Proof {
    pub(super) fn value(self, secret: &str) -> String {
        format!("{}{secret}", self.scheme)
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// Headers that prove nothing, or once proved something somewhere.
const OTHER_HEADERS: [&str; 9] = [
    "x-authorization",
    "proxy-authorization",
    "www-authenticate",
    "cookie",
    "x-hub-signature-256",
    "x-api-key",
    "x-telegram-bot-api-secret",
    "telegram-bot-api-secret-token",
    "x-original-authorization",
];

/// A secret that is nearly the right one.
fn wrong_secret() -> impl Strategy<Value = String> {
    let changed = (any::<Index>(), any::<Index>(), "[!-~]", 0..8_u8).prop_map(|(at, until, byte, how)| {
        let at = at.index(SECRET.len());
        let (head, tail) = SECRET.split_at(at);
        let rest = &tail[1..];
        match how {
            0 => head.to_owned(),
            1 => tail.to_owned(),
            2 => format!("{head}{byte}{tail}"),
            3 => format!("{head}{byte}{rest}"),
            4 => format!("{head}{rest}"),
            5 => format!("{SECRET}{}", &SECRET[..=until.index(SECRET.len())]),
            6 => format!("{head}{} {rest}", &tail[..1]),
            _ => {
                SECRET.char_indices().map(|(place, c)| if place >= at { other_case(c) } else { c }).collect()
            }
        }
    });
    let known = vec![
        OTHER.to_owned(),
        OLD.to_owned(),
        NEW.to_owned(),
        String::new(),
        SECRET.to_lowercase(),
        SECRET.to_uppercase(),
        SECRET.chars().rev().collect(),
        BASE64.encode(SECRET),
        SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        SECRET.bytes().map(|byte| format!("{byte:02x}")).collect(),
        format!("\"{SECRET}\""),
        format!("{SECRET}, {SECRET}"),
        format!("{SECRET};{SECRET}"),
        format!("{SECRET},"),
        format!("Bearer {SECRET}"),
        format!("token={SECRET}"),
        "null".to_owned(),
        "undefined".to_owned(),
        "0".repeat(SECRET.len()),
        "A".repeat(10_000),
    ];
    prop_oneof![6 => changed, 3 => select(known), 1 => "[!-~]{33}"]
        .prop_filter("still the secret", |secret| secret.trim() != SECRET)
}

fn other_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}

/// Headers without proof.
fn wrong_headers(proof: Proof) -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let of = move |name: &str, value: String| vec![(name.to_owned(), value.into_bytes())];
    let good = proof.value(SECRET);
    let wrong = wrong_secret().prop_map(move |secret| of(proof.header, proof.value(&secret)));
    let several = (wrong_secret(), 0..4_u8).prop_map(move |(secret, order)| {
        let (good, wrong) = (proof.value(SECRET), proof.value(&secret));
        let values = match order {
            0 => vec![good.clone(), good],
            1 => vec![good, wrong],
            2 => vec![wrong, good],
            _ => vec![good.clone(), wrong, good],
        };
        values.into_iter().flat_map(|value| of(proof.header, value)).collect()
    });
    let elsewhere = select(&OTHER_HEADERS[..])
        .prop_filter("its own header", move |name| *name != proof.header)
        .prop_map(move |name| of(name, good.clone()));
    // The secret is right, and what stands around it is not.
    let scheme =
        select(vec!["Basic ", "Token ", "bearer", "Bearer:", "Bearer=", "Bearer Bearer ", "Bot ", "\t", "x"])
            .prop_filter("a valid scheme", move |scheme| {
                !scheme.trim().is_empty() || !proof.scheme.is_empty()
            })
            .prop_map(move |scheme| of(proof.header, format!("{scheme}{SECRET}")));
    let binary = prop::collection::vec(0x80..=0xff_u8, 1..40)
        .prop_map(move |bytes| vec![(proof.header.to_owned(), [proof.scheme.as_bytes(), &bytes].concat())]);
    prop_oneof![8 => wrong, 3 => several, 1 => elsewhere, 1 => scheme, 1 => binary, 1 => Just(Vec::new())]
}

/// A request that lacks its proof, by whatever a forger may change.
pub(super) fn forged(proof: Proof, paths: Paths, samples: Vec<Vec<u8>>) -> impl Strategy<Value = Attempt> {
    let Paths { own, without_secret, other, nowhere } = paths;
    let good = vec![(proof.header.to_owned(), proof.value(SECRET).into_bytes())];
    let post = Just(Method::POST);
    // Some tell the secret where nobody looks for it.
    let telling = vec![
        own.clone(),
        own.clone(),
        own.clone(),
        format!("{own}?{}={SECRET}", proof.header),
        format!("{own}?token={SECRET}&secret={SECRET}"),
    ];
    let unproved = (post.clone(), select(telling), wrong_headers(proof));
    let any_headers = prop_oneof![wrong_headers(proof), Just(good.clone())];
    let secretless = (post.clone(), select(without_secret), any_headers.clone());
    let misdirected = (post.clone(), prop_oneof![Just(other), select(nowhere)], Just(good.clone()));
    let methods = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let misasked = (select(methods.to_vec()), Just(own), any_headers);
    let body = prop_oneof![damaged(samples), Just(SECRET.as_bytes().to_vec()), Just(Vec::new())];
    (prop_oneof![8 => unproved, 2 => secretless, 1 => misdirected, 1 => misasked], body)
        .prop_map(|((method, path, headers), body)| Attempt { method, path, headers, body })
}

/// A valid request: the header's name and scheme in any case, other headers beside it, any body that the platform sends.
pub(super) fn valid(proof: Proof, own: String, samples: Vec<Vec<u8>>) -> impl Strategy<Value = Attempt> {
    let cases = prop::collection::vec(any::<bool>(), 40);
    (select(samples), cases, any::<bool>(), 0..3_usize).prop_map(move |(body, cases, beside, spaces)| {
        let cased = |text: &str| -> String {
            text.chars()
                .zip(cases.iter().cycle())
                .map(|(c, turn)| if *turn { other_case(c) } else { c })
                .collect()
        };
        let space = if proof.scheme.is_empty() { 0 } else { spaces };
        let value = format!("{}{}{SECRET}", cased(proof.scheme), " ".repeat(space));
        let mut headers = vec![(cased(proof.header), value.into_bytes())];
        if beside {
            headers.insert(0, ("user-agent".to_owned(), b"a platform".to_vec()));
            headers.push(("x-forwarded-for".to_owned(), b"192.0.2.7".to_vec()));
        }
        Attempt { method: Method::POST, path: own.clone(), headers, body }
    })
}
