//! Where a signature begins. Only what is short and stands at the end is taken for one.

/// The most lines and characters below `-- `.
const LINES: usize = 15;
const LIMIT: usize = 1_500;

/// The most lines below a closing, and the most characters of one.
const CLOSING_LINES: usize = 5;
const CLOSING_WIDTH: usize = 60;

/// The longest line that a phone adds, in characters.
const MOBILE_WIDTH: usize = 80;

/// How the lines begin that phones and programs add, in lower case.
const MOBILE: &[&str] = &[
    "sent from my ",
    "sent from mail for ",
    "sent from outlook",
    "sent from yahoo",
    "sent from proton",
    "sent via ",
    "sent from typeapp",
    "sent with ",
    "sent from a ",
    "get outlook for ",
    "отправлено с ",
    "отправлено из ",
    "отправлено через ",
    "отправлено от ",
    "надіслано з ",
    "envoyé de mon ",
    "envoyé depuis ",
    "envoyé à partir de ",
    "von meinem ",
    "gesendet von ",
    "gesendet mit ",
    "enviado desde ",
    "enviado do meu ",
    "inviato da ",
    "verzonden vanaf ",
];

/// Words that end a letter, in lower case.
const CLOSINGS: &[&str] = &[
    "с уважением",
    "с наилучшими пожеланиями",
    "всего доброго",
    "всего хорошего",
    "з повагою",
    "best regards",
    "kind regards",
    "warm regards",
    "regards",
    "best",
    "best wishes",
    "sincerely",
    "yours sincerely",
    "cheers",
    "mit freundlichen grüßen",
    "viele grüße",
    "cordialement",
    "saludos",
];

/// The first line of the signature, or the number of lines where there is none.
pub(super) fn find(lines: &[&str]) -> usize {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let own = lines.get(..end).unwrap_or_default();
    let mut start = end;
    let above = |start: usize| own.get(..start).unwrap_or_default();
    if above(start).last().is_some_and(|line| is_mobile(line)) {
        start -= 1;
    }
    start = dashes(above(start)).unwrap_or(start);
    start = closing(above(start)).unwrap_or(start);
    let empty = lines.get(..start).unwrap_or_default().iter().all(|line| line.trim().is_empty());
    if empty || start == end { lines.len() } else { start }
}

/// Whether all of what stands below a quote is a signature.
pub(super) fn is_below(lines: &[&str]) -> bool {
    if lines.len() > LIMIT {
        return false;
    }
    let first = lines.first().map(|line| line.trim_end()).unwrap_or_default();
    let alone = lines.iter().filter(|line| !line.trim().is_empty()).count() == 1;
    first == "--" && is_short(lines.get(1..).unwrap_or_default()) || alone && is_mobile(first)
}

fn is_short(lines: &[&str]) -> bool {
    let with_text = lines.iter().filter(|line| !line.trim().is_empty()).count();
    with_text <= LINES && lines.iter().map(|line| line.len()).sum::<usize>() <= LIMIT
}

fn is_mobile(line: &str) -> bool {
    let line = line.split('<').next().unwrap_or_default().trim().to_lowercase();
    let sentence = line.contains(", ") || line.ends_with('.') && line.split(' ').count() > 6;
    line.chars().count() <= MOBILE_WIDTH && !sentence && MOBILE.iter().any(|words| line.starts_with(words))
}

/// The delimiter of [RFC 3676, 4.3](https://www.rfc-editor.org/rfc/rfc3676#section-4.3), also without its blank.
fn dashes(lines: &[&str]) -> Option<usize> {
    let delimiters = lines.iter().filter(|line| line.trim_end() == "--").count();
    let first = lines.iter().position(|line| line.trim_end() == "--")?;
    let rest = lines.get(first + 1..)?;
    let full = rest.iter().any(|line| !line.trim().is_empty()) || lines.len() == first + 1;
    (delimiters <= 2 && full && is_short(rest)).then_some(first)
}

fn closing(lines: &[&str]) -> Option<usize> {
    let at = lines.iter().rposition(|line| is_closing(line))?;
    let below: Vec<&&str> = lines.iter().skip(at + 1).filter(|line| !line.trim().is_empty()).collect();
    let short = |line: &&&str| line.chars().count() <= CLOSING_WIDTH && !line.contains('?');
    (below.len() <= CLOSING_LINES && below.iter().all(short)).then_some(at)
}

/// A line that is a closing and nothing else, or one with a name behind its comma.
fn is_closing(line: &str) -> bool {
    let lower = line.trim().to_lowercase();
    let (words, name) = lower.split_once(',').unwrap_or((&lower, ""));
    let words = words.trim_end_matches(['.', '!', ' ']);
    CLOSINGS.contains(&words) && name.split_whitespace().count() <= 4
}
