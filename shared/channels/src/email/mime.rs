//! The structure of a mail ([RFC 2046](https://www.rfc-editor.org/rfc/rfc2046)): a tree of parts that borrow from
//! the mail's bytes, bounded in depth and number whatever the mail claims.

use memchr::memmem;

use super::header::{Headers, line};
use super::parameters::Parameterised;
use super::transfer::Encoding;
use super::{charset, words};

/// How deep parts may be nested; what is deeper stays one part.
const DEPTH_LIMIT: usize = 20;

/// The most parts that are told apart.
const PARTS_LIMIT: usize = 1_000;

/// A part, or the mail itself.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    pub(super) headers: Headers<'a>,
    /// The media type in lower case; `text/plain` where none is given.
    pub(super) kind: Parameterised,
    /// What Content-Disposition says; empty where there is none.
    pub(super) disposition: Parameterised,
    pub(super) encoding: Encoding,
    /// The body, still encoded.
    pub(super) body: &'a [u8],
    /// The parts of a multipart body.
    pub(super) parts: Vec<Entity<'a>>,
}

/// What was left out of a tree.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    parts: usize,
    /// Whether there are more parts than are told apart.
    pub(super) too_many: bool,
    /// Whether parts are nested deeper than is told apart.
    pub(super) too_deep: bool,
    /// Whether some header section was cut.
    pub(super) headers_cut: bool,
    /// Whether a multipart body has none of the boundaries that it announces.
    pub(super) without_boundary: bool,
}

/// The tree of a mail.
pub(super) fn parse<'a>(bytes: &'a [u8], left_out: &mut LeftOut) -> Entity<'a> {
    entity(bytes, "text/plain", 0, left_out)
}

impl Entity<'_> {
    /// Whether the body is made of parts that could be told apart.
    pub(super) fn is_multipart(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The charset that the part declares.
    pub(super) fn charset(&self) -> Option<&str> {
        self.kind.get("charset")
    }

    /// The decoded bytes, at most `limit`.
    pub(super) fn decoded(&self, limit: usize) -> Vec<u8> {
        self.encoding.decode(self.body, limit)
    }

    /// The body as text, from at most `limit` bytes.
    pub(super) fn text(&self, limit: usize) -> String {
        words::lines(&charset::decode(&self.decoded(limit), self.charset()))
    }

    /// Every part without parts of its own, in their order.
    pub(super) fn leaves(&self) -> Vec<&Entity<'_>> {
        if self.parts.is_empty() { vec![self] } else { self.parts.iter().flat_map(Entity::leaves).collect() }
    }
}

fn entity<'a>(bytes: &'a [u8], default: &str, depth: usize, left_out: &mut LeftOut) -> Entity<'a> {
    let (headers, body) = Headers::read(bytes);
    left_out.headers_cut |= headers.cut;
    let mut kind =
        headers.first("content-type").map(|field| Parameterised::read(field, None)).unwrap_or_default();
    if !kind.value.contains('/') {
        // `text` and other half types of old programs keep their charset.
        default.clone_into(&mut kind.value);
    }
    let fallback = kind.get("charset").map(str::to_owned);
    let disposition = headers
        .first("content-disposition")
        .map(|field| Parameterised::read(field, fallback.as_deref()))
        .unwrap_or_default();
    let encoding =
        headers.plain("content-transfer-encoding").map(|name| Encoding::named(&name)).unwrap_or_default();
    let mut parts = Vec::new();
    if kind.value.starts_with("multipart/") {
        if depth >= DEPTH_LIMIT {
            // A file with all of it, rather than its source for a text.
            "application/octet-stream".clone_into(&mut kind.value);
            left_out.too_deep = true;
        } else {
            let default = if kind.value == "multipart/digest" { "message/rfc822" } else { "text/plain" };
            let sections = sections(body, kind.get("boundary"), PARTS_LIMIT.saturating_sub(left_out.parts));
            left_out.too_many |= sections.more;
            left_out.without_boundary |= sections.parts.is_empty();
            left_out.parts += sections.parts.len();
            parts =
                sections.parts.into_iter().map(|part| entity(part, default, depth + 1, left_out)).collect();
        }
    }
    Entity { headers, kind, disposition, encoding, body, parts }
}

