//! What follows from a server's answer, or from none: [RFC 5321, 4.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.2)
//! and the enhanced codes of [RFC 3463](https://www.rfc-editor.org/rfc/rfc3463).

use std::io::Error;
use std::time::Duration;

use super::connection::Answer;
use super::server::Server;
use crate::platform::{NO_SUCH_ADDRESS, SendError, SendFailure};

/// The pause where a server says that we are too fast; hardly any says for how long.
const PAUSE: Duration = Duration::from_secs(60);
/// The pause where the day's allowance is used up.
const LONG_PAUSE: Duration = Duration::from_secs(3600);
/// The most characters of a server's words that are kept.
const DETAIL_LIMIT: usize = 300;

/// Words by which servers say that we are too fast.
const TOO_FAST: &[&str] = &[
    "too many",
    "too fast",
    "too much",
    "rate limit",
    "ratelimit",
    "rate exceeded",
    "sending rate",
    "throttl",
    "slow down",
    "sending limit",
    "quota for",
    "message limit",
];
/// Words by which servers say that they take mail for others from their own users alone.
const NO_RELAY: &[&str] = &[" relay ", " relayed ", " relaying ", " relays "];

/// How far a mail came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connection, TLS, greeting.
    Connect,
    /// Credentials.
    LogIn,
    /// MAIL.
    Sender,
    /// RCPT.
    Recipient,
    /// DATA and the mail, short of its end.
    Data,
    /// The dot was, or may have been, written.
    End,
}

/// Why a mail was not accepted, or why nobody knows.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused.
    Refused(Answer),
    /// The connection failed, or nobody can read what came over it.
    Broken(Error),
    /// It took too long.
    Timeout,
    /// The server offers no STARTTLS.
    NoTls,
    /// The server offers no way to log in that we know.
    NoLogIn,
    /// The mail has bytes above ASCII, which the server does not take.
    EightBit,
    /// The mail has a CR or LF by itself.
    BareBreak,
    /// An answer that fits no question.
    Foreign,
}

/// What came of a step, or at which step it failed.
pub(super) type Outcome<T> = Result<T, (Step, Failure)>;

impl Failure {
    /// Whether there is nobody to say goodbye to any more.
    pub(super) const fn ends_connection(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Timeout)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// Sorts a failure by what follows from it.
pub(super) fn send_error(step: Step, failure: Failure, server: &Server) -> SendError {
    let (class, reason) = sort(step, &failure);
    let detail = match &failure {
        Failure::Refused(answer) => words(answer),
        Failure::Broken(error) => error.to_string(),
        Failure::Timeout => "The mail server did not answer in time.".to_owned(),
        Failure::NoTls => {
            "The mail server offers no encryption (STARTTLS). Use smtps://, another port, or add ?tls=none \
                           to smtp_url if the network between is your own."
                .to_owned()
        }
        Failure::NoLogIn => "The mail server offers no login by password (AUTH PLAIN or LOGIN).".to_owned(),
        Failure::EightBit => "The mail server takes no 8-bit mails.".to_owned(),
        Failure::BareBreak => "The mail has a line that does not end with CR LF.".to_owned(),
        Failure::Foreign => "Something that is not a mail server answered.".to_owned(),
    };
    let detail = detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let detail = server.without_secret(&detail).chars().take(DETAIL_LIMIT).collect();
    SendError { class, reason, detail }
}

fn sort(step: Step, failure: &Failure) -> (SendFailure, &'static str) {
    use SendFailure::{Rejected, Transient, Unauthorized, Uncertain};
    match failure {
        Failure::NoTls => (Unauthorized, "no_tls"),
        Failure::NoLogIn => (Unauthorized, "no_login"),
        Failure::EightBit => (Rejected, "eight_bit"),
        Failure::BareBreak => (Rejected, "bare_line_break"),
        Failure::Refused(answer) => refused(step, answer.code, &words(answer).to_lowercase()),
        // Whatever else went wrong once the dot was on its way, the server may have the mail.
        Failure::Timeout if step == Step::End => (Uncertain, "timeout"),
        Failure::Broken(_) if step == Step::End => (Uncertain, "broken"),
        Failure::Foreign if step == Step::End => (Uncertain, "unreadable_answer"),
        Failure::Timeout => (Transient, "timeout"),
        Failure::Broken(error) if concerns_tls(error) => (Transient, "tls"),
        Failure::Broken(_) if step == Step::Connect => (Transient, "unreachable"),
        Failure::Broken(_) => (Transient, "broken"),
        Failure::Foreign => (Transient, "foreign_answer"),
    }
}

/// What a refusal means. `words` are in lower case.
fn refused(step: Step, code: u16, words: &str) -> (SendFailure, &'static str) {
    use SendFailure::{Rejected, Throttled, Transient, Unauthorized, Unreachable};
    let own = own_words(words);
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| own.contains(phrase));
    let enhanced = words.split_whitespace().find(|word| is_enhanced(word)).unwrap_or_default();
    match (code, step) {
        (530, _) => (Unauthorized, "login_required"),
        (534 | 535 | 538, _) => (Unauthorized, "bad_credentials"),
        // The day's allowance of the whole account, which Gmail calls a permanent error.
        (400..=599, _) if matches!(enhanced, "5.4.5" | "4.4.5") => (Throttled(LONG_PAUSE), "throttled"),
        (400..=499, _) if says(TOO_FAST) => (Throttled(PAUSE), "throttled"),
        (400..=499, Step::Recipient) => (Transient, "deferred"),
        (400..=499, _) => (Transient, "unavailable"),
        // Nothing was said about this mail yet: the server wants none of us now.
        (_, Step::Connect) => (Transient, "refused"),
        (_, Step::LogIn) => (Unauthorized, "bad_credentials"),
        (_, Step::Recipient) if says(NO_RELAY) && !enhanced.starts_with("5.1.") => {
            (Unauthorized, "relay_denied")
        }
        (552, Step::Recipient) => (Unreachable, "mailbox_full"),
        (_, Step::Recipient) if enhanced == "5.2.2" => (Unreachable, "mailbox_full"),
        (_, Step::Recipient) if enhanced == "5.1.1" => (Unreachable, NO_SUCH_ADDRESS),
        (_, Step::Recipient) => (Unreachable, "address_rejected"),
        (552, _) => (Rejected, "too_large"),
        _ if matches!(enhanced, "5.3.4" | "5.2.3") => (Rejected, "too_large"),
        (_, Step::Sender) => (Rejected, "sender_rejected"),
        _ => (Rejected, "rejected"),
    }
}

/// A server's own words in their order, each between two spaces. What is an address or a host is none of them: a
/// customer whose name has a "relay" in it would halt the connection.
fn own_words(words: &str) -> String {
    let words = words.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let own = words.filter(|word| !word.contains(['@', '.']));
    own.flat_map(|word| word.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .fold(" ".to_owned(), |all, word| all + word + " ")
}

/// Whether a word is a code such as `5.1.1`.
fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let class = parts.next().is_some_and(|class| matches!(class, "2" | "4" | "5"));
    let mut number = || {
        parts
            .next()
            .is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    class && number() && number() && parts.next().is_none()
}

/// Whether encryption failed, such as for a certificate that nobody vouches for.
fn concerns_tls(error: &Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>())
}

/// The server's own words.
fn words(answer: &Answer) -> String {
    answer.lines.join(" ")
}
