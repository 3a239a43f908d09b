//! Signing in with what the shop's server says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::SignedDuration;
use ring::hmac;
use serde_json::{Value, json};

use crate::stage::{SECRET, Stage};

/// A JWT with this header and these claims, signed with a shared secret.
fn jwt(header: Value, claims: &Value, secret: &str) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{message}.{}", BASE64.encode(hmac::sign(&key, message.as_bytes())))
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT", "kid": "shop"})
}

impl Stage {
    fn claims(&self, sub: &str, jti: &str) -> Value {
        let now = self.now().as_second();
        json!({"sub": sub, "aud": self.connection.to_string(), "iat": now, "exp": now + 600, "jti": jti, "name": "Ann"})
    }

    fn says_shop(&self, sub: &str, jti: &str) -> String {
        jwt(header(), &self.claims(sub, jti), SECRET)
    }
}

#[tokio::test]
async fn a_signed_in_customer_is_one_contact_everywhere() {
    let stage = Stage::new().await;
    let phone = stage.guest(json!({"identity": stage.says_shop("42", "a")})).await;
    assert_eq!(phone.session["name"], "Ann");
    stage.says(&phone, "1", "from the phone").await;
    let contact = stage.ticket(&phone).await.contact;
    let address = format!("{}:42", stage.connection);
    assert_eq!(stage.desk.contact_by_identity("login", &address).await.unwrap(), Some(contact));
    let found = stage.desk.contact(contact).await.unwrap().unwrap();
    assert!(found.identities.iter().any(|identity| identity.kind == "login" && identity.verified));

    let laptop = stage.guest(json!({"identity": stage.says_shop("42", "b")})).await;
    assert_eq!(stage.texts(&laptop).await, ["from the phone"]);
    let renewed = stage.guest(json!({"token": laptop.token})).await;
    assert_eq!((renewed.id, &renewed.session["name"]), (phone.id, &json!("Ann")));
    let stranger = stage.guest(json!({"identity": stage.says_shop("43", "c")})).await;
    assert!(stage.texts(&stranger).await.is_empty());
}

#[tokio::test]
async fn a_visitor_who_signs_in_keeps_the_conversation() {
    let stage = Stage::new().await;
    let anonymous = stage.guest(json!({})).await;
    stage.says(&anonymous, "1", "before").await;
    let contact = stage.ticket(&anonymous).await.contact;
    let asked = json!({"token": anonymous.token, "identity": stage.says_shop("42", "a")});
    let known = stage.guest(asked).await;
    assert_eq!(known.id, anonymous.id);
    assert_eq!(stage.texts(&known).await, ["before"]);
    let address = format!("{}:42", stage.connection);
    assert_eq!(stage.desk.contact_by_identity("login", &address).await.unwrap(), Some(contact));
    stage.says(&known, "2", "after").await;
    assert_eq!(stage.ticket(&known).await.contact, contact);

    // The token from before says nothing of the login any more.
    let stale = stage.guest(json!({"token": anonymous.token})).await;
    assert_ne!(stale.id, anonymous.id);
}

#[tokio::test]
async fn nobody_signs_in_to_somebody_elses_conversation() {
    let stage = Stage::new().await;
    let ann = stage.guest(json!({"identity": stage.says_shop("ann", "a")})).await;
    stage.says(&ann, "1", "of Ann").await;
    let asked = json!({"token": ann.token, "identity": stage.says_shop("bob", "b")});
    let bob = stage.guest(asked).await;
    assert_ne!(bob.id, ann.id);
    assert!(stage.texts(&bob).await.is_empty());

    let anonymous = stage.guest(json!({})).await;
    stage.says(&anonymous, "1", "of nobody").await;
    let kept = json!({"token": anonymous.token, "identity": stage.says_shop("ann", "c")});
    assert_eq!(stage.guest(kept).await.id, anonymous.id, "Ann proved that the conversation is hers");
    let taken = json!({"token": anonymous.token, "identity": stage.says_shop("bob", "d")});
    let taken = stage.guest(taken).await;
    assert_eq!(taken.id, bob.id, "Bob has the old token, and it is not his");
    assert!(stage.texts(&taken).await.is_empty());
}

