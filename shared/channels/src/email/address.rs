//! Addresses in header fields ([RFC 5322, 3.4](https://www.rfc-editor.org/rfc/rfc5322#section-3.4)), as people's
//! programs write them.

use super::mail::{Mailbox, ReturnPath};
use super::words;

/// The longest field that is read, in bytes: a few thousand mailboxes.
const FIELD_LIMIT: usize = 64 * 1024;

/// The longest name, in characters.
const NAME_LIMIT: usize = 200;

/// The longest address ([RFC 3696](https://www.rfc-editor.org/errata/eid1690) and its erratum allow less).
const ADDRESS_LIMIT: usize = 320;

/// The mailboxes of a field, at most `limit`, and how many more there are. Groups are taken for their members, and
/// what has no readable address is left out.
pub(super) fn mailboxes(value: &[u8], charset: Option<&str>, limit: usize) -> (Vec<Mailbox>, usize) {
    let mut all = Vec::new();
    let mut left_out = 0;
    for entry in entries(value.get(..FIELD_LIMIT).unwrap_or(value)) {
        if let Some(mailbox) = mailbox(entry, charset) {
            if all.len() < limit {
                all.push(mailbox);
            } else {
                left_out += 1;
            }
        }
    }
    (all, left_out)
}

/// The sender that a `Return-Path` names.
pub(super) fn return_path(value: &[u8]) -> Option<ReturnPath> {
    let text = String::from_utf8_lossy(value);
    let inner = text.trim();
    let inner = inner.strip_prefix('<').unwrap_or(inner);
    let inner = inner.split('>').next().unwrap_or_default().trim();
    if inner.is_empty() {
        return Some(ReturnPath::Null);
    }
    address(inner).map(ReturnPath::Address)
}

/// An address in its usual form, if it is one: the domain in lower case and ASCII.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let strange = |c: char| c.is_whitespace() || c.is_control() || words::turns_direction(c);
    if local.is_empty() || text.len() > ADDRESS_LIMIT || text.chars().any(strange) {
        return None;
    }
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    if !quoted && local.contains(['<', '>', '"', ',', ';', ':', '(', ')', '[', ']', '\\', '@']) {
        return None;
    }
    if domain.is_empty() || domain.contains(['<', '>', '"', ',', ';', '(', ')', '\\', '/', '?', '#', '%']) {
        return None;
    }
    let domain = if domain.starts_with('[') && domain.ends_with(']') {
        domain.to_ascii_lowercase()
    } else {
        let ascii = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let host = if ascii { domain.to_ascii_lowercase() } else { idna(domain)? };
        let host = host.trim_end_matches('.').to_owned();
        if host.is_empty() || host.split('.').any(str::is_empty) {
            return None;
        }
        host
    };
    Some(format!("{local}@{domain}"))
}

/// The ASCII form of an international domain.
fn idna(domain: &str) -> Option<String> {
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) => Some(domain),
        _ => None,
    }
}

