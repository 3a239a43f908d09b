//! One change of a sample.

use proptest::prelude::*;
use proptest::sample::Index;

/// The longest stretch that is cut out, repeated or taken from elsewhere, in bytes.
const STRETCH: usize = 80;

/// Numbers at the ends of the types that hold them, and some that are none.
const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "-1",
    "1.5",
    "1e400",
    "00",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "١٢",
    "",
];

/// What opens something, in the formats that are parsed.
const OPENINGS: [&str; 9] = ["[", "{\"a\":", "<b>", "<blockquote>", "<!--", "(", "> ", "\"", "--"];

/// Characters that end, hide, turn or break what stands around them.
const ODD: [&str; 14] = [
    "\0",
    "\r\n",
    "\n",
    "\r",
    "\u{202e}",
    "\u{feff}",
    "\u{ffff}",
    "\u{fffe}",
    "\u{a0}",
    "\\u0000",
    "\\ud800",
    "null",
    "=?utf-8?b?",
    "\u{1f468}\u{200d}\u{1f469}",
];

/// One change of a sample: what to do, where, how far, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    kind: Kind,
    at: Index,
    until: Index,
    with: u16,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// One bit is another.
    Flip,
    /// One byte is another.
    Put,
    /// A stretch is missing.
    Cut,
    /// A stretch comes again, up to eight times.
    Repeat,
    /// The end is missing.
    Truncate,
    /// A stretch of another sample stands in between.
    Splice,
    /// The rest is that of another sample.
    Cross,
    /// A number is another.
    Number,
    /// Something opens many times and does not close.
    Nest,
    /// An odd character stands in between.
    Odd,
}

impl Change {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let kind = prop_oneof![
            4 => Just(Kind::Flip),
            4 => Just(Kind::Put),
            3 => Just(Kind::Cut),
            3 => Just(Kind::Repeat),
            1 => Just(Kind::Truncate),
            3 => Just(Kind::Splice),
            1 => Just(Kind::Cross),
            4 => Just(Kind::Number),
            1 => Just(Kind::Nest),
            4 => Just(Kind::Odd),
        ];
        let place = (any::<Index>(), any::<Index>(), any::<u16>());
        (kind, place).prop_map(|(kind, (at, until, with))| Self { kind, at, until, with })
    }

    /// The sample with this change. `other` is where stretches come from.
    pub(crate) fn of(self, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
        let at = self.at.index(bytes.len() + 1);
        let end = at.saturating_add(self.until.index(STRETCH)).min(bytes.len());
        match self.kind {
            Kind::Flip => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (self.with % 8);
                }
            }
            Kind::Put => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.with.to_le_bytes()[0];
                }
            }
            Kind::Cut => drop(bytes.drain(at..end)),
            Kind::Repeat => {
                let times = usize::from(self.with % 8) + 1;
                let again = bytes.get(at..end).unwrap_or_default().repeat(times);
                bytes.splice(end..end, again);
            }
            Kind::Truncate => bytes.truncate(at),
            Kind::Splice => {
                let from = self.until.index(other.len() + 1);
                let length = usize::from(self.with) % STRETCH;
                let piece = other.get(from..).unwrap_or_default().iter().take(length).copied();
                bytes.splice(at..at, piece);
            }
            Kind::Cross => {
                bytes.truncate(at);
                bytes.extend(other.get(self.until.index(other.len() + 1)..).unwrap_or_default());
            }
            Kind::Number => {
                let numbers = numbers(&bytes);
                if !numbers.is_empty() {
                    let number = self.at.get(&numbers).clone();
                    bytes.splice(number, pick(&NUMBERS, self.with).bytes());
                }
            }
            Kind::Nest => {
                let opening = pick(&OPENINGS, self.with);
                bytes.splice(at..at, opening.repeat(1 + self.until.index(300)).into_bytes());
            }
            Kind::Odd => drop(bytes.splice(at..at, pick(&ODD, self.with).bytes())),
        }
        bytes
    }
}

fn pick<'a>(choices: &[&'a str], which: u16) -> &'a str {
    choices.get(usize::from(which) % choices.len()).copied().unwrap_or_default()
}

/// Where digits stand together.
fn numbers(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => found.push(place..place + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_whole() {
        assert_eq!(numbers(b"a12,3"), [1..3, 4..5]);
        assert_eq!(numbers(b""), []);
    }

    proptest! {
        #[test]
        fn a_change_takes_any_sample(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            other in prop::collection::vec(any::<u8>(), 0..40),
            change in Change::any(),
        ) {
            let length = bytes.len();
            let grown = change.of(bytes, &other).len();
            prop_assert!(grown <= length + 8 * STRETCH + other.len() + 300 * 12);
        }
    }
}
