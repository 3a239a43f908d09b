//! The header section of a mail or of one of its parts.

use memchr::memmem;

/// The longest header section that is kept, in bytes. What follows is skipped.
const SECTION_LIMIT: usize = 256 * 1024;

/// The most fields that are kept.
const FIELDS_LIMIT: usize = 2_000;

/// How many lines may stand between a broken line and the next field for the section to go on.
const BROKEN_LINES: usize = 8;

/// Fields by whose names a section is recognised after a broken line.
const TELLING: &[&str] = &[
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "references",
    "in-reply-to",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
];

/// The fields of a section, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers<'a> {
    fields: Vec<Field<'a>>,
    /// Whether the section was longer than what is kept of it.
    pub(super) cut: bool,
}

/// A field as it stands in the mail, with its folding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a [u8],
    /// Where it begins, in bytes from the beginning of the section.
    pub(super) offset: usize,
}

impl<'a> Headers<'a> {
    /// Reads a section; what follows it is the body.
    pub(super) fn read(bytes: &'a [u8]) -> (Self, &'a [u8]) {
        let mut headers = Self::default();
        let mut rest = bytes;
        loop {
            if headers.cut {
                return (headers, body_of(rest));
            }
            let (line, after) = line(rest);
            if line.is_empty() {
                return (headers, after);
            }
            if let Some((name, value)) = field(line) {
                let (length, after) = unbroken(rest, after);
                let start = line.len() - value.len();
                let value = rest.get(start..length).unwrap_or_default();
                let position = bytes.len() - after.len();
                if position <= SECTION_LIMIT && headers.fields.len() < FIELDS_LIMIT {
                    headers.fields.push(Field { name, value, offset: bytes.len() - rest.len() });
                } else {
                    headers.cut = true;
                }
                rest = after;
            } else if is_skipped(line) || goes_on(after) {
                rest = after;
            } else {
                return (headers, rest);
            }
        }
    }

    /// The topmost field of a name.
    pub(super) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Every field of a name, topmost first.
    pub(super) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// A field's value as plain text on one line, for fields that are ASCII by their standard.
    pub(super) fn plain(&self, name: &str) -> Option<String> {
        self.first(name)
            .map(|value| String::from_utf8_lossy(value).split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Every field.
    pub(super) fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }
}

/// The first line without its end, and what follows it.
pub(super) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', bytes) {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// What follows the next empty line.
fn body_of(section: &[u8]) -> &[u8] {
    let ends: [&[u8]; 2] = [b"\n\r\n", b"\n\n"];
    let end = ends.iter().filter_map(|end| Some(memmem::find(section, end)? + end.len())).min();
    end.and_then(|end| section.get(end..)).unwrap_or_default()
}

/// How long a field is with the lines that continue it, and what follows.
fn unbroken<'a>(start: &'a [u8], mut after: &'a [u8]) -> (usize, &'a [u8]) {
    while matches!(after.first(), Some(b' ' | b'\t')) {
        let (continued, next) = line(after);
        // A line of blanks ends the section for many programs that write such.
        if continued.iter().all(u8::is_ascii_whitespace) && field(line(next).0).is_none() {
            break;
        }
        after = next;
    }
    (start.len() - after.len(), after)
}

/// Name and value of a line that begins a field.
fn field(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = std::str::from_utf8(name).ok()?.trim_end_matches([' ', '\t']);
    let good = !name.is_empty() && name.len() <= 100 && name.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| (name, value.get(1..).unwrap_or_default()))
}

/// Lines that mailboxes and gateways put among the fields.
fn is_skipped(line: &[u8]) -> bool {
    line.starts_with(b"From ")
        || line.starts_with(b">From ")
        || line.starts_with(b" ")
        || line.starts_with(b"\t")
}

/// Whether the section goes on after a line that is no field.
fn goes_on(mut rest: &[u8]) -> bool {
    for _ in 0..BROKEN_LINES {
        let (next, after) = line(rest);
        if next.is_empty() {
            return false;
        }
        if field(next).is_some_and(|(name, _)| TELLING.iter().any(|known| name.eq_ignore_ascii_case(known))) {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folded_fields_and_leaves_the_body() {
        let (headers, body) = Headers::read(b"Subject: a\r\n b\r\nTo : c\r\n\r\nbody\r\n");
        assert_eq!(headers.plain("subject").unwrap(), "a b");
        assert_eq!(headers.plain("TO").unwrap(), "c");
        assert_eq!(body, b"body\r\n");
    }

    #[test]
    fn a_broken_line_does_not_hide_the_fields_below_it() {
        let (headers, body) = Headers::read(b"From x@y Mon\nSubject: a\nbroken here\nFrom: b@c\n\nbody");
        assert_eq!(headers.plain("from").unwrap(), "b@c");
        assert_eq!(body, b"body");
        let (headers, body) = Headers::read(b"no header at all\nonly text\n");
        assert!(headers.fields().is_empty());
        assert_eq!(body, b"no header at all\nonly text\n");
    }

    #[test]
    fn an_endless_section_is_cut() {
        let mut bytes = b"From: a@b\n".to_vec();
        bytes.extend(b"X: y\n".repeat(200_000));
        bytes.extend(b"\nbody");
        let (headers, body) = Headers::read(&bytes);
        assert!(headers.cut);
        assert!(headers.fields().len() <= FIELDS_LIMIT);
        assert_eq!(body, b"body");
    }
}
