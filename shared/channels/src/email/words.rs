//! Text in header fields: encoded words ([RFC 2047](https://www.rfc-editor.org/rfc/rfc2047)) and raw bytes.

use super::charset;
use super::transfer::{base64, hex};

/// The longest header text that is decoded, in bytes.
const LIMIT: usize = 16 * 1024;

/// One word: its charset, and its bytes.
struct Word {
    charset: String,
    bytes: Vec<u8>,
}

/// A field's text on one line. Neighbouring words of one charset are joined before they are decoded, because
/// programs cut them in the middle of a character; `fallback` is the charset for raw bytes.
pub(super) fn decode(value: &[u8], fallback: Option<&str>) -> String {
    let mut rest = value.get(..LIMIT).unwrap_or(value);
    let mut text = String::new();
    let mut raw: Vec<u8> = Vec::new();
    let mut pending: Option<Word> = None;
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'='
            && let Some((word, after)) = word(rest)
        {
            let between_words = pending.is_some() && raw.iter().all(u8::is_ascii_whitespace);
            if between_words {
                raw.clear();
            } else {
                flush(&mut text, &mut pending, &mut raw, fallback);
            }
            match &mut pending {
                Some(last) if last.charset.eq_ignore_ascii_case(&word.charset) => {
                    last.bytes.extend(word.bytes);
                }
                _ => {
                    flush(&mut text, &mut pending, &mut raw, fallback);
                    pending = Some(word);
                }
            }
            rest = after;
        } else {
            raw.push(first);
            rest = tail;
        }
    }
    flush(&mut text, &mut pending, &mut raw, fallback);
    one_line(&text)
}

fn flush(text: &mut String, pending: &mut Option<Word>, raw: &mut Vec<u8>, fallback: Option<&str>) {
    if let Some(word) = pending.take() {
        text.push_str(&charset::decode(&word.bytes, Some(&word.charset)));
    }
    if !raw.is_empty() {
        text.push_str(&charset::decode_raw(raw, fallback));
        raw.clear();
    }
}

/// `=?charset?B?…?=`, and what follows it. Some programs leave blanks inside.
fn word(bytes: &[u8]) -> Option<(Word, &[u8])> {
    let rest = bytes.strip_prefix(b"=?")?;
    let (charset, rest) = until(rest, b"?", 64)?;
    let (encoding, rest) = until(rest, b"?", 1)?;
    let (data, rest) = until(rest, b"?=", LIMIT)?;
    // A language may follow: RFC 2231, 5.
    let charset = std::str::from_utf8(charset).ok()?.split('*').next()?.to_owned();
    if charset.is_empty() || charset.contains(char::is_whitespace) {
        return None;
    }
    let mut decoded = Vec::with_capacity(data.len());
    match encoding {
        b"B" | b"b" => base64(data, |byte| decoded.push(byte)),
        b"Q" | b"q" => quoted(data, &mut decoded),
        _ => return None,
    }
    Some((Word { charset, bytes: decoded }, rest))
}

fn until<'a>(bytes: &'a [u8], end: &[u8], limit: usize) -> Option<(&'a [u8], &'a [u8])> {
    let window = bytes.get(..limit.saturating_add(end.len())).unwrap_or(bytes);
    let at = window.windows(end.len()).position(|here| here == end)?;
    Some((bytes.get(..at)?, bytes.get(at + end.len()..)?))
}

fn quoted(data: &[u8], decoded: &mut Vec<u8>) {
    let mut rest = data;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'_', _) => decoded.push(b' '),
            (b'=', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => decoded.push(byte),
        }
    }
}

/// Text on one line: runs of white space become one blank, and characters that control a terminal or turn the
/// direction of writing are left out.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !c.is_control() && !turns_direction(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Text of several lines: line feeds only, and no control characters besides the tab.
pub(super) fn lines(text: &str) -> String {
    let special =
        |c: char| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    let mut lines = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.find(special).and_then(|at| rest.split_at_checked(at)) {
        lines.push_str(before);
        let mut after = after.chars();
        match after.next() {
            Some('\r') if after.as_str().starts_with('\n') => {}
            Some('\r' | '\u{2028}' | '\u{2029}' | '\u{85}') => lines.push('\n'),
            _ => {}
        }
        rest = after.as_str();
    }
    lines.push_str(rest);
    lines
}

/// Whether a character overrides the direction of the text around it.
pub(super) fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// The first `limit` characters.
pub(super) fn bounded(mut text: String, limit: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_words_before_decoding() {
        let split = b"=?utf-8?B?0J/R?=\r\n =?UTF-8?B?gNC40LLQtdGC?= you";
        assert_eq!(decode(split, None), "Привет you");
        assert_eq!(
            decode(b"Re: =?koi8-r?Q?=F0=D2=C9=D7=C5=D4?= =?utf-8?Q?_=F0=9F=98=80?=", None),
            "Re: Привет 😀"
        );
        assert_eq!(decode(b"=?utf-8*en?q?a_b?=", None), "a b");
    }

    #[test]
    fn what_is_no_word_stays() {
        for raw in ["=?", "=?utf-8?X?abc?=", "=?utf-8?B?abc", "a =? b", "=?? =?"] {
            assert_eq!(decode(raw.as_bytes(), None), raw);
        }
    }

    #[test]
    fn nothing_can_break_out_of_the_line() {
        assert_eq!(decode(b"=?utf-8?Q?a=0D=0ABcc:_x=00=1B[2J?=\x07", None), "a Bcc: x[2J");
        assert_eq!(one_line("invoice\u{202e}fdp.exe"), "invoicefdp.exe");
    }

    #[test]
    fn raw_bytes_take_the_charset_of_the_body() {
        assert_eq!(decode(b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r")), "Привет");
        assert_eq!(decode(b"\xcf\xf0\xe8\xe2\xe5\xf2", None), "Привет");
        assert_eq!(decode("Привет".as_bytes(), Some("koi8-r")), "Привет");
    }

    #[test]
    fn words_in_another_charset_than_they_say_are_read() {
        assert_eq!(decode(b"=?iso-8859-1?Q?=CF=F0=E8=E2=E5=F2?=", None), "Привет");
        assert_eq!(decode(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("iso-8859-1")), "Привет");
        let split = b"=?windows-1251?Q?=F7=CF=D0=D2=CF?= =?windows-1251?Q?=D3_=CF_=C4=CF=D3=D4=C1=D7=CB=C5?=";
        assert_eq!(decode(split, None), "Вопрос о доставке");
        assert_eq!(decode(b"=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=", None), "Grüße aus Köln");
    }
}
