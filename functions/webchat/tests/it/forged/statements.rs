//! Forged statements of the shop.

use desk::ids::{ConnectionId, Ulid};
use proptest::sample::select;

use super::*;
use crate::stage::SECRET;

/// A statement with this header and these claims, signed with a secret.
fn jwt(header: &Value, claims: &Value, secret: &str) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    format!("{message}.{}", sign(secret.as_bytes(), &message))
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT", "kid": "shop"})
}

impl Stage {
    fn said_by_shop(&self, sub: &str, jti: &str) -> Value {
        let now = self.now().as_second();
        json!({"sub": sub, "aud": self.connection.to_string(), "iat": now, "exp": now + 600, "jti": jti})
    }
}

/// Statements that are wrong in their headers: the algorithm, the key, what they demand.
fn wrong_headers(claims: &Value) -> Vec<String> {
    let mut statements = Vec::new();
    let with = |name: &str, value: Value| {
        let mut changed = header();
        changed[name] = value;
        changed
    };
    let algorithms = [
        "none", "None", "NONE", "nOnE", "", "hs256", "HS-256", "HS384", "HS512", "RS256", "ES256", "EdDSA",
        "PS256", "dir",
    ];
    for alg in algorithms {
        let header = with("alg", json!(alg));
        let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        statements.push(format!("{message}."));
        statements.push(message);
        statements.push(jwt(&header, claims, SECRET));
        statements.push(jwt(&header, claims, ""));
    }
    for header in [
        with("alg", Value::Null),
        with("alg", json!(["HS256"])),
        with("kid", Value::Null),
        with("kid", json!("")),
        with("kid", json!("Shop")),
        with("kid", json!("../../dev/null")),
        with("kid", json!("shop' OR '1'='1")),
        with("kid", json!(["shop"])),
        with("crit", json!([])),
        with("crit", json!(["exp"])),
        json!({}),
        json!([]),
        json!("HS256"),
    ] {
        statements.push(jwt(&header, claims, SECRET));
    }
    // Keys that the forger brings along.
    let own = "a forger's own secret of 32 bytes";
    let octets = json!({"kty": "oct", "k": BASE64.encode(own), "alg": "HS256", "kid": "shop"});
    for (name, value) in [
        ("jwk", octets.clone()),
        ("jku", json!("https://forger.example/keys")),
        ("x5u", json!("https://forger.example/key.pem")),
        ("x5c", json!([BASE64.encode(own)])),
    ] {
        statements.push(jwt(&with(name, value), claims, own));
    }
    for secret in ["", own, &SECRET.to_uppercase(), &SECRET[..31], &format!("{SECRET} "), "secret", "null"] {
        statements.push(jwt(&header(), claims, secret));
    }
    statements
}

/// Statements of the shop that say the wrong thing.
fn wrong_claims(stage: &Stage, claims: &Value, elsewhere: ConnectionId) -> Vec<String> {
    let now = stage.now().as_second();
    let day = 86_400;
    let mut statements = Vec::new();
    let changes = [
        (
            "aud",
            vec![
                json!(elsewhere.to_string()),
                json!([elsewhere.to_string()]),
                json!([]),
                json!(""),
                json!("*"),
                Value::Null,
            ],
        ),
        // Two minutes and more: clocks differ by one.
        (
            "exp",
            vec![
                json!(now - 120),
                json!(0),
                json!(-1),
                json!(now + 2 * day),
                json!(1e300),
                json!("9999999999"),
                Value::Null,
            ],
        ),
        ("nbf", vec![json!(now + day), json!(1e300), json!(-1), json!("soon")]),
        ("iat", vec![json!(now + day), json!(1e300), json!("soon")]),
        ("jti", vec![json!(""), json!("x".repeat(256)), json!("a\nb"), json!(7), Value::Null]),
        ("sub", vec![json!(""), json!("x".repeat(256)), json!("a\0b"), json!(42), json!({}), Value::Null]),
    ];
    for (name, values) in changes {
        for value in values {
            let mut changed = claims.clone();
            changed[name] = value;
            statements.push(jwt(&header(), &changed, SECRET));
        }
        if name != "nbf" && name != "iat" {
            let mut changed = claims.clone();
            changed.as_object_mut().unwrap().remove(name);
            statements.push(jwt(&header(), &changed, SECRET));
        }
    }
    for claims in [json!({}), json!([]), json!("42"), Value::Null] {
        statements.push(jwt(&header(), &claims, SECRET));
    }
    statements
}

/// Other claims under the signature of a good statement.
fn other_claims(good: &str, claims: &Value) -> Vec<String> {
    let [head, _, tag] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let changes = [
        ("sub", json!("43")),
        ("jti", json!("other")),
        ("exp", json!(9_999_999_999_u64)),
        ("email", json!("ann@x.example")),
    ];
    changes
        .map(|(name, value)| {
            let mut changed = claims.clone();
            changed[name] = value;
            format!("{head}.{}.{tag}", BASE64.encode(changed.to_string()))
        })
        .to_vec()
}

#[tokio::test]
async fn forged_statements_are_refused() {
    let stage = Stage::new().await;
    let elsewhere = ConnectionId::new(Ulid::from_parts(5, 5));
    stage.connect(elsewhere, json!({"allowed_origins": ["*"]})).await;
    let guest = stage.guest(json!({})).await;
    let claims = stage.said_by_shop("42", "never used");
    let good = jwt(&header(), &claims, SECRET);
    let used = jwt(&header(), &stage.said_by_shop("42", "used"), SECRET);
    stage.guest(json!({"identity": used})).await;
    let mut strange = vec![used, guest.token.clone(), format!("{good}.{good}"), String::new()];
    strange.extend(other_claims(&good, &claims));
    strange.extend(wrong_claims(&stage, &claims, elsewhere));
    strange.extend(wrong_headers(&claims));
    let forged = prop_oneof![1 => nearly(good), 1 => select(strange)];
    let mut chance = TestRunner::deterministic();
    for _ in 0..FORGERIES {
        let (forged, known) = draw(&(forged.clone(), any::<bool>()), &mut chance);
        let mut asked = json!({"identity": forged});
        if known {
            asked["token"] = json!(guest.token);
        }
        stage.refused(&stage.session(asked).await, &forged);
    }
    stage.nothing_came_in().await;
    let address = format!("{}:43", stage.connection);
    assert_eq!(stage.desk.contact_by_identity("login", &address).await.unwrap(), None);
}

#[tokio::test]
async fn good_statements_are_taken() {
    let stage = Stage::new().await;
    let mut chance = TestRunner::deterministic();
    // Clocks differ by a minute, and headers and claims may say more.
    let times = (-50..3_600_i64, -40..55_i64, any::<bool>());
    for turn in 0..VALID {
        let (left, ahead, more) = draw(&times, &mut chance);
        let now = stage.now().as_second();
        let (mut header, mut claims) =
            (header(), stage.said_by_shop(&format!("customer {turn}"), &format!("{turn}")));
        claims["exp"] = json!(now + left);
        claims["iat"] = json!(now + ahead);
        if more {
            header["cty"] = json!("text");
            claims["nbf"] = json!(now as f64 + 0.5);
            claims["aud"] = json!(["shop", stage.connection.to_string()]);
            claims["role"] = json!("gold");
        }
        let asked = json!({"identity": jwt(&header, &claims, SECRET)});
        stage.session(asked).await.is(200);
    }
}
