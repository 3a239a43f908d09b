//! What a mail server answers, whatever it is: a mail was sent, refused or neither only when the answer says so.

mod reading;
mod samples;
mod slow;
mod tls;
mod wire;

use std::time::Duration;

use mutations::{config, damaged, damaged_text};
use proptest::prelude::*;
use proptest::sample::select;
use tokio::time::Instant;

use self::reading::Reading;
use self::samples::{OTHER_ADDRESS, OTHER_DOMAIN, PEN_FRIEND, PEN_FRIENDS_DOMAIN, samples};
use self::wire::{Question, Script, Seen, Wire};
use super::answer::{Step, send_error};
use super::connection::Connection;
use super::session::{Session, by};
use super::{DOT_TIMEOUT, Server, Transfer};
use crate::platform::{SendError, SendFailure};

const MAIL: &[u8] = b"Subject: hi\r\n\r\n.leading dot\r\nend\r\n";
/// The password in `smtp_url`, and the forms in which it is sent.
const SECRETS: [&str; 3] = ["s3cr@t", "czNjckB0", "AHVzZXIAczNjckB0"];
const URLS: [&str; 4] = [
    "smtp://user:s3cr%40t@127.0.0.1",
    "smtp://user:s3cr%40t@127.0.0.1:25",
    "smtp://user@127.0.0.1",
    "smtp://127.0.0.1",
];

/// Sends a mail to two recipients over a wire instead of the network.
fn send_over(url: &str, script: Script) -> (Result<Vec<String>, SendError>, Seen) {
    let server: Server = url.parse().unwrap();
    let recipients = vec![PEN_FRIEND.to_owned(), "copy@customer.example".to_owned()];
    let sender = "support@shop.example".to_owned();
    let transfer = Transfer { server: &server, sender, recipients, mail: MAIL };
    let (wire, seen) = Wire::new(script);
    // Time runs to the next deadline as soon as nothing moves.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let sent = runtime.block_on(async {
        let until = Instant::now() + DOT_TIMEOUT;
        let greeted = Session::greeted(Connection::over(wire), transfer.hello(), until);
        let session = by(until, Step::Connect, greeted).await?;
        transfer.run_over(session).await
    });
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (sent.map_err(|(step, failure)| send_error(step, failure, &server)), seen)
}

/// One answer that is anything, among those of a polite server; whether the server closes the connection after it.
fn scripts() -> impl Strategy<Value = Script> {
    (select(Question::ALL.to_vec()), damaged(samples()), any::<bool>())
        .prop_map(|(odd, answer, closes)| Script { odd, answer, closes })
}

/// Whether an answer is what the desk waits for before it goes on. A refused copy does not withhold the mail.
fn goes_on(question: Question, code: u16, is_copy: bool) -> bool {
    match question {
        Question::Greeting | Question::Hello => code < 300,
        Question::LogIn => code < 300 || code == 334,
        Question::Recipient => code < 300 || (is_copy && code >= 400),
        Question::Sender | Question::End => code < 300,
        Question::Data => (300..400).contains(&code),
    }
}

/// Whether a failure follows from an answer that nobody can read, or that fits no question.
fn is_unsure(question: Question, class: &SendFailure) -> bool {
    match question {
        Question::End => *class == SendFailure::Uncertain,
        _ => *class == SendFailure::Transient,
    }
}

/// Whether a failure follows from a refusal.
fn is_refused(question: Question, code: u16, error: &SendError, words: &str) -> bool {
    use SendFailure::{Rejected, Throttled, Transient, Unauthorized, Unreachable};
    match (code, &error.class) {
        (530 | 534 | 535 | 538, class) => *class == Unauthorized,
        (_, Throttled(pause)) if *pause == Duration::from_secs(3600) => words.contains(".4.5"),
        (400..=499, Throttled(pause)) => *pause == Duration::from_secs(60),
        (400..=499, class) => *class == Transient,
        (_, class) => match question {
            Question::Greeting | Question::Hello => *class == Transient,
            Question::LogIn => *class == Unauthorized,
            Question::Recipient if error.reason == "relay_denied" => *class == Unauthorized,
            Question::Recipient => *class == Unreachable,
            Question::Sender | Question::Data | Question::End => *class == Rejected,
        },
    }
}

