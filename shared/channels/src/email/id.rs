//! Message ids ([RFC 5322, 3.6.4](https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4)).

/// The longest id, in bytes: a line's limit.
const LIMIT: usize = 998;

/// The longest field that is read, in bytes.
const FIELD_LIMIT: usize = 64 * 1024;

/// The id that a mail calls itself by, without brackets.
pub fn own(value: &[u8]) -> Option<String> {
    all(value, 1).into_iter().next()
}

/// The ids of a field without brackets, at most `limit`: the first one and the latest ones.
pub(super) fn all(value: &[u8], limit: usize) -> Vec<String> {
    let value = String::from_utf8_lossy(value.get(..FIELD_LIMIT).unwrap_or(value));
    let mut ids: Vec<String> = Vec::new();
    let mut add = |raw: &str| {
        let id: String = raw.chars().filter(|c| !c.is_whitespace() && !c.is_control() && *c != '>').collect();
        if !id.is_empty() && id.len() <= LIMIT && !ids.contains(&id) {
            ids.push(id);
        }
        // Beyond this, looking for repetitions would take longer than an honest thread is long.
        ids.len() < 1_000
    };
    if value.contains('<') {
        for piece in value.split('<').skip(1) {
            if !add(piece.split(['>', '<']).next().unwrap_or_default()) {
                break;
            }
        }
    } else {
        let words: Vec<&str> = value.split_whitespace().filter(|word| word.contains('@')).collect();
        if words.is_empty() && limit == 1 {
            add(&value);
        }
        for word in words {
            if !add(word) {
                break;
            }
        }
    }
    if ids.len() > limit && limit > 0 {
        let latest = ids.split_off(ids.len() - (limit - 1));
        ids.truncate(1);
        ids.extend(latest);
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_ids_are_none() {
        for empty in ["", "  ", "<>", "< >", "\r\n "] {
            assert_eq!(own(empty.as_bytes()), None, "{empty:?}");
        }
        assert_eq!(own(b" <a@b>\r\n").unwrap(), "a@b");
        assert_eq!(own(b"a@b").unwrap(), "a@b");
        assert_eq!(own(b"no-at-sign").unwrap(), "no-at-sign");
        assert_eq!(own(b"a@b>").unwrap(), "a@b");
        assert_eq!(own(b"<a\r\n b@c>").unwrap(), "ab@c");
    }

    #[test]
    fn a_long_thread_keeps_its_ends() {
        let field: String = (0..500).map(|number| format!("<{number}@x>\r\n ")).collect();
        let ids = all(field.as_bytes(), 3);
        assert_eq!(ids, ["0@x", "498@x", "499@x"]);
        assert_eq!(all(b"<a@x> (a comment) <b@x><a@x>", 10), ["a@x", "b@x"]);
        assert_eq!(all(b"Your mail of Monday", 10), [""; 0]);
    }
}
