//! Which parts of a mail are its text, and which are files.

mod flowed;

use super::mime::Entity;
use super::{calendar, html};

/// The longest text and the longest HTML that are taken from a mail, in bytes.
pub(super) const LIMIT: usize = 5 * 1024 * 1024;

/// What programs write into the plain part that they think nobody reads, in lower case.
const PLACEHOLDERS: &[&str] = &[
    "not support html",
    "html-capable",
    "html capable",
    "view this email in html",
    "this is an html",
    "html-enabled",
    "enable html",
    "html format",
    "html version",
    "не поддерживает html",
    "формате html",
    "view it in your browser",
    "this message is in html",
];

/// The longest text that can be a placeholder, in bytes.
const PLACEHOLDER_LIMIT: usize = 400;

/// The parts of a mail, sorted.
#[derive(Debug, Default)]
pub(super) struct Body<'e, 'a> {
    /// What is shown, in its order.
    pieces: Vec<Piece<'e, 'a>>,
    /// What is attached, in its order.
    pub(super) files: Vec<&'e Entity<'a>>,
}

/// One text, in the forms that the mail offers.
#[derive(Debug, Default)]
struct Piece<'e, 'a> {
    /// Several where files stand between them.
    plain: Vec<&'e Entity<'a>>,
    html: Vec<&'e Entity<'a>>,
}

/// The text of a mail.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) text: String,
    /// The HTML, where the mail has any and it is not too long.
    pub(super) html: Option<String>,
    /// Whether some of it was too long to be taken.
    pub(super) cut: bool,
}

/// Sorts the parts of a mail.
pub(super) fn sort<'e, 'a>(root: &'e Entity<'a>) -> Body<'e, 'a> {
    let mut body = Body::default();
    body.take(root);
    body
}

impl<'e, 'a> Body<'e, 'a> {
    fn take(&mut self, part: &'e Entity<'a>) {
        if part.is_multipart() {
            if part.kind.value == "multipart/alternative" {
                self.choose(part);
            } else {
                part.parts.iter().for_each(|part| self.take(part));
            }
            return;
        }
        let attached = part.disposition.value == "attachment";
        let named = part.disposition.get("filename").or_else(|| part.kind.get("name")).is_some();
        // A name makes a text a file, but some programs name the mail's own text, too.
        let shown = !attached && (!named || self.pieces.is_empty() && self.files.is_empty());
        match part.kind.value.as_str() {
            "text/plain" if shown => self.pieces.push(Piece { plain: vec![part], html: Vec::new() }),
            "text/html" if shown => self.pieces.push(Piece { plain: Vec::new(), html: vec![part] }),
            // A multipart whose boundaries were lost.
            kind if kind.starts_with("multipart/") => {
                self.pieces.push(Piece { plain: vec![part], html: Vec::new() });
            }
            _ => self.files.push(part),
        }
    }

    /// Takes one text in several forms. Forms that are neither plain nor HTML say the same once more.
    fn choose(&mut self, alternatives: &'e Entity<'a>) {
        let mut piece = Piece::default();
        for part in &alternatives.parts {
            let mut inner = Body::default();
            inner.take(part);
            let (plain, html) = inner
                .pieces
                .into_iter()
                .map(|found| (found.plain, found.html))
                .unzip::<_, _, Vec<_>, Vec<_>>();
            let (plain, html) = (plain.concat(), html.concat());
            // The last form is the best one; of plain ones, programs write the text first.
            if piece.plain.is_empty() {
                piece.plain = plain;
            }
            if !html.is_empty() {
                piece.html = html;
            }
            let repeats = |file: &&&Entity<'_>| {
                matches!(
                    file.kind.value.as_str(),
                    "text/x-amp-html" | "text/watch-html" | "text/enriched" | "text/richtext"
                )
            };
            self.files.extend(inner.files.iter().filter(|file| !repeats(file)));
        }
        if !piece.plain.is_empty() || !piece.html.is_empty() {
            self.pieces.push(piece);
        }
    }

    /// The charset that the text declares: what raw bytes in the header are probably in.
    pub(super) fn charset(&self) -> Option<&'e str> {
        self.pieces
            .iter()
            .flat_map(|piece| piece.plain.iter().chain(&piece.html))
            .find_map(|part| part.charset())
    }

    /// The text: plain where it says something, else made from HTML, else from an invitation.
    pub(super) fn texts(&self) -> Texts {
        let mut texts = Texts::default();
        let mut markup = String::new();
        let mut html_cut = false;
        let any_html = self.pieces.iter().any(|piece| !piece.html.is_empty());
        for piece in &self.pieces {
            if markup.len() > LIMIT || texts.text.len() >= LIMIT {
                texts.cut = true;
                break;
            }
            let cut = &mut texts.cut;
            let plain = piece.plain.iter().map(|part| plain(part, cut)).collect::<Vec<_>>().join("\n");
            let html =
                piece.html.iter().map(|part| whole(part, &mut html_cut)).collect::<Vec<_>>().join("\n");
            let text = if !html.is_empty() && is_placeholder(&plain) { html::text(&html) } else { plain };
            let separator = if texts.text.is_empty() || text.trim().is_empty() { "" } else { "\n\n" };
            texts.cut |= append(&mut texts.text, separator) || append(&mut texts.text, text.trim_end());
            if any_html && html.is_empty() {
                markup.push_str(&format!("<pre>{}</pre>", html::escaped(&text)));
            }
            markup.push_str(&html);
        }
        if texts.text.is_empty() {
            let invitation = self.files.iter().find(|file| file.kind.value == "text/calendar");
            texts.text = invitation.and_then(|part| calendar::summary(&part.text(LIMIT))).unwrap_or_default();
        }
        if any_html && !html_cut && markup.len() <= LIMIT {
            texts.html = Some(markup);
        } else if any_html {
            texts.cut = true;
        }
        texts
    }
}

/// Appends as much as there is room for, and says whether something was left out.
fn append(text: &mut String, more: &str) -> bool {
    let room = more.floor_char_boundary(LIMIT.saturating_sub(text.len()));
    text.push_str(more.get(..room).unwrap_or_default());
    room < more.len()
}

fn whole(part: &Entity<'_>, cut: &mut bool) -> String {
    // More can be encoded than is taken; it is enough to know that there is more.
    *cut |= part.encoding.size(part.body) > LIMIT;
    part.text(LIMIT)
}

fn plain(part: &Entity<'_>, cut: &mut bool) -> String {
    let text = whole(part, cut);
    if part.kind.get("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed")) {
        let delete = part.kind.get("delsp").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        flowed::unwrap(&text, delete)
    } else {
        text
    }
}

/// Whether a plain part says nothing but that there is HTML.
fn is_placeholder(plain: &str) -> bool {
    let plain = plain.trim();
    plain.is_empty()
        || plain.len() <= PLACEHOLDER_LIMIT && {
            let lower = plain.to_lowercase();
            PLACEHOLDERS.iter().any(|words| lower.contains(words))
        }
}
