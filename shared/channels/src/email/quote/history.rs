//! Where the history begins that an answer repeats below itself.

use super::signature;

/// The most lines and characters that the sentence above a quote takes.
const HEADER_LINES: usize = 5;
const HEADER_LIMIT: usize = 400;

/// How far below `From:` the other fields of a repeated header stand.
const BLOCK_LINES: usize = 8;

/// The most lines of a mailing list's footer below a quote.
const FOOTER_LINES: usize = 8;

/// How sentences above a quote begin when they take several lines, in lower case.
const STARTERS: &[&str] = &[
    "on ",
    "le ",
    "am ",
    "el ",
    "il ",
    "em ",
    "den ",
    "op ",
    "w dniu ",
    "dnia ",
    "в ",
    "во ",
    "от ",
    "вы ",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "пн",
    "вт",
    "ср",
    "чт",
    "пт",
    "сб",
    "вс",
    "понед",
    "втор",
    "четв",
    "пятн",
    "субб",
    "воскр",
];

/// How they end, in lower case.
const VERBS: &[&str] = &[
    "wrote:",
    "писал:",
    "писал(а):",
    "писали:",
    "написал:",
    "написала:",
    "написал(а):",
    "написали:",
    "пишет:",
    "сообщил:",
    "écrit :",
    "écrit:",
    "schrieb:",
    "geschrieben:",
    "escribió:",
    "escreveu:",
    "scritto:",
    "napisał:",
    "napisał(a):",
    "napisała:",
    "skrev:",
    "kirjoitti:",
    "schreef:",
    "пише:",
    "написав:",
];

/// Verbs that stand before the name.
const VERBS_WITHIN: &[&str] = &[" schrieb ", " skrev ", " schreef ", "вы писали "];

/// What stands between dashes above an answered mail, in lower case.
const ORIGINAL: &[&str] = &[
    "original message",
    "original-nachricht",
    "ursprüngliche nachricht",
    "исходное сообщение",
    "оригинальное сообщение",
    "message d'origine",
    "message d’origine",
    "message original",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oprindelig meddelelse",
    "oprindelig besked",
    "opprinnelig melding",
    "ursprungligt meddelande",
    "oorspronkelijk bericht",
    "wiadomość oryginalna",
    "alkuperäinen viesti",
    "початкове повідомлення",
];

/// What stands above a forwarded mail, in lower case.
const FORWARDED: &[&str] = &[
    "forwarded message",
    "begin forwarded message",
    "forwarded by",
    "пересылаемое сообщение",
    "пересланное сообщение",
    "перенаправленное сообщение",
    "начало переадресованного сообщения",
    "переадресованное сообщение",
    "weitergeleitete nachricht",
    "message transféré",
    "mensaje reenviado",
    "messaggio inoltrato",
    "mensagem encaminhada",
];

/// The first field of a repeated header, in lower case.
const FROM: &[&str] =
    &["from", "от", "von", "de", "da", "van", "från", "fra", "od", "від", "lähettäjä", "от кого"];

/// The others.
const FIELDS: &[&str] = &[
    "sujet",
    "copie à",
    "sent",
    "date",
    "to",
    "cc",
    "subject",
    "reply-to",
    "отправлено",
    "дата",
    "кому",
    "копия",
    "тема",
    "gesendet",
    "datum",
    "an",
    "betreff",
    "envoyé",
    "envoyé le",
    "à",
    "objet",
    "enviado",
    "enviado el",
    "fecha",
    "para",
    "asunto",
    "inviato",
    "data",
    "a",
    "oggetto",
    "verzonden",
    "aan",
    "onderwerp",
    "skickat",
    "till",
    "ämne",
    "sendt",
    "til",
    "emne",
    "wysłano",
    "do",
    "temat",
    "enviada em",
    "assunto",
    "надіслано",
    "lähetetty",
    "vastaanottaja",
    "aihe",
];

/// What a mail repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// The lines from `start` up to `end`; a signature may follow.
    Below { start: usize, end: usize },
    /// A forwarded mail begins here, in quote marks of its own.
    Forward { start: usize },
}