struct Sections<'a> {
    parts: Vec<&'a [u8]>,
    /// Whether there are more than were asked for.
    more: bool,
}

/// The pieces of a multipart body. Without an announced boundary the first line that looks like one serves.
fn sections<'a>(body: &'a [u8], boundary: Option<&str>, limit: usize) -> Sections<'a> {
    let announced =
        boundary.map(|boundary| boundary.trim().as_bytes().to_vec()).filter(|name| !name.is_empty());
    let mut sections = Sections { parts: Vec::new(), more: false };
    let Some(boundary) = announced.or_else(|| apparent(body)) else { return sections };
    let mut start: Option<&[u8]> = None;
    let finish = |start: &'a [u8], end: &'a [u8], sections: &mut Sections<'a>| {
        let part = start.get(..start.len() - end.len()).unwrap_or_default();
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        sections.parts.push(part.strip_suffix(b"\r").unwrap_or(part));
    };
    for at in memmem::find_iter(body, &[b"--", boundary.as_slice()].concat()) {
        let (before, rest) = body.split_at_checked(at).unwrap_or((body, &[]));
        let (here, after) = line(rest);
        let begins_line = before.last().is_none_or(|byte| *byte == b'\n');
        let Some(end) = delimiter(here, &boundary).filter(|_| begins_line) else { continue };
        if let Some(start) = start.take() {
            finish(start, rest, &mut sections);
        }
        if end {
            return sections;
        }
        if sections.parts.len() >= limit {
            sections.more = true;
            return sections;
        }
        start = Some(after);
    }
    if let Some(start) = start {
        finish(start, &[], &mut sections);
    }
    sections
}

/// Whether a line is the delimiter, and if so, whether it is the closing one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    match rest.trim_ascii() {
        [] => Some(false),
        [b'-', b'-', ..] => Some(true),
        _ => None,
    }
}

fn apparent(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    while !rest.is_empty() {
        let (here, after) = line(rest);
        match here.strip_prefix(b"--").map(<[u8]>::trim_ascii_end) {
            Some(name)
                if name.len() >= 6 && !name.contains(&b' ') && name.iter().any(|byte| *byte != b'-') =>
            {
                return Some(name.to_vec());
            }
            _ => rest = after,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(bytes: &str) -> Vec<String> {
        let mut left_out = LeftOut::default();
        parse(bytes.as_bytes(), &mut left_out).leaves().iter().map(|leaf| leaf.text(1_000)).collect()
    }

    #[test]
    fn tells_nested_parts_apart() {
        let mail = "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n--a b\r\n\
            Content-Type: multipart/alternative; boundary=\"a b1\"\r\n\r\n--a b1\r\n\r\none\r\n--a b1\r\n\r\ntwo\r\n\
            --a b1--\r\n--a b  \r\n\r\nthree\r\n--a b--\r\nepilogue";
        assert_eq!(bodies(mail), ["one", "two", "three"]);
    }

    #[test]
    fn survives_broken_boundaries() {
        assert_eq!(bodies("Content-Type: multipart/mixed; boundary=x\n\n--x\n\nunclosed"), ["unclosed"]);
        assert_eq!(bodies("Content-Type: multipart/mixed\n\n--abcdef\n\none\n--abcdef--\n"), ["one"]);
        assert_eq!(bodies("Content-Type: multipart/mixed; boundary=x\n\njust text"), ["just text"]);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep: String = (0..200)
            .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"))
            .collect();
        let mut left_out = LeftOut::default();
        parse(deep.as_bytes(), &mut left_out);
        assert!(left_out.too_deep);
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(100_000));
        let mut left_out = LeftOut::default();
        assert_eq!(parse(many.as_bytes(), &mut left_out).leaves().len(), PARTS_LIMIT);
        assert!(left_out.too_many);
    }
}
