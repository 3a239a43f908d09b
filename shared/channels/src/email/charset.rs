//! From bytes to text, whatever the mail declares about them.

mod cyrillic;
mod utf7;

use mail_parser::decoders::charsets::map::charset_decoder;

/// How many valid sequences of several bytes make text UTF-8 although a single-byte charset is declared.
const CONVINCING: usize = 4;

/// Text in the declared charset, unless it is clearly Cyrillic in another one. Where none is declared, an unknown one, or
/// UTF-8 that it is not, the bytes themselves decide: UTF-8, else a Cyrillic charset, else windows-1252.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> String {
    let declared = declared.map(|name| name.trim().to_ascii_lowercase()).unwrap_or_default();
    if let Some(text) = utf8(bytes, &declared) {
        return text;
    }
    if matches!(declared.as_str(), "utf-7" | "unicode-1-1-utf-7") {
        return utf7::decode(bytes);
    }
    let declared = cyrillic::instead_of(&declared, bytes).map_or(declared, str::to_owned);
    match charset_decoder(declared.as_bytes()) {
        _ if is_unicode_or_nothing(&declared) => guess(bytes),
        Some(decoder) => decoder(bytes),
        None => guess(bytes),
    }
}

/// Text of a header field without a declaration of its own; `fallback` is what the body declares.
pub(super) fn decode_raw(bytes: &[u8], fallback: Option<&str>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => decode(bytes, fallback),
    }
}

fn is_unicode_or_nothing(declared: &str) -> bool {
    matches!(
        declared,
        "" | "utf-8" | "utf8" | "unicode-1-1-utf-8" | "us-ascii" | "ascii" | "unknown" | "default"
    ) || declared.starts_with("unknown")
}

/// Text that is UTF-8 by declaration, or although a charset of single bytes is declared.
fn utf8(bytes: &[u8], declared: &str) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let by_declaration = is_unicode_or_nothing(declared);
    let single_bytes = ["iso-8859", "windows-", "cp1", "cp866", "koi8", "ibm", "latin"]
        .iter()
        .any(|name| declared.starts_with(name));
    if !by_declaration && !single_bytes {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if by_declaration => Some(text.to_owned()),
        Ok(text) => {
            let convincing = text.chars().filter(|c| *c as u32 >= 0xa0).count() >= CONVINCING;
            convincing.then(|| text.to_owned())
        }
        Err(error) if by_declaration => {
            let (good, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
            let good_text = String::from_utf8_lossy(good);
            let convincing = good_text.chars().filter(|c| !c.is_ascii()).count() >= CONVINCING;
            let text = String::from_utf8_lossy(bytes);
            let broken = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
            let whole = text.chars().filter(|c| !c.is_ascii()).count();
            // A few broken characters in otherwise good text: something cut a sequence in two. Or rubbish at its end:
            // no other charset has so many sequences by chance.
            (broken * 10 < whole || convincing && good.len() >= bytes.len() - good.len())
                .then(|| text.into_owned())
        }
        Err(_) => None,
    }
}

/// Bytes that are not UTF-8: high bytes in rows are Cyrillic words, single ones are accents of a Latin language.
/// In KOI8-R small letters stand where windows-1251 has capitals.
fn guess(bytes: &[u8]) -> String {
    let mut rows = 0_usize;
    let mut single = 0_usize;
    let mut length = 0_usize;
    let mut low_half = 0_usize;
    let mut high_half = 0_usize;
    for byte in bytes.iter().copied().chain([b' ']) {
        match byte {
            0xc0..=0xdf => low_half += 1,
            0xe0..=0xff => high_half += 1,
            _ => {}
        }
        if byte >= 0x80 {
            length += 1;
        } else {
            match length {
                0 => {}
                1 => single += 1,
                _ => rows += length,
            }
            length = 0;
        }
    }
    let charset = match cyrillic::undeclared(bytes) {
        Some(charset) => charset,
        None if single > rows => "windows-1252",
        None if low_half > high_half.saturating_mul(2) => "koi8-r",
        None => "windows-1251",
    };
    match charset_decoder(charset.as_bytes()) {
        Some(decoder) => decoder(bytes),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_declared_and_what_is_not() {
        let cp1251 = b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0";
        for declared in [Some("windows-1251"), Some("utf-8"), Some("x-nonsense"), None] {
            assert_eq!(decode(cp1251, declared), "Привет, мир", "{declared:?}");
        }
        assert_eq!(decode(b"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2", None), "Привет, мир");
        assert_eq!(decode(b"Caf\xe9 au lait", None), "Café au lait");
        assert_eq!(decode("Привет".as_bytes(), Some("iso-8859-1")), "Привет");
        assert_eq!(decode(b"+ZYeB9FH6ckh5Pg-, 1980.", Some("utf-7")), "文致出版社, 1980.");
        assert_eq!(decode(b"\xc4\xe3\xba\xc3", Some("gb2312")), "你好");
    }

    #[test]
    fn one_broken_character_does_not_make_good_utf8_cyrillic() {
        let mut bytes = "Привет, мир и все остальные".as_bytes().to_vec();
        bytes.pop();
        assert!(decode(&bytes, Some("utf-8")).starts_with("Привет, мир и все"));
        let mut bytes = "Привет, мир и все остальные".as_bytes().to_vec();
        bytes.extend(b"\x96\xe9\xff\xc9\xb7\x9b\xfe\x1d\xe9\xad");
        assert!(decode(&bytes, Some("utf-8")).starts_with("Привет, мир и все остальные"));
    }
}
