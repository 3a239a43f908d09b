//! The subject of an answer.

/// What mail programs put before the subject of an answer, in lower case.
const REPLY_PREFIXES: &[&str] = &[
    // Most of the world, French and Brazilian programs, Italian, Spanish.
    "re",
    "ré",
    "res",
    "r",
    "rif",
    // German, Dutch, Scandinavian, Finnish, Icelandic, Polish, Hungarian, Turkish, Welsh.
    "aw",
    "antw",
    "antwort",
    "sv",
    "svar",
    "vs",
    "odp",
    "vá",
    "ynt",
    "yan",
    "atb",
    "bls",
    // Russian, its short form in both alphabets, Ukrainian, Greek.
    "ответ",
    "отв",
    "на",
    "ha",
    "відп",
    "απ",
    "σχετ",
    // Chinese, Japanese, Korean, Hebrew, Arabic.
    "回复",
    "回覆",
    "答复",
    "返信",
    "회신",
    "תשובה",
    "השב",
    "رد",
];

/// A subject with one "Re:" before it, in whatever language it already has one. Nothing else is touched: Gmail
/// begins a new conversation when the rest of the subject differs.
pub fn reply_subject(subject: &str) -> String {
    let subject = subject.trim();
    if is_reply(subject) { subject.to_owned() } else { format!("Re: {subject}").trim_end().to_owned() }
}

/// Whether a subject is marked as an answer: a known word, perhaps a count as in `Re[2]:`, and a colon.
fn is_reply(subject: &str) -> bool {
    let Some((mark, _)) = subject.split_once([':', '：']) else { return false };
    let mark = mark.trim_end().to_lowercase();
    let word = mark.strip_suffix([']', ')']).and_then(|counted| counted.rsplit_once(['[', '('])).map_or(
        mark.as_str(),
        |(word, count)| {
            if count.chars().all(|c| c.is_ascii_digit()) { word.trim_end() } else { mark.as_str() }
        },
    );
    let word = word.trim_end_matches(|c: char| c == '^' || c.is_ascii_digit());
    REPLY_PREFIXES.contains(&word)
}