#[tokio::test]
async fn a_login_with_a_contact_takes_the_conversation_to_it() {
    let stage = Stage::new().await;
    let first = stage.guest(json!({"identity": stage.says_shop("42", "a")})).await;
    stage.says(&first, "1", "first").await;
    let anonymous = stage.guest(json!({})).await;
    stage.says(&anonymous, "1", "second").await;
    let stranger = stage.ticket(&anonymous).await.contact;
    let known = stage.guest(json!({"token": anonymous.token, "identity": stage.says_shop("42", "b")})).await;
    assert_eq!(known.id, anonymous.id);
    let thread = stage.desk.thread(&stage.thread(&known)).await.unwrap().unwrap();
    assert_eq!(thread.contact, stage.ticket(&first).await.contact);
    assert!(stage.desk.contact(stranger).await.unwrap().is_some(), "contacts are never merged");
}

#[tokio::test]
async fn what_the_shop_did_not_sign_is_refused() {
    let stage = Stage::new().await;
    let claims = stage.claims("42", "a");
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        jwt(header(), &changed, SECRET)
    };
    let without = |name: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        jwt(header(), &changed, SECRET)
    };
    let now = stage.now().as_second();
    let good = jwt(header(), &claims, SECRET);
    let (message, _) = good.rsplit_once('.').unwrap();
    let unsigned = jwt(json!({"alg": "none", "kid": "shop"}), &claims, SECRET);
    let (unsigned_message, _) = unsigned.rsplit_once('.').unwrap();
    let refused = [
        unsigned.clone(),
        format!("{unsigned_message}."),
        format!("{message}."),
        jwt(header(), &claims, "another secret of 32 bytes or more"),
        jwt(json!({"alg": "HS256", "kid": "other"}), &claims, SECRET),
        jwt(json!({"alg": "HS256"}), &claims, SECRET),
        jwt(json!({"alg": "HS512", "kid": "shop"}), &claims, SECRET),
        jwt(json!({"alg": "RS256", "kid": "shop"}), &claims, SECRET),
        jwt(json!({"alg": "HS256", "kid": "shop", "crit": ["b64"], "b64": false}), &claims, SECRET),
        with("aud", json!("cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        with("aud", json!([])),
        with("exp", json!(now - 61)),
        with("exp", json!(now + 3600 + 120)),
        with("exp", json!("soon")),
        with("nbf", json!(now + 120)),
        with("iat", json!(now + 120)),
        with("sub", json!("")),
        with("sub", json!(42)),
        with("jti", json!("j".repeat(256))),
        without("sub"),
        without("aud"),
        without("exp"),
        without("jti"),
        "x".to_owned(),
        "..".to_owned(),
        "é.é.é".to_owned(),
    ];
    for identity in refused {
        let answer = stage.session(json!({"identity": identity})).await;
        answer.is_problem(401, "invalid_identity");
    }
    stage.session(json!({"identity": good})).await.is(200);
    stage
        .session(json!({"identity": with("exp", json!(now - 30))}))
        .await
        .is_problem(401, "invalid_identity");
    let skewed = with("jti", json!("b")).replace(' ', "");
    stage.wait(SignedDuration::from_secs(630));
    stage.session(json!({"identity": skewed})).await.is(200);
}

#[tokio::test]
async fn a_statement_is_used_once() {
    let stage = Stage::new().await;
    let statement = stage.says_shop("42", "once");
    stage.session(json!({"identity": statement})).await.is(200);
    stage.session(json!({"identity": statement})).await.is_problem(401, "invalid_identity");
    // Nor at the last moment at which clocks that differ let it hold.
    let late = stage.says_shop("43", "late");
    stage.session(json!({"identity": late})).await.is(200);
    stage.wait(SignedDuration::from_secs(655));
    stage.session(json!({"identity": late})).await.is_problem(401, "invalid_identity");
    let statement = stage.says_shop("42", "again");
    let guest = stage.guest(json!({"identity": statement})).await;
    // Whoever is signed in as that person already may say it again: a page that is loaded twice does.
    let again = stage.guest(json!({"token": guest.token, "identity": statement})).await;
    assert_eq!(again.id, guest.id);
}
