//! Fields with parameters, such as Content-Type ([RFC 2045, 5](https://www.rfc-editor.org/rfc/rfc2045#section-5),
//! [RFC 2231](https://www.rfc-editor.org/rfc/rfc2231)).

use std::collections::BTreeMap;

use super::transfer::hex;
use super::{charset, words};

/// The longest field that is read, in bytes.
const FIELD_LIMIT: usize = 16 * 1024;

/// The most parameters, and pieces of one.
const PARAMETERS_LIMIT: usize = 200;

/// A value and its parameters.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameterised {
    /// The value in lower case.
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Parameterised {
    /// Reads a field; `fallback` is the charset of raw bytes.
    pub(super) fn read(field: &[u8], fallback: Option<&str>) -> Self {
        let pieces = split(field.get(..FIELD_LIMIT).unwrap_or(field));
        let mut pieces = pieces.into_iter();
        let value =
            words::decode(&uncommented(pieces.next().unwrap_or_default()), fallback).to_ascii_lowercase();
        let value = value.split(' ').next().unwrap_or_default().trim_matches('"').to_owned();
        let mut plain = Vec::new();
        let mut extended: BTreeMap<String, Extended> = BTreeMap::new();
        for piece in pieces.take(PARAMETERS_LIMIT) {
            let Some(equals) = piece.iter().position(|byte| *byte == b'=') else { continue };
            let (name, value) = piece.split_at(equals);
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            let value = unquoted(value.get(1..).unwrap_or_default());
            match name.split_once('*') {
                Some((name, section)) => {
                    extended.entry(name.to_owned()).or_default().add(section, value);
                }
                None => plain.push((name, words::decode(&value, fallback))),
            }
        }
        let mut parameters: Vec<(String, String)> =
            extended.into_iter().map(|(name, parts)| (name, parts.decode(fallback))).collect();
        // Where both forms stand, the extended one knows more.
        parameters.extend(plain);
        Self { value, parameters }
    }

    /// A parameter by its name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// A parameter in pieces: `name*0*=utf-8''a%20b; name*1=c`.
#[derive(Debug, Default)]
struct Extended {
    sections: BTreeMap<u32, (bool, Vec<u8>)>,
}

impl Extended {
    fn add(&mut self, section: &str, value: Vec<u8>) {
        let encoded = section.is_empty() || section.ends_with('*');
        let number = section.trim_end_matches('*').parse().unwrap_or(0);
        self.sections.entry(number).or_insert((encoded, value));
    }

    fn decode(self, fallback: Option<&str>) -> String {
        let mut charset = None;
        let mut bytes = Vec::new();
        for (position, (_, (encoded, value))) in self.sections.into_iter().enumerate() {
            if !encoded {
                bytes.extend(value);
                continue;
            }
            let mut value = value.as_slice();
            if position == 0 {
                let mut parts = value.splitn(3, |byte| *byte == b'\'');
                if let (Some(name), Some(_language), Some(rest)) = (parts.next(), parts.next(), parts.next())
                {
                    charset = Some(String::from_utf8_lossy(name).into_owned());
                    value = rest;
                }
            }
            percent(value, &mut bytes);
        }
        let text = match charset.filter(|name| !name.is_empty()) {
            Some(charset) => charset::decode(&bytes, Some(&charset)),
            None => words::decode(&bytes, fallback),
        };
        words::one_line(&text)
    }
}

fn percent(value: &[u8], bytes: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
}

/// The field cut at semicolons outside quotes.
fn split(field: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in field.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                pieces.push(field.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(field.get(start..).unwrap_or_default());
    pieces
}

fn uncommented(value: &[u8]) -> Vec<u8> {
    value.split(|byte| *byte == b'(').next().unwrap_or_default().trim_ascii().to_vec()
}

/// A value without its quotes. A backslash before anything but a quote or another one is a Windows path.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.to_vec();
    };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'\\', [next @ (b'"' | b'\\'), after @ ..]) => {
                bytes.push(*next);
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(field: &str) -> String {
        Parameterised::read(field.as_bytes(), None).get("filename").unwrap().to_owned()
    }

    #[test]
    fn reads_every_way_of_writing_a_name() {
        assert_eq!(name("attachment; filename=a.pdf"), "a.pdf");
        assert_eq!(name("attachment; filename=\"a; \\\"b\\\".pdf\""), "a; \"b\".pdf");
        assert_eq!(name("attachment; filename=price list.pdf"), "price list.pdf");
        assert_eq!(name("attachment; filename*=UTF-8''%D0%B0.pdf; filename=\"_.pdf\""), "а.pdf");
        assert_eq!(name("attachment; filename*0*=utf-8''%D0; filename*1*=%B0; filename*2=.pdf"), "а.pdf");
        assert_eq!(name("attachment;\r\n filename*1=b.pdf;\r\n filename*0=a"), "ab.pdf");
        assert_eq!(name("attachment; filename=\"=?koi8-r?B?0Q==?=.pdf\""), "я.pdf");
        assert_eq!(name("attachment; filename*0=\"=?utf-8?B?0Y\"; filename*1=\"8=?=.pdf\""), "я.pdf");
    }

    #[test]
    fn the_value_stands_alone() {
        let field = Parameterised::read(b" Text/HTML (a comment); Charset=\"UTF-8\" ; format", None);
        assert_eq!(field.value, "text/html");
        assert_eq!(field.get("charset"), Some("UTF-8"));
        assert_eq!(field.get("format"), None);
        assert_eq!(Parameterised::read(b"", None).value, "");
    }
}