/// Whether a good answer may end the matter all the same: it offers no login, or asks for what nobody knows.
fn is_no_help(question: Question, code: u16, url: &str, error: &SendError) -> bool {
    match question {
        Question::Hello if error.reason == "no_login" => url.contains("user"),
        Question::Hello => error.class == SendFailure::Transient,
        Question::LogIn => code == 334 && error.class == SendFailure::Transient,
        _ => false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_answer_of_a_mail_server_is_never_taken_for_what_it_is_not(
        script in scripts(),
        url in select(URLS.to_vec()),
    ) {
        let (sent, seen) = send_over(url, script);
        let (readings, said_more) = reading::all(&seen.said, seen.asked.len());
        let (last, before) = seen.asked.split_last().unwrap();
        for (index, (question, reading)) in before.iter().zip(&readings).enumerate() {
            let is_copy = index > 0 && before[index - 1] == *question;
            let code = reading.code();
            prop_assert!(code.is_some_and(|code| goes_on(*question, code, is_copy)), "{question:?}: {reading:?}");
        }
        let reading = &readings[before.len()];
        let is_copy = before.last() == Some(last) && *last == Question::Recipient;
        let good = reading.code().is_some_and(|code| goes_on(*last, code, is_copy));
        let error = match sent {
            Ok(_) => {
                prop_assert!(*last == Question::End && good, "sent: {reading:?}");
                return Ok(());
            }
            Err(error) => error,
        };
        prop_assert!(seen.mail_ended || error.class != SendFailure::Uncertain, "{error}");
        prop_assert!(!error.reason.is_empty() && error.detail.chars().count() <= 300, "{error}");
        prop_assert!(!error.detail.chars().any(char::is_control), "{error}");
        let has_secret = |text: &str| url.contains("s3cr") && SECRETS.iter().any(|secret| text.contains(secret));
        prop_assert!(!has_secret(&error.detail), "{error}");
        if said_more && good && error.reason == "foreign_answer" {
            prop_assert!(error.class == SendFailure::Transient && !seen.mail_ended, "{error} after {reading:?}");
            return Ok(());
        }
        if seen.hung_up {
            prop_assert!(good && error.class == SendFailure::Transient, "{error} after {reading:?}");
            return Ok(());
        }
        let follows = match reading {
            Reading::Unreadable => is_unsure(*last, &error.class),
            Reading::Plain { code, .. } if good => is_no_help(*last, *code, url, &error),
            Reading::Odd { code, .. } if good => is_unsure(*last, &error.class) || is_no_help(*last, *code, url, &error),
            Reading::Odd { .. } if is_unsure(*last, &error.class) => true,
            Reading::Plain { code, words, .. } | Reading::Odd { code, words } if *code >= 400 => {
                let kept: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
                let starts = has_secret(words) || error.detail.starts_with(&kept);
                prop_assert!(starts, "{:?} is not {:?}", error.detail, kept);
                let all = String::from_utf8_lossy(&seen.said);
                is_refused(*last, *code, &error, &all)
            }
            Reading::Plain { .. } | Reading::Odd { .. } => is_unsure(*last, &error.class),
        };
        prop_assert!(follows, "{last:?}: {error:?} does not follow from {reading:?}");
    }

    #[test]
    fn whom_a_mail_is_for_changes_no_verdict(answer in damaged_text(samples())) {
        let verdict = |answer: &str| {
            let script = Script { odd: Question::Recipient, answer: answer.as_bytes().to_vec(), closes: true };
            send_over(URLS[0], script).0.map_err(|error| (error.class, error.reason))
        };
        let other = answer.replace(PEN_FRIEND, OTHER_ADDRESS).replace(PEN_FRIENDS_DOMAIN, OTHER_DOMAIN);
        prop_assert_eq!(verdict(&answer), verdict(&other));
    }
}
