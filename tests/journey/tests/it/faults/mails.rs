//! Mails to the desk and from it, through SES.

use bytes::Bytes;
use journey::eventually;
use journey::mail::Letter;
use journey::stage::Stage;
use journey::target::Emulator;
use serde_json::{Value, json};

use super::PATIENCE;

/// Connects an address that SES receives and sends for.
pub(super) async fn office(stage: &Stage, emulator: &Emulator, name: &str) -> (String, Value) {
    let address = format!("{name}@faults.example");
    emulator.verify_sender(&address).await;
    let new = json!({"channel": "email", "name": "Support", "settings": {"address": address}});
    let created = stage.desk.post("/connections", &new).await;
    (address, created)
}

/// The first lines of what was mailed from an address.
pub(super) async fn mailed(emulator: &Emulator, address: &str) -> Vec<String> {
    let sent = emulator.sent_by_ses(address).await;
    let first = |mail: &Value| mail["BodyText"].as_str()?.lines().next().map(str::to_owned);
    sent.iter().map(|mail| first(mail).unwrap_or_default()).collect()
}

/// A mail in a row of mails, each in answer to the one before.
pub(super) fn letter(
    name: &str,
    address: &str,
    (number, text): (usize, &str),
    file: Option<&Bytes>,
) -> Letter {
    let id = |number: usize| format!("<{number}.{name}@example.org>");
    let from = format!("{name} <{name}@example.org>");
    let mut letter = Letter::new(&from, address, "Broken lamp", text);
    if let Some(file) = file {
        letter = letter.attaching("file.csv", "text/csv", file);
    }
    letter = letter.with("Message-ID", &id(number));
    if number > 0 {
        letter = letter.with("Subject", "Re: Broken lamp").with("In-Reply-To", &id(number - 1));
    }
    letter
}

/// Brings a mail until the receiver has taken it, as Lambda does. What it has taken, it is not told again.
pub(super) async fn bring(emulator: &Emulator, name: &str, letter: &Letter, to: &str) {
    eventually("the mail is taken", PATIENCE, || emulator.hand_mail(name, letter.bytes(), to)).await;
}
