//! UTF-7 ([RFC 2152](https://www.rfc-editor.org/rfc/rfc2152)), which old Outlooks still write.

/// Text in UTF-7. What is no UTF-7 becomes replacement characters.
pub(super) fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'+' {
            text.push(if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER });
            continue;
        }
        let length = rest.iter().take_while(|byte| value(**byte).is_some()).count();
        let (encoded, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if encoded.is_empty() && after.first() == Some(&b'-') {
            text.push('+');
        }
        text.push_str(&shifted(encoded));
        // Only a hyphen belongs to the shift; any other character that ends it is text.
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    text
}

fn shifted(encoded: &[u8]) -> String {
    let mut units = Vec::with_capacity(encoded.len() / 2);
    let mut group = 0_u32;
    let mut bits = 0;
    for value in encoded.iter().filter_map(|byte| value(*byte)) {
        group = (group << 6) | u32::from(value);
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push(u16::try_from((group >> bits) & 0xffff).unwrap_or_default());
        }
    }
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_shifts_and_what_stands_between_them() {
        assert_eq!(decode(b"+BB0ENQ +BDwEPgQzBEM-, 1+-1=2"), "Не могу, 1+1=2");
        assert_eq!(decode(b"+2D3eAA-"), "😀");
        assert_eq!(decode(b"+2D0-\xff+"), "\u{fffd}\u{fffd}");
    }
}
