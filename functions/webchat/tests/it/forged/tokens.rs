//! Forged tokens of visitors.

use desk::ids::{ConnectionId, Ulid};
use proptest::sample::select;

use super::*;
use crate::stage::{Guest, SECRET};

const SIX_HOURS: i64 = 6 * 3600;

/// A token with these contents, signed as the desk does it, with a secret that may be another one.
fn token(secret: &str, said: &Value) -> String {
    let body = BASE64.encode(said.to_string());
    let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), b"lambdesk visitor token");
    format!("{body}.{}", sign(own.as_ref(), &body))
}

/// What a good token says, as JSON.
fn said(token: &str) -> Value {
    let (body, _) = token.split_once('.').unwrap();
    serde_json::from_slice(&BASE64.decode(body).unwrap()).unwrap()
}

/// Tokens of nobody, or of somebody else.
fn strange(stage: &Stage, guest: &Guest, elsewhere: ConnectionId) -> Vec<String> {
    let good = said(&guest.token);
    let (body, tag) = guest.token.split_once('.').unwrap();
    let own_secret = format!("secret of {}", stage.connection);
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed
    };
    let now = stage.now().as_second();
    let unsigned = |said: &Value| BASE64.encode(said.to_string());
    let connection = good["c"].clone();
    let mut tokens = vec![
        String::new(),
        ".".to_owned(),
        format!("{body}."),
        format!("{body}.{body}"),
        format!("{tag}.{body}"),
        format!("{}.{tag}", unsigned(&with("v", json!("vis_01ARZ3NDEKTSV4RRFFQ69G5FAV")))),
        format!("{}.{tag}", unsigned(&with("l", json!("42")))),
        format!("{}.{tag}", unsigned(&with("e", json!(now + 1_000_000)))),
        format!("{}.{body}.", BASE64.encode(r#"{"alg":"none"}"#)),
        // Right in all but the key.
        format!("{body}.{}", sign(own_secret.as_bytes(), body)),
        format!("{body}.{}", sign(b"", body)),
        format!("{body}.{}", sign(SECRET.as_bytes(), body)),
        // Of another connection, and of this one with the other's secret.
        token(&format!("secret of {elsewhere}"), &with("c", json!(elsewhere.to_string()))),
        // Of this desk's own making, and nothing that a session may become any more.
        token(&own_secret, &with("e", json!(now - 40 * 86_400))),
        token(&own_secret, &with("e", json!(i64::MIN))),
        token(&own_secret, &with("e", json!("later"))),
        token(&own_secret, &with("e", json!(1e300))),
        token(&own_secret, &with("v", json!("cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV"))),
        token(&own_secret, &with("c", json!(elsewhere.to_string()))),
        token(&own_secret, &json!({})),
        token(&own_secret, &json!([good.clone()])),
    ];
    for secret in [format!("secret of {elsewhere}"), String::new(), SECRET.to_owned(), connection.to_string()]
    {
        tokens.push(token(&secret, &good));
    }
    tokens
}

/// Presents a token, or something like one, where tokens are read.
async fn present(stage: &Stage, good: &str, forged: &str, way: u8) -> (Answer, String) {
    let bearer = |token: &str| format!("Bearer {token}");
    let mut errands = errands();
    let (method, path, body) = errands.swap_remove(usize::from(way) % errands.len());
    let (wrong, right) = (bearer(forged), bearer(good));
    let query = format!("{path}?token={}", BASE64.encode(forged));
    let cookie = format!("token={good}");
    let headers: Vec<(&str, &str)> = match way / 8 {
        0..=15 => vec![("Authorization", &wrong)],
        16 => vec![("authorization", &right), ("Authorization", &right)],
        17 => vec![("authorization", &right), ("Authorization", &wrong)],
        18 => vec![("authorization", &wrong), ("Authorization", &right)],
        19 => vec![("X-Authorization", &right), ("cookie", &cookie)],
        20 => vec![("authorization", good)],
        21..=23 => Vec::new(),
        _ => {
            let answer = stage.session(json!({"token": forged})).await;
            return (answer, format!("session with {forged:?}"));
        }
    };
    let answer = stage.knock(method, &query, &headers, &body).await;
    (answer, format!("{path} with {headers:?}"))
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let stage = Stage::new().await;
    let elsewhere = ConnectionId::new(Ulid::from_parts(5, 5));
    stage.connect(elsewhere, json!({"allowed_origins": ["*"]})).await;
    let guest = stage.guest(json!({})).await;
    let forged = prop_oneof![
        3 => nearly(guest.token.clone()),
        1 => select(strange(&stage, &guest, elsewhere)),
    ];
    let mut chance = TestRunner::deterministic();
    for _ in 0..FORGERIES {
        let (forged, way) = draw(&(forged.clone(), any::<u8>()), &mut chance);
        let (answer, shown) = present(&stage, &guest.token, &forged, way).await;
        stage.refused(&answer, &shown);
    }
    stage.nothing_came_in().await;
}

#[tokio::test]
async fn a_token_opens_nothing_after_its_time() {
    let stage = Stage::new().await;
    let guest = stage.guest(json!({})).await;
    let own_secret = format!("secret of {}", stage.connection);
    let mut chance = TestRunner::deterministic();
    for _ in 0..500 {
        let late = draw(&(0..30 * 86_400_i64), &mut chance);
        let mut said = said(&guest.token);
        said["e"] = json!(stage.now().as_second() - late);
        let late = format!("Bearer {}", token(&own_secret, &said));
        for (method, path, body) in errands() {
            stage.refused(&stage.knock(method, path, &[("authorization", &late)], &body).await, path);
        }
    }
    stage.nothing_came_in().await;
}

#[tokio::test]
async fn good_tokens_are_taken() {
    let stage = Stage::new().await;
    let own_secret = format!("secret of {}", stage.connection);
    let mut chance = TestRunner::deterministic();
    let schemes = select(vec!["Bearer ", "bearer ", "BEARER ", "beArer   "]);
    let names = select(vec!["authorization", "Authorization", "AUTHORIZATION", "aUTHORIZATION"]);
    for turn in 0..VALID {
        let guest = stage.guest(json!({})).await;
        let (scheme, name, left) = draw(&(schemes.clone(), names.clone(), 10..SIX_HOURS), &mut chance);
        let mut said = said(&guest.token);
        said["e"] = json!(stage.now().as_second() + left);
        let value = format!("{scheme}{}", token(&own_secret, &said));
        let body = json!({"client_id": format!("m{turn}"), "text": "Hello"});
        stage.knock(Method::POST, "messages", &[(name, &value)], &body).await.is(202);
    }
    assert_eq!(stage.waiting().await, VALID);
}
