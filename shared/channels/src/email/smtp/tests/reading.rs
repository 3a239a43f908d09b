//! An answer as RFC 5321, 4.2, describes it, read in another way than the desk reads it.

/// The longest line of an answer, its end aside, in bytes.
const LONGEST: usize = 510;

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Whole, and as it should be: it must be understood.
    Plain {
        code: u16,
        /// The first line, without the code.
        words: String,
    },
    /// Whole, but with what no answer should have: it may be understood or not, but not be taken for something else.
    Odd { code: u16, words: String },
    /// No answer, not a whole one, or more than one: nobody knows what it says.
    Unreadable,
}

impl Reading {
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Plain { code, .. } | Self::Odd { code, .. } => Some(*code),
            Self::Unreadable => None,
        }
    }
}

/// The first answers in what a server said, and whether it said more. After one that is unreadable, all are.
pub(super) fn all(said: &[u8], count: usize) -> (Vec<Reading>, bool) {
    let mut rest = Some(said);
    let next = |_| {
        let (reading, after) =
            rest.and_then(one).map_or((Reading::Unreadable, None), |(reading, after)| (reading, Some(after)));
        rest = after;
        reading
    };
    let readings = (0..count).map(next).collect();
    (readings, rest.is_some_and(|rest| !rest.is_empty()))
}

fn one(said: &[u8]) -> Option<(Reading, &[u8])> {
    let (mut rest, mut first, mut odd) = (said, None, false);
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let (line, after) = (&rest[..end], &rest[end + 2..]);
        rest = after;
        let (code, text) = line.split_at_checked(3)?;
        let [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9'] = code else { return None };
        let code: u16 = str::from_utf8(code).ok()?.parse().ok()?;
        odd |= line.len() > LONGEST || text.is_empty();
        odd |= str::from_utf8(text).is_err()
            || text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        let (mark, text) = text.split_at_checked(1).unwrap_or((b" ", b""));
        let words = || String::from_utf8_lossy(text).into_owned();
        let (said_first, _) = first.get_or_insert_with(|| (code, words()));
        if *said_first != code {
            return None;
        }
        match mark {
            b"-" => {}
            b" " => break,
            _ => return None,
        }
    }
    let (code, words) = first?;
    Some((if odd { Reading::Odd { code, words } } else { Reading::Plain { code, words } }, rest))
}