/// The history at the end of a mail, if there is one and nothing of one's own stands within or below it.
pub(super) fn find(lines: &[&str], forward: bool) -> Option<History> {
    let mut interleaved = false;
    let mut written = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if line.trim().is_empty() {
            at += 1;
            continue;
        }
        let whole = written.then_some(History::Below { start: at, end: lines.len() });
        if is_quoted(line) {
            if is_forwarded(unquoted(line)) {
                return Some(History::Forward { start: at });
            }
            if interleaved {
                at += 1;
                continue;
            }
            if let Some(end) = end_of_quote(lines, at) {
                let start = introduced(lines, at);
                let sure = start < at
                    || end > at + 1
                    || lines.get(at.wrapping_sub(1)).is_some_and(|line| line.is_empty());
                return (sure && has_text(lines, start)).then_some(History::Below { start, end });
            }
            interleaved = true;
        } else if is_forwarded(line) {
            return None;
        } else if is_original(line) || is_block(lines, at) || is_ruled_block(lines, at) {
            return whole.filter(|_| !forward);
        } else if let Some(header) = header(lines, at) {
            let next = first_with_text(lines, at + header.lines);
            if lines.get(next).is_some_and(|line| is_quoted(line)) {
                if !interleaved && let Some(end) = end_of_quote(lines, next) {
                    return written.then_some(History::Below { start: at, end });
                }
                interleaved = true;
            } else if header.strong && !interleaved && next < lines.len() {
                return whole;
            }
            at += header.lines;
            written = true;
            continue;
        }
        written = true;
        at += 1;
    }
    None
}

/// A lone `>:` is the end of an address that was broken into two lines.
fn is_quoted(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('>') && line != ">:"
}

fn unquoted(line: &str) -> &str {
    line.trim_start_matches(['>', ' '])
}

fn has_text(lines: &[&str], before: usize) -> bool {
    lines.iter().take(before).any(|line| !line.trim().is_empty())
}

fn first_with_text(lines: &[&str], from: usize) -> usize {
    lines.iter().skip(from).position(|line| !line.trim().is_empty()).map_or(lines.len(), |after| from + after)
}

/// Where the quote ends that begins at a line, if nothing follows it but a signature or a list's footer.
fn end_of_quote(lines: &[&str], start: usize) -> Option<usize> {
    let after = lines.iter().skip(start).position(|line| !is_quoted(line) && !line.trim().is_empty());
    let Some(after) = after else { return Some(lines.len()) };
    let next = start + after;
    let rest = lines.get(next..)?;
    let first = rest.first()?.trim_end();
    if signature::is_below(rest) {
        Some(next)
    } else {
        let footer = first.len() >= 2 && first.bytes().all(|byte| byte == b'_') && rest.len() <= FOOTER_LINES;
        footer.then_some(lines.len())
    }
}

/// Where the sentence begins that introduces a quote, in whatever language: it stands close above, ends with a
/// colon, and names a date or an address.
fn introduced(lines: &[&str], quote: usize) -> usize {
    let above = lines.iter().take(quote).rposition(|line| !line.trim().is_empty());
    let Some(above) = above.filter(|above| quote - above <= 2) else { return quote };
    let line = lines.get(above).map(|line| line.trim()).unwrap_or_default();
    let telling = line.contains('@') || numbers(line) >= 3;
    if line.ends_with(':') && telling { above } else { quote }
}

fn between_marks(line: &str) -> Option<&str> {
    let line = line.trim();
    let inner = line.trim_matches(['-', '_', '*', '=', ' ', '#', '—', '–']);
    let marked = line.len() >= inner.len() + 4;
    marked.then_some(inner)
}

fn is_original(line: &str) -> bool {
    let Some(inner) = between_marks(line) else { return false };
    if line.contains("##-") && line.contains("-##") {
        return true;
    }
    let inner = inner.to_lowercase();
    inner.chars().count() <= 60 && ORIGINAL.iter().any(|words| inner.starts_with(words))
}

fn is_forwarded(line: &str) -> bool {
    let inner = match between_marks(line) {
        Some(inner) => inner,
        None if line.trim_end().ends_with(':') => line.trim(),
        None => return false,
    };
    let inner = inner.to_lowercase();
    inner.chars().count() <= 80 && FORWARDED.iter().any(|words| inner.starts_with(words))
}

