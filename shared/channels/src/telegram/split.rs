//! Cutting a reply into messages that Telegram takes: <https://core.telegram.org/bots/api#sendmessage>.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

use crate::platform::{Message, Part, Unsendable};

/// The longest text of a message, in UTF-16 code units.
pub(super) const TEXT_LIMIT: usize = 4096;

/// The longest caption of a file, in UTF-16 code units.
pub(super) const CAPTION_LIMIT: usize = 1024;

/// The largest file that a bot may send, in bytes: <https://core.telegram.org/bots/api#sending-files>.
pub(super) const FILE_LIMIT: u64 = 50 * 1024 * 1024;

/// Cuts a reply into parts, in the order in which they are to be sent.
///
/// A text that fits goes as the caption of the first file, a longer one before the files. Only the first part
/// answers the quoted message.
///
/// # Errors
/// When there is nothing to send, or a file is empty or too large for Telegram.
pub(super) fn split(message: &Message) -> Result<Vec<Part>, Unsendable> {
    for file in &message.files {
        if file.size > FILE_LIMIT {
            let detail = "Telegram takes files of up to 50 MB from a bot.".to_owned();
            return Err(Unsendable { reason: "file_too_large", detail });
        }
        if file.size == 0 {
            return Err(Unsendable {
                reason: "empty_file",
                detail: "Telegram takes no empty files.".to_owned(),
            });
        }
    }
    let text = message.text.as_deref().filter(|text| !is_blank(text));
    if text.is_none() && message.files.is_empty() {
        return Err(Unsendable { reason: "empty", detail: "There is nothing to send.".to_owned() });
    }

    let text = headed(text, message.sender_name.as_deref());
    let caption = text.clone().filter(|text| !message.files.is_empty() && length(text) <= CAPTION_LIMIT);
    let mut parts = Vec::new();
    if let (None, Some(text)) = (&caption, &text) {
        parts.extend(cut(text, TEXT_LIMIT).into_iter().map(|text| Part {
            text: Some(text),
            files: Vec::new(),
            links: Vec::new(),
            reply_to: None,
        }));
    }
    parts.extend((0..message.files.len()).map(|index| Part {
        text: None,
        files: vec![index],
        links: Vec::new(),
        reply_to: None,
    }));
    if let Some(first) = parts.first_mut() {
        first.text = caption.or_else(|| first.text.take());
        first.reply_to.clone_from(&message.reply_to);
    }
    Ok(parts)
}

/// The text under the line that names the sender.
fn headed(text: Option<&str>, sender_name: Option<&str>) -> Option<String> {
    // Telegram drops carriage returns; without them a paragraph is always two line feeds.
    let text = text.map(|text| text.replace("\r\n", "\n").trim().to_owned());
    let name = sender_name.map(str::trim).filter(|name| !is_blank(name));
    match (name, text) {
        (Some(name), Some(text)) => Some(format!("{name}:\n{text}")),
        (Some(name), None) => Some(format!("{name}:")),
        (None, text) => text,
    }
}

/// Length as Telegram counts it, in UTF-16 code units.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Whether Telegram would find nothing in a text: it strips control and format characters and blanks.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{fffc}')
    })
}

/// Cuts a text into pieces of at most `limit` UTF-16 code units. Blanks at the cuts are dropped, nothing else.
fn cut(text: &str, limit: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = place_to_cut(rest, limit);
        let (piece, tail) = rest.split_at(end);
        let piece = piece.trim_end();
        if !is_blank(piece) {
            pieces.push(piece.to_owned());
        }
        rest = tail.trim_start();
    }
    pieces
}

/// Where to cut a text: behind the last paragraph, line, sentence or word that leaves at least half of what fits,
/// else behind the last grapheme cluster that fits. Inside a cluster only if it alone is longer than the limit.
fn place_to_cut(text: &str, limit: usize) -> usize {
    let end = fitting(text, limit);
    if end == text.len() {
        return end;
    }
    let (window, tail) = text.split_at(end);
    let half = end / 2;
    let usable = |position: &usize| *position > half && is_cluster_boundary(text, *position);
    let behind = |separator: &str| window.rfind(separator).map(|at| at + separator.len()).filter(usable);
    let sentence = || window.split_sentence_bound_indices().map(|(at, _)| at).filter(usable).last();
    let word = || {
        if tail.starts_with(char::is_whitespace) {
            return Some(end);
        }
        let blanks = window.char_indices().rev().filter(|(_, c)| c.is_whitespace());
        blanks.map(|(at, blank)| at + blank.len_utf8()).find(usable)
    };
    behind("\n\n")
        .or_else(|| behind("\n"))
        .or_else(sentence)
        .or_else(word)
        .or_else(|| cluster_boundary_before(text, end))
        .unwrap_or(end)
}

/// The longest beginning of a text that has at most `limit` UTF-16 code units, as an index; at least one character.
fn fitting(text: &str, limit: usize) -> usize {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > limit && at > 0 {
            return at;
        }
    }
    text.len()
}

fn is_cluster_boundary(text: &str, position: usize) -> bool {
    GraphemeCursor::new(position, text.len(), true).is_boundary(text, 0).unwrap_or(false)
}

/// The last boundary between grapheme clusters at or before a position, unless that is the beginning.
fn cluster_boundary_before(text: &str, position: usize) -> Option<usize> {
    if is_cluster_boundary(text, position) {
        return Some(position);
    }
    let mut cursor = GraphemeCursor::new(position, text.len(), true);
    cursor.prev_boundary(text, 0).ok().flatten().filter(|boundary| *boundary > 0)
}
