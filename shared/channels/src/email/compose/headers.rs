//! Values that are fit for a header.

/// The most ids in `References`: the first, which names the conversation, and the latest ones.
const REFERENCES: usize = 20;
/// The longest Message-ID that is carried on, in bytes: a header's line has at most 998.
const LONGEST_ID: usize = 512;
/// The longest subject or name, in characters.
const LONGEST_LINE: usize = 1000;
/// The longest name before an address, in characters: header and quotes leave it on a line of 78.
const LONGEST_DISPLAY_NAME: usize = 64;
/// The longest file name, in characters.
const LONGEST_NAME: usize = 200;

/// A text on one line: control characters become spaces, characters that turn the direction of writing go, and what
/// looks like an encoded word is broken up, because readers would decode it.
pub(super) fn line(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(|c| !turns_direction(*c))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(LONGEST_LINE)
        .collect();
    plain.trim().replace("=?", "= ?")
}

/// The name before an address, short enough for one line and without quotes and backslashes: escaped or folded names
/// are what readers disagree about, some of them to the point of finding other addresses.
pub(super) fn display_name(name: &str) -> String {
    let name = line(name).replace('"', "'").replace('\\', "/");
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_DISPLAY_NAME).collect::<String>().trim_end().to_owned()
}

/// A file's name without a path.
pub(super) fn file_name(name: &str) -> String {
    let name: String = line(name)
        .chars()
        .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() { "file".to_owned() } else { name }
}

/// A media type, or the general one where it cannot stand in a header. Containers are sent as plain bytes, too: their
/// insides must not be encoded, and ours are.
pub(super) fn media_type(given: &str) -> String {
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |text: &str| {
        !text.is_empty()
            && text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match essence.split_once('/') {
        Some(("multipart" | "message", _)) => "application/octet-stream".to_owned(),
        Some((kind, subtype)) if token(kind) && token(subtype) => essence,
        _ => "application/octet-stream".to_owned(),
    }
}

/// A Message-ID without brackets, if it is one that others will recognise.
pub(super) fn message_id(id: &str) -> Option<&str> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let fits = (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
        && !id.contains("=?");
    fits.then_some(id)
}

/// What a mail answers. Gmail and Apple Mail follow `References`, Outlook follows `In-Reply-To`, and all of them want
/// the two to agree.
pub(super) struct Thread<'a> {
    /// The mail that is answered.
    pub(super) answered: Option<&'a str>,
    /// The whole conversation, ending with it.
    pub(super) references: Vec<&'a str>,
}

impl<'a> Thread<'a> {
    pub(super) fn of(in_reply_to: Option<&'a str>, references: &'a [String]) -> Self {
        let answered = in_reply_to.and_then(message_id);
        let mut chain: Vec<&str> = Vec::new();
        for id in references.iter().filter_map(|id| message_id(id)) {
            if Some(id) != answered && !chain.contains(&id) {
                chain.push(id);
            }
        }
        chain.extend(answered);
        if let Some(surplus) = chain.len().checked_sub(REFERENCES) {
            chain.drain(1..=surplus);
        }
        Self { answered: chain.last().copied(), references: chain }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.references.is_empty()
    }
}

/// Whether a character makes what follows appear elsewhere than it stands.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
