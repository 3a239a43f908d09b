//! Content transfer encodings ([RFC 2045, 6](https://www.rfc-editor.org/rfc/rfc2045#section-6)), read leniently.
//!
//! The decoders hand their bytes to a callback, so that the size of an attachment can be told without holding it.

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// As it stands: `7bit`, `8bit`, `binary`, and what nobody knows.
    #[default]
    Plain,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    /// The encoding that a Content-Transfer-Encoding field names.
    pub(super) fn named(name: &str) -> Self {
        let name = name.trim().to_ascii_lowercase();
        match name.split([' ', ';', '(']).next() {
            Some("base64") => Self::Base64,
            Some("quoted-printable") => Self::QuotedPrintable,
            _ => Self::Plain,
        }
    }

    /// The decoded bytes, at most `limit` of them.
    pub(super) fn decode(self, body: &[u8], limit: usize) -> Vec<u8> {
        if self == Self::Plain {
            return body.get(..limit).unwrap_or(body).to_vec();
        }
        let mut decoded = Vec::with_capacity(body.len().min(limit));
        self.each(body, |byte| {
            if decoded.len() < limit {
                decoded.push(byte);
            }
        });
        decoded
    }

    /// The number of decoded bytes.
    pub(super) fn size(self, body: &[u8]) -> usize {
        if self == Self::Plain {
            return body.len();
        }
        let mut size = 0;
        self.each(body, |_| size += 1);
        size
    }

    fn each(self, body: &[u8], byte: impl FnMut(u8)) {
        match self {
            Self::Plain => body.iter().copied().for_each(byte),
            Self::Base64 => base64(body, byte),
            Self::QuotedPrintable => quoted_printable(body, byte),
        }
    }
}

/// In [`SEXTETS`], what is no sextet.
const PADDING: u8 = 64;
const OTHER: u8 = 65;
/// What each byte of base64 stands for.
static SEXTETS: [u8; 256] = sextets();

#[expect(clippy::indexing_slicing, reason = "done by the compiler, which would say so")]
const fn sextets() -> [u8; 256] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut sextets = [OTHER; 256];
    let mut value = 0;
    while value < PADDING {
        sextets[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    sextets[b'=' as usize] = PADDING;
    sextets
}

/// What is not in the alphabet is skipped. Padding starts a new group, because some programs join encoded pieces;
/// below it the first strange character ends the body: mailing lists write their footers there. So does an empty
/// line with plain text below it.
pub(super) fn base64(body: &[u8], mut emit: impl FnMut(u8)) {
    let body = without_footer(body);
    let mut group = 0_u32;
    let mut bits = 0_u32;
    let mut padded = false;
    for &byte in body {
        match SEXTETS.get(usize::from(byte)) {
            Some(&value @ 0..64) => {
                group = (group << 6) | u32::from(value);
                bits += 6;
                if bits >= 8 {
                    bits -= 8;
                    emit((group >> bits).to_le_bytes()[0]);
                }
            }
            Some(&PADDING) => {
                bits = 0;
                padded = true;
            }
            _ if padded && !byte.is_ascii_whitespace() => return,
            _ => {}
        }
    }
}

/// A body without the plain text below its first empty line, if there is any.
fn without_footer(body: &[u8]) -> &[u8] {
    let blank = |line: &[u8]| line.trim_ascii().is_empty();
    let encoded = |line: &[u8]| {
        line.trim_ascii().iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
    };
    let mut length = 0;
    let mut lines = body.split_inclusive(|byte| *byte == b'\n');
    for line in lines.by_ref() {
        if length > 0 && blank(line) && !body.get(..length).is_none_or(blank) {
            break;
        }
        length += line.len();
    }
    if lines.all(encoded) { body } else { body.get(..length).unwrap_or(body) }
}

/// An escape that is none stays as it is written.
fn quoted_printable(body: &[u8], mut emit: impl FnMut(u8)) {
    let mut rest = body;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'=' {
            emit(byte);
            continue;
        }
        match tail {
            [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                emit(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => {
                let blank = tail.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
                match tail.get(blank..) {
                    Some([b'\n', after @ ..]) => rest = after,
                    Some([]) => rest = &[],
                    _ => emit(byte),
                }
            }
        }
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_survives_what_programs_do_to_it() {
        let decode = |body: &str| Encoding::Base64.decode(body.as_bytes(), 100);
        assert_eq!(decode("SGVs\r\nbG8h"), b"Hello!");
        assert_eq!(decode("SGVsbG8="), b"Hello");
        assert_eq!(decode("SGVsbG8"), b"Hello");
        assert_eq!(decode("SGVsbG8=SGVsbG8="), b"HelloHello");
        assert_eq!(decode("S*G V!s"), b"Hel");
        assert_eq!(decode("SGVsbG8=\n\n_____\nlist"), b"Hello");
        assert_eq!(decode("SGVsbG8\r\n\r\nYou get this\r\nas a member\r\n"), b"Hello");
        assert_eq!(decode("\r\nSGVs\r\n\r\nbG8h"), b"Hello!");
        assert_eq!(Encoding::Base64.size(b"SGVs\r\nbG8="), 5);
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_escape() {
        let decode = |body: &str| Encoding::QuotedPrintable.decode(body.as_bytes(), 100);
        assert_eq!(decode("a=3Db=\r\nc= \nd"), b"a=bcd");
        assert_eq!(decode("50=% =ZZ ="), b"50=% =ZZ ");
        assert_eq!(Encoding::QuotedPrintable.decode(b"abcdef", 3), b"abc");
    }
}
