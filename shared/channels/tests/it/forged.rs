//! Requests that somebody else than the platform makes: whatever they change about a valid one, none gets in, and no
//! valid one is kept out.

mod attempt;
mod gate;

use channels::Platform;
use channels::email::Email;
use channels::telegram::Telegram;
use http::{Method, StatusCode};
use mutations::corpus;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::attempt::{Attempt, Proof};
use self::gate::{Gate, NEW, OLD, SECRET};

/// How many forgeries each channel has to refuse.
const FORGERIES: usize = 20_000;
/// How many valid requests each channel has to take.
const VALID: usize = 500;

/// Telegram repeats the secret in a header of its own.
const TELEGRAM: Proof =
    Proof { header: "x-telegram-bot-api-secret-token", scheme: "", setting: "secret_token" };
/// A mail server hands in mails with the secret as bearer token.
const EMAIL: Proof = Proof { header: "authorization", scheme: "Bearer ", setting: "secret" };

fn samples(channel: &str) -> Vec<Vec<u8>> {
    corpus(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(channel))
}

/// The same values in every run.
fn draw<T>(strategy: &impl Strategy<Value = T>, chance: &mut TestRunner) -> T {
    strategy.new_tree(chance).unwrap().current()
}

async fn refuses_forgeries(platform: &'static dyn Platform, proof: Proof) {
    let gate = Gate::new(platform, proof).await;
    let mut chance = TestRunner::deterministic();
    let forgeries = attempt::forged(proof, gate.paths.clone(), samples(platform.name()));
    for _ in 0..FORGERIES {
        let forgery = draw(&forgeries, &mut chance);
        let status = gate.ask(forgery.clone()).await;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED]
            .contains(&status);
        assert!(refused, "{status}: {forgery:?}");
        assert_eq!(gate.taken(), 0, "{forgery:?}");
    }
}

async fn takes_what_is_valid(platform: &'static dyn Platform, proof: Proof) {
    let gate = Gate::new(platform, proof).await;
    let mut chance = TestRunner::deterministic();
    let valid = attempt::valid(proof, gate.paths.own.clone(), samples(platform.name()));
    for _ in 0..VALID {
        let request = draw(&valid, &mut chance);
        assert_eq!(gate.ask(request.clone()).await, StatusCode::OK, "{request:?}");
    }
    assert!(gate.taken() > VALID / 2, "most of them tell something: {}", gate.taken());
}

/// A secret that was replaced holds no more, and the new one at once.
async fn follows_a_new_secret(platform: &'static dyn Platform, proof: Proof) {
    let gate = Gate::new(platform, proof).await;
    let with = |secret: &str| Attempt {
        method: Method::POST,
        path: gate.paths.own.clone(),
        headers: vec![(proof.header.to_owned(), proof.value(secret).into_bytes())],
        body: samples(platform.name()).swap_remove(0),
    };
    assert_eq!(gate.ask(with(SECRET)).await, StatusCode::OK);
    assert_eq!(gate.ask(with(NEW)).await, StatusCode::UNAUTHORIZED);
    gate.change_secret(NEW).await;
    assert_eq!(gate.ask(with(NEW)).await, StatusCode::OK);
    assert_eq!(gate.ask(with(SECRET)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(gate.ask(with(OLD)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn telegram_forgeries_are_refused() {
    refuses_forgeries(&Telegram, TELEGRAM).await;
}

#[tokio::test]
async fn telegram_itself_is_taken() {
    takes_what_is_valid(&Telegram, TELEGRAM).await;
}

#[tokio::test]
async fn telegram_proves_itself_with_the_new_secret() {
    follows_a_new_secret(&Telegram, TELEGRAM).await;
}

#[tokio::test]
async fn mail_forgeries_are_refused() {
    refuses_forgeries(&Email, EMAIL).await;
}

#[tokio::test]
async fn a_mail_server_is_taken() {
    takes_what_is_valid(&Email, EMAIL).await;
}

#[tokio::test]
async fn a_mail_server_proves_itself_with_the_new_secret() {
    follows_a_new_secret(&Email, EMAIL).await;
}