/// The name of the field that a line begins with, in lower case.
fn label(line: &str) -> Option<String> {
    let (label, _) = line.split_once(':')?;
    let label = label.trim_matches(['*', ' ', '\t', '\u{a0}', '_']);
    (label.chars().count() <= 20).then(|| label.to_lowercase())
}

/// Whether the header of an answered mail is repeated here: `From:` and at least two fields more.
fn is_block(lines: &[&str], at: usize) -> bool {
    let is = |line: &&str, names: &[&str]| label(line).is_some_and(|label| names.contains(&label.as_str()));
    lines.get(at).is_some_and(|line| is(line, FROM))
        && lines.iter().skip(at + 1).take(BLOCK_LINES).filter(|line| is(line, FIELDS)).count() >= 2
}

/// Outlook draws a rule above it.
fn is_ruled_block(lines: &[&str], at: usize) -> bool {
    let rule = lines.get(at).map(|line| line.trim()).unwrap_or_default();
    rule.len() >= 10
        && rule.bytes().all(|byte| byte == b'_' || byte == b'-')
        && is_block(lines, first_with_text(lines, at + 1))
}

/// A sentence above a quote.
struct Header {
    lines: usize,
    /// Whether it can be taken for one even if no quote marks follow.
    strong: bool,
}

fn header(lines: &[&str], at: usize) -> Option<Header> {
    let header = header_at(lines, at)?;
    // What stands above such a sentence is no part of it, even if it begins like one.
    let later = |below: &usize| {
        let line = lines.get(at + below).map(|line| line.trim().to_lowercase()).unwrap_or_default();
        is_usual(&line) && numbers(&line) >= 2 && header_at(lines, at + below).is_some()
    };
    (1..header.lines).find(later).is_none().then_some(header)
}

fn header_at(lines: &[&str], at: usize) -> Option<Header> {
    let mut sentence = String::new();
    for count in 1..=HEADER_LINES {
        let line = lines.get(at + count - 1)?.trim();
        if line.is_empty() || is_quoted(line) || sentence.len() + line.len() > HEADER_LIMIT {
            return None;
        }
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(line);
        if count == 2 && !is_started(&sentence) {
            return None;
        }
        if let Some(strong) = introduces(&sentence) {
            return Some(Header { lines: count, strong });
        }
    }
    None
}

/// Whether a line begins as such a sentence does: with its usual words, or with a date.
fn is_started(line: &str) -> bool {
    let beginning: String = line.chars().take(30).collect();
    is_usual(&beginning.to_lowercase()) || numbers(&beginning) >= 2
}

fn is_usual(lower: &str) -> bool {
    lower.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        || STARTERS.iter().any(|starter| lower.starts_with(starter))
}

/// Whether a sentence introduces a quote, and if so, whether nothing else can be meant.
fn introduces(sentence: &str) -> Option<bool> {
    const MARKS: [char; 4] = ['-', '*', '_', ' '];
    let inner = sentence.trim_end_matches(MARKS);
    // Hardly any line ends as one does: all others are told from them at once.
    if !inner.ends_with(':') && !inner.ends_with(['e', 'E']) {
        return None;
    }
    let lower = sentence.to_lowercase();
    let inner = lower.trim_matches(MARKS);
    let address = inner.contains('@');
    let dashed = inner.len() + 4 <= lower.len();
    let verb = VERBS.iter().any(|verb| inner.ends_with(verb))
        || inner.ends_with(" wrote") && (dashed || address)
        || inner.ends_with(':')
            && VERBS_WITHIN.iter().any(|verb| inner.contains(verb) || inner.starts_with(verb));
    let after_address = inner.ends_with(">:") || inner.ends_with("):") && address;
    let dated = numbers(inner) >= 2;
    if verb && (dated || address) {
        Some(address || dated && has_year(inner) && (is_started(sentence) || has_time(inner)))
    } else if after_address && address && dated {
        Some(true)
    } else {
        None
    }
}

/// How many numbers stand in a text.
fn numbers(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count()
}

fn has_year(text: &str) -> bool {
    let year = |digits: &str| digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
    text.split(|c: char| !c.is_ascii_digit()).any(year)
        || text.split([' ', ',']).any(|word| numbers(word) == 3)
}

fn has_time(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| match four {
        [hour, b':' | b'.', tens, ones] => [hour, tens, ones].iter().all(|digit| digit.is_ascii_digit()),
        _ => false,
    })
}