/// A field cut at its commas and semicolons, outside quotes, comments and brackets.
fn entries(value: &[u8]) -> Vec<&[u8]> {
    let mut entries = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let mut escaped = false;
    let mut comment = 0_u32;
    let mut angle = false;
    for (at, byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' if quoted || comment > 0 => escaped = true,
            b'"' if comment == 0 => quoted = !quoted,
            b'(' if !quoted => comment = comment.saturating_add(1),
            b')' if !quoted => comment = comment.saturating_sub(1),
            b'<' if !quoted && comment == 0 => angle = true,
            b'>' if !quoted && comment == 0 => angle = false,
            // A group's name ends here; a colon inside brackets belongs to a route.
            b':' if !quoted && comment == 0 && !angle => {
                let name = value.get(start..at).unwrap_or_default();
                if !name.to_ascii_lowercase().ends_with(b"mailto") {
                    start = at + 1;
                }
            }
            b',' | b';' if !quoted && comment == 0 && !angle => {
                entries.push(value.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.push(value.get(start..).unwrap_or_default());
    // An unclosed quote or bracket swallows what follows it: then commas cut, whatever they stand in.
    if quoted || comment > 0 || angle {
        entries = value.split(|byte| matches!(byte, b',' | b';')).collect();
    }
    entries
}

fn mailbox(entry: &[u8], charset: Option<&str>) -> Option<Mailbox> {
    let (name, comment, found) = pieces(entry);
    let decode = |raw: &[u8]| {
        let name = words::bounded(words::decode(raw, charset), NAME_LIMIT);
        let name = name.trim_matches(['"', '\'', ' ']).to_owned();
        (!name.is_empty()).then_some(name)
    };
    if let Some(inner) = found {
        // A route: RFC 5322, 4.4.
        let inner = inner.rsplit(|byte| *byte == b':').next().unwrap_or(&inner);
        let text = words::decode(inner, charset);
        let text = text.strip_prefix("mailto:").unwrap_or(&text);
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let address = address(&compact)?;
        let name = decode(&name).or_else(|| decode(&comment)).filter(|name| *name != address);
        return Some(Mailbox { name, address });
    }
    let text = words::decode(&name, charset);
    let (at, address) =
        text.split(' ').enumerate().find_map(|(at, word)| Some((at, address(bare(word))?)))?;
    let rest: Vec<&str> =
        text.split(' ').enumerate().filter(|(position, _)| *position != at).map(|(_, word)| word).collect();
    let name = decode(&comment).or_else(|| decode(rest.join(" ").as_bytes()));
    Some(Mailbox { name: name.filter(|name| *name != address), address })
}

fn bare(word: &str) -> &str {
    word.trim_matches(['<', '>', '"', '\'', '[', ']']).trim_start_matches("mailto:")
}

/// The text before the brackets, the comments, and what is in the last brackets; quotes and escapes resolved.
fn pieces(entry: &[u8]) -> (Vec<u8>, Vec<u8>, Option<Vec<u8>>) {
    let mut name = Vec::new();
    let mut comments = Vec::new();
    let mut inner: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut escaped = false;
    let mut comment = 0_u32;
    let mut angle = false;
    for &byte in entry {
        let special = !escaped;
        escaped = false;
        match byte {
            b'\\' if special && (quoted || comment > 0) => {
                escaped = true;
                continue;
            }
            b'"' if special && comment == 0 && !angle => {
                quoted = !quoted;
                continue;
            }
            b'(' if special && !quoted && !angle => {
                comment += 1;
                if comment == 1 {
                    continue;
                }
            }
            b')' if special && !quoted && comment > 0 => {
                comment -= 1;
                if comment == 0 {
                    comments.push(b' ');
                    continue;
                }
            }
            b'<' if special && !quoted && comment == 0 => {
                // `"a@b" <<c@d>>` and the like: what stands last counts.
                inner = Some(Vec::new());
                angle = true;
                continue;
            }
            b'>' if special && !quoted && comment == 0 => {
                angle = false;
                continue;
            }
            _ => {}
        }
        match &mut inner {
            _ if comment > 0 => comments.push(byte),
            Some(inner) if angle => inner.push(byte),
            _ => name.push(byte),
        }
    }
    (name, comments, inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<(Option<String>, String)> {
        mailboxes(value.as_bytes(), None, 100)
            .0
            .into_iter()
            .map(|found| (found.name, found.address))
            .collect()
    }

    fn one(value: &str) -> (Option<String>, String) {
        let mut all = read(value);
        assert_eq!(all.len(), 1, "{value}");
        all.remove(0)
    }

    #[test]
    fn reads_what_programs_write() {
        let named = |name: &str, address: &str| (Some(name.to_owned()), address.to_owned());
        assert_eq!(one("Ivan <ivan@Example.RU>"), named("Ivan", "ivan@example.ru"));
        assert_eq!(one("\"Petrov, Ivan\" <i@x.ru>"), named("Petrov, Ivan", "i@x.ru"));
        assert_eq!(one("i@x.ru (Ivan \\) P)"), named("Ivan ) P", "i@x.ru"));
        assert_eq!(one("=?utf-8?B?0JjQstCw0L0sINCf?= <i@x.ru>"), named("Иван, П", "i@x.ru"));
        assert_eq!(one("<@relay.com:i@x.ru>"), (None, "i@x.ru".to_owned()));
        assert_eq!(one("i@x.ru <i@x.ru>"), (None, "i@x.ru".to_owned()));
        assert_eq!(one("info@почта.рф").1, "info@xn--80a1acny.xn--p1ai");
        assert_eq!(one("'Ivan' mailto:i@x.ru"), named("Ivan", "i@x.ru"));
    }

    #[test]
    fn groups_are_their_members() {
        assert_eq!(read("Team: a@x.ru, B <b@x.ru>;, c@x.ru").len(), 3);
        assert!(read("undisclosed-recipients:;").is_empty());
    }

    #[test]
    fn the_address_in_brackets_counts_and_not_the_one_in_the_name() {
        assert_eq!(one("\"ceo@bank.ru\" <thief@evil.ru>").1, "thief@evil.ru");
        assert_eq!(one("ceo@bank.ru <thief@evil.ru>").1, "thief@evil.ru");
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        for bad in ["", "Ivan", "<>", "a@", "@b", "a@b..c", "a@b/c", "\"unclosed <a@b"] {
            let found = read(bad);
            assert!(found.is_empty() || found.len() == 1 && found[0].1 == "a@b", "{bad}: {found:?}");
        }
        assert!(read("a\r\n\x00b@c d").iter().all(|(_, address)| !address.chars().any(char::is_control)));
        assert_eq!(one("a@b\u{202e}c").1, "a@bc");
    }

    #[test]
    fn a_null_path_is_not_an_absent_one() {
        assert_eq!(return_path(b" <>"), Some(ReturnPath::Null));
        assert_eq!(return_path(b"<A@B.ru>"), Some(ReturnPath::Address("A@b.ru".to_owned())));
        assert_eq!(return_path(b"nonsense"), None);
    }
}
